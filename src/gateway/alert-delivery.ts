import { alertMark } from '../fanout/aggregate.ts';
import type { EpochMs, FanOutStore, PendingAlert } from '../fanout/store.ts';
import { ALERT, STATUS } from '../protocol/message/codes.ts';
import type { OutgoingAlert } from '../protocol/session/client-types.ts';
import { resultsUrl } from './objects/results.ts';

/** Registered type of the alert that says a fan-out is over. [GWMO] */
const COMPLETION_STATUS = 'urn:oma:at:oma-gwmo:completionstatus:1.0';
/** Alerts that go out in one session; more wait for the next. */
const ALERTS_PER_SESSION = 50;

/** The Generic Alert that tells a DM Server where the results of a run are. [FANOUT 6] */
export function completionAlert({ id, run, correlator, data }: PendingAlert): OutgoingAlert {
  return {
    ref: String(id),
    alert: {
      kind: 'Alert',
      code: ALERT.generic,
      ...(correlator === undefined ? {} : { correlator }),
      items: [
        {
          source: { locUri: resultsUrl(run) },
          meta: { type: COMPLETION_STATUS, format: 'int', mark: alertMark(data) },
          data: String(data),
        },
      ],
    },
  };
}

/** What becomes of an alert with this Status: `202` and `200` accept it, `415` ends it, anything else has it sent again. [FANOUT 6] */
function alertFate(status: number): 'accepted' | 'rejected' | 'again' {
  if (status === STATUS.ok || status === STATUS.accepted) return 'accepted';
  return status === STATUS.unsupportedType ? 'rejected' : 'again';
}

/** How long to wait before an alert is sent again. */
interface RetryWait {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Wait after so many attempts that were not accepted: doubled each time up to the maximum. */
export function retryWaitMs({ firstMs, maxMs }: RetryWait, attempts: number): number {
  return Math.min(firstMs * 2 ** Math.min(attempts, 30), maxMs);
}

/** The alerts of one session with a DM Server: each goes out in it once at most. */
interface AlertDelivery {
  /** Alerts that wait for this server and have not gone out in this session, due or not: the server is there now. */
  take(): Promise<readonly OutgoingAlert[]>;
  answered(ref: string, status: number): Promise<void>;
  /** What is left without a Status is sent again later. */
  end(): Promise<void>;
}

/** Opens the outbox for one session; its rows stay until the server accepts them. */
export function deliverAlerts(ports: {
  readonly outbox: Pick<FanOutStore, 'dueAlerts' | 'alertAccepted' | 'alertRejected' | 'alertDeferred'>;
  readonly serverId: string;
  readonly retry: RetryWait;
  now(): EpochMs;
}): AlertDelivery {
  const { outbox, serverId, retry } = ports;
  const taken = new Set<number>();
  const unanswered = new Map<string, PendingAlert>();

  const defer = ({ id, attempts }: PendingAlert) =>
    outbox.alertDeferred(id, ports.now() + retryWaitMs(retry, attempts));

  return {
    async take() {
      if (taken.size >= ALERTS_PER_SESSION) return [];
      const waiting = await outbox.dueAlerts(serverId, Number.MAX_SAFE_INTEGER, ALERTS_PER_SESSION);
      const fresh = waiting.filter(({ id }) => !taken.has(id));
      for (const alert of fresh) {
        taken.add(alert.id);
        unanswered.set(String(alert.id), alert);
      }
      return fresh.map(completionAlert);
    },
    async answered(ref, status) {
      const alert = unanswered.get(ref);
      if (!alert) return;
      unanswered.delete(ref);
      switch (alertFate(status)) {
        case 'accepted':
          return outbox.alertAccepted(alert.id, ports.now());
        case 'rejected':
          return outbox.alertRejected(alert.id, ports.now());
        case 'again':
          return defer(alert);
      }
    },
    async end() {
      await Promise.all([...unanswered.values()].map(defer));
      unanswered.clear();
    },
  };
}
