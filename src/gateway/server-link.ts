import type { Clock } from '../fanout/engine.ts';
import type { ClientSessionOutcome } from '../transport/client-session.ts';
import type { GatewayLog } from './gateway.ts';

/** How long a session id of package #0 is remembered, so that its repeats start nothing. */
const REPEAT_WINDOW_MS = 600_000;
/** Session ids remembered at most. */
const REMEMBERED_IDS = 64;

/** Why a session with a DM Server is opened. */
export type SessionReason = Notified | { readonly kind: 'poll' } | { readonly kind: 'alert' };

/** A verified package #0; `resetDigest` is its digest where it proved itself under the reset nonce. */
interface Notified {
  readonly kind: 'notified';
  readonly sessionId: string;
  readonly resetDigest?: Uint8Array | undefined;
}

interface ServerLinkPorts {
  readonly serverId: string;
  readonly pollIntervalMs: number;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly log: GatewayLog;
  /** Wait after a session that could not be carried out. */
  readonly retryMs: number;
  /** Runs one session from start to end. */
  session(reason: SessionReason): Promise<ClientSessionOutcome>;
  /** When the next alert for this server is due; undefined: none waits. */
  nextAlertDueAt(): Promise<number | undefined>;
}

/** Decides when to open sessions with one DM Server, one at a time. */
export interface ServerLink {
  open(): void;
  /** A verified package #0 arrived; repeats of a session id start one session. [NOTI 6] */
  notified(sessionId: string, resetDigest?: Uint8Array): void;
  /** An alert was put into the outbox. */
  alertReady(): void;
  /** Opens no further session; resolves when the one that is open has ended. */
  close(): Promise<void>;
}

/** A link that is not open yet. */
export function createServerLink(ports: ServerLinkPorts): ServerLink {
  const { clock, log, serverId } = ports;
  const notified: Notified[] = [];
  /** Session ids of package #0 that are waiting or were served, and until when they are remembered. */
  const seen = new Map<string, number>();
  let isOpen = false;
  let isPollDue = false;
  /** Alerts are not looked for before: something failed that a little time may heal. */
  let restUntil = 0;
  let working: Promise<void> | undefined;
  /** Something came up while a session was open that may not have been in it. */
  let mayHaveMore = false;
  let cancelPoll: (() => void) | undefined;
  let cancelWake: (() => void) | undefined;

  function wake(): void {
    mayHaveMore = true;
    if (!isOpen || working) return;
    working = work().finally(() => {
      working = undefined;
      if (mayHaveMore) wake();
    });
  }

  async function work(): Promise<void> {
    cancelWake?.();
    for (;;) {
      mayHaveMore = false;
      const reason = await nextReason();
      if (!isOpen || !reason) return;
      await serve(reason);
    }
  }

  async function nextReason(): Promise<SessionReason | undefined> {
    const reason = notified.shift();
    if (reason) return reason;
    if (isPollDue) return { kind: 'poll' };
    const dueAt = await alertDueAt();
    if (dueAt === undefined) return undefined;
    const waitMs = dueAt - clock.now();
    if (waitMs <= 0) return { kind: 'alert' };
    if (isOpen) cancelWake = clock.after(waitMs, wake);
    return undefined;
  }

  async function alertDueAt(): Promise<number | undefined> {
    try {
      const dueAt = await ports.nextAlertDueAt();
      return dueAt === undefined ? undefined : Math.max(dueAt, restUntil);
    } catch (error) {
      log.error('outbox could not be read', { serverId, err: error });
      return clock.now() + ports.retryMs;
    }
  }

  async function serve(reason: SessionReason): Promise<void> {
    isPollDue = false;
    try {
      const outcome = await ports.session(reason);
      if (outcome.kind === 'completed') {
        log.info('session with DM Server', { serverId, reason: reason.kind });
        return;
      }
      log.warn('session with DM Server failed', { serverId, reason: reason.kind, outcome });
      if (reason.kind === 'notified' && outcome.kind === 'unreachable') seen.delete(reason.sessionId);
    } catch (error) {
      restUntil = clock.now() + ports.retryMs;
      log.error('session with DM Server broke off', { serverId, err: error });
    }
  }

  function poll(): void {
    isPollDue = true;
    wake();
    cancelPoll = clock.after(ports.pollIntervalMs, poll);
  }

  function remember(sessionId: string): void {
    const now = clock.now();
    for (const [id, until] of seen) if (until <= now || seen.size >= REMEMBERED_IDS) seen.delete(id);
    seen.set(sessionId, now + REPEAT_WINDOW_MS);
  }

  return {
    open() {
      isOpen = true;
      if (ports.pollIntervalMs > 0) poll();
      else wake();
    },
    notified(sessionId, resetDigest) {
      const until = seen.get(sessionId);
      if (until !== undefined && until > clock.now()) return;
      remember(sessionId);
      notified.push({ kind: 'notified', sessionId, resetDigest });
      wake();
    },
    alertReady: wake,
    async close() {
      isOpen = false;
      cancelPoll?.();
      cancelWake?.();
      await working;
    },
  };
}
