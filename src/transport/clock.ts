/** Time as a capability, so that tests can own it. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number;
  /** Calls `task` after `delayMs`, once; the answered function cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

/** The monotonic clock of this process. Its timers keep no process alive. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
