import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { NotificationSender } from './notification-sender.ts';

interface SendQueueOptions {
  /** Notifications under way at a time; further ones wait in the order in which they came. */
  readonly concurrency: number;
  /** Begun in one second, evenly; 0: no limit. */
  readonly perSecond: number;
  /** Tries of one notification whose transport fails, and the wait between them. Default 2 and 250. */
  readonly tries?: number | undefined;
  readonly retryMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** A sender that never rejects. */
export interface SendQueue extends NotificationSender {
  /** What waits and what comes later is refused. */
  close(): Promise<void>;
}

/** Puts a bound, a rate and a retry in front of a sender. */
export function createSendQueue(sender: NotificationSender, options: SendQueueOptions): SendQueue {
  const { concurrency, perSecond, tries = 2, retryMs = 250, clock = SYSTEM_CLOCK } = options;
  const intervalMs = perSecond > 0 ? 1000 / perSecond : 0;
  const waiting = new Set<() => void>();
  /** Ends every pause at once. */
  const pauses = new Set<() => void>();
  let active = 0;
  let nextTurnAt = 0;
  let closed = false;

  async function enter(): Promise<void> {
    if (active < concurrency) active += 1;
    // Whoever leaves hands its place over.
    else await new Promise<void>((resolve) => waiting.add(resolve));
  }

  function leave(): void {
    const [next] = waiting;
    if (next) {
      waiting.delete(next);
      next();
    } else active -= 1;
  }

  function pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        pauses.delete(end);
        resolve();
      };
      const cancel = clock.after(delayMs, end);
      pauses.add(end);
    });
  }

  async function turn(): Promise<void> {
    if (intervalMs === 0) return;
    const now = clock.now();
    const at = Math.max(now, nextTurnAt);
    nextTurnAt = at + intervalMs;
    if (at > now) await pause(at - now);
  }

  async function sendNow(address: string, bytes: Uint8Array): Promise<'sent' | 'refused'> {
    for (let left = tries; left > 0; left--) {
      await turn();
      if (isClosed()) break;
      try {
        return await sender.send(address, bytes);
      } catch {
        if (left > 1 && !isClosed()) await pause(retryMs);
      }
    }
    return 'refused';
  }

  /** It may have become so meanwhile. */
  function isClosed(): boolean {
    return closed;
  }

  return {
    async send(address, bytes) {
      if (closed) return 'refused';
      await enter();
      try {
        return await sendNow(address, bytes);
      } finally {
        leave();
      }
    },
    close() {
      closed = true;
      for (const end of [...pauses]) end();
      return Promise.resolve();
    },
  };
}
