import { alertMark } from '../fanout/aggregate.ts';
import type { EpochMs, FanOutStore, PendingAlert } from '../fanout/store.ts';
import { ALERT, STATUS } from '../protocol/message/codes.ts';
import type { Item } from '../protocol/message/message.ts';
import type { OutgoingAlert } from '../protocol/session/client-types.ts';
import type { DmServerAccount, GatewayLog } from './gateway.ts';
import { resultsUrl } from './objects/results-url.ts';
import type { Outbox, WaitingAlert } from './outbox.ts';

/** Registered type of the alert that says a fan-out is over. [GWMO] */
const COMPLETION_STATUS = 'urn:oma:at:oma-gwmo:completionstatus:1.0';
/** Registered type of the alert that carries the results. [GWMO] */
const RESULT_AGGREGATION = 'urn:oma:at:oma-gwmo:resultaggregation:1.0';

/** What a server answers that cannot take an object so large. */
const TOO_LARGE: readonly number[] = [STATUS.tooLarge, STATUS.sizeTooBig, STATUS.sizeMismatch];

interface RunOutboxPorts {
  readonly server: Pick<DmServerAccount, 'id' | 'alerts'>;
  readonly fanOut: Pick<
    FanOutStore,
    'dueAlerts' | 'nextAlertDueAt' | 'alertAccepted' | 'alertRejected' | 'alertDeferred' | 'run'
  >;
  /** The results of a run as this server would Get them, a TNDS document; undefined: they are too large for an object. */
  readonly aggregate: (run: number, serverId: string) => Promise<string | undefined>;
  readonly now: () => EpochMs;
  readonly log: GatewayLog;
}

/**
 * The alerts that tell a DM Server of its runs. In mode `aggregation` the end of a run comes with its results; where
 * they are too large, for an object or for the server, it comes without. [FANOUT 6]
 */
export function createRunOutbox({ server, fanOut, aggregate, now, log }: RunOutboxPorts): Outbox {
  /** Alerts whose results the server could not take. */
  const tooLarge = new Set<number>();

  async function alertOf(pending: PendingAlert): Promise<OutgoingAlert['alert']> {
    const run = await fanOut.run(pending.run);
    const settled = run ? run.counts.targets - run.counts.pending : 0;
    const isEnd = run?.endedAt !== undefined;
    if (server.alerts === 'aggregation' && isEnd && !tooLarge.has(pending.id)) {
      const document = await aggregate(pending.run, server.id);
      if (document !== undefined) return aggregationAlert(pending, document);
      log.warn('results are too large for an alert: it goes out without them', { run: pending.run });
    }
    return completionAlert(pending, settled - (run?.counts.succeeded ?? 0));
  }

  function waitingOf(pending: PendingAlert): WaitingAlert {
    const { id, generation, attempts } = pending;
    return {
      ref: `run ${id} ${generation}`,
      alert: () => alertOf(pending),
      attempts,
      async accepted() {
        tooLarge.delete(id);
        await fanOut.alertAccepted(id, generation, now());
      },
      async rejected() {
        tooLarge.delete(id);
        await fanOut.alertRejected(id, now());
      },
      async deferred(dueAt, status) {
        if (status !== undefined && TOO_LARGE.includes(status)) tooLarge.add(id);
        await fanOut.alertDeferred(id, dueAt);
      },
    };
  }

  return {
    async waiting(dueBy, limit) {
      const alerts = await fanOut.dueAlerts(server.id, dueBy, limit);
      return alerts.map(waitingOf);
    },
    nextDueAt: () => fanOut.nextAlertDueAt(server.id),
  };
}

/**
 * The Generic Alert that tells a DM Server where the results of a run are. `failures`: how many members have settled
 * without success. [FANOUT 6]
 */
export function completionAlert(pending: PendingAlert, failures = 0): OutgoingAlert['alert'] {
  return alertWith(pending, {
    meta: { type: COMPLETION_STATUS, format: 'int', mark: alertMark(pending.data, failures) },
    data: String(pending.data),
  });
}

/** The Generic Alert that brings the results themselves. [FANOUT 6] */
function aggregationAlert(pending: PendingAlert, document: string): OutgoingAlert['alert'] {
  return alertWith(pending, {
    meta: { type: RESULT_AGGREGATION, format: 'xml', mark: alertMark(pending.data) },
    data: document,
  });
}

function alertWith({ run, correlator }: PendingAlert, item: Item): OutgoingAlert['alert'] {
  return {
    kind: 'Alert',
    code: ALERT.generic,
    ...(correlator === undefined ? {} : { correlator }),
    items: [{ source: { locUri: resultsUrl(run) }, ...item }],
  };
}
