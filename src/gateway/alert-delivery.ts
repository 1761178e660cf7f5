import type { EpochMs } from '../fanout/store.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { OutgoingAlert } from '../protocol/session/client-types.ts';
import type { Outbox, WaitingAlert } from './outbox.ts';

/** Alerts that go out in one session; more wait for the next. */
const ALERTS_PER_SESSION = 50;
/** When alerts that are on their way hold more than this, no further ones are made; they can hold results. */
const BYTES_AT_ONCE = 1_048_576;

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

/** The alerts of one session with a DM Server: each goes out in it once at most, as long as it does not change. */
interface AlertDelivery {
  /** Alerts that wait for this server and have not gone out in this session, due or not: the server is there now. */
  take(): Promise<readonly OutgoingAlert[]>;
  answered(ref: string, status: number): Promise<void>;
  /** What is left without a Status is sent again later. */
  end(): Promise<void>;
}

/** Opens the outboxes of one server for one session; what is in them stays until the server accepts it. */
export function deliverAlerts(ports: {
  readonly outboxes: readonly Outbox[];
  readonly retry: RetryWait;
  now(): EpochMs;
}): AlertDelivery {
  const { outboxes, retry } = ports;
  const taken = new Set<string>();
  const unanswered = new Map<string, WaitingAlert>();

  const defer = (alert: WaitingAlert, status?: number) =>
    alert.deferred(ports.now() + retryWaitMs(retry, alert.attempts), status);

  /** Those that are due first: alerts that are refused again and again hold up no others. */
  async function* waitingAlerts(): AsyncGenerator<WaitingAlert> {
    for (const dueBy of [ports.now(), Number.MAX_SAFE_INTEGER]) {
      for (const outbox of outboxes) yield* await outbox.waiting(dueBy, ALERTS_PER_SESSION);
    }
  }

  return {
    async take() {
      const fresh: OutgoingAlert[] = [];
      let bytes = 0;
      if (taken.size >= ALERTS_PER_SESSION) return fresh;
      for await (const waiting of waitingAlerts()) {
        if (taken.size >= ALERTS_PER_SESSION || bytes >= BYTES_AT_ONCE) break;
        if (taken.has(waiting.ref)) continue;
        taken.add(waiting.ref);
        unanswered.set(waiting.ref, waiting);
        const alert = await waiting.alert();
        fresh.push({ ref: waiting.ref, alert });
        for (const { data } of alert.items) bytes += Buffer.byteLength(data ?? '');
      }
      return fresh;
    },
    async answered(ref, status) {
      const alert = unanswered.get(ref);
      if (!alert) return;
      unanswered.delete(ref);
      switch (alertFate(status)) {
        case 'accepted':
          return alert.accepted();
        case 'rejected':
          return alert.rejected();
        case 'again':
          return defer(alert, status);
      }
    },
    async end() {
      await Promise.all([...unanswered.values()].map((alert) => defer(alert)));
      unanswered.clear();
    },
  };
}
