import type { Clock } from '../fanout/engine.ts';

/** Longest delay that a timer of Node takes. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Wall-clock time of the start, moved on by the monotonic clock: a jump of the wall clock moves no deadline.
 * [FANOUT 7]
 */
export const SYSTEM_CLOCK: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  wallNow: () => Date.now(),
  after(delayMs, callback) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, MAX_TIMER_MS);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : callback()), stepMs).unref();
    };
    wait(Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};
