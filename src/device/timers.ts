import type { Clock } from '../transport/clock.ts';

/** Timers that end together. */
export class Timers implements Clock {
  readonly #clock: Clock;
  readonly #endings = new Set<() => void>();
  #hasEnded = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  /** As `Clock` says; what is due after the end is forgotten. */
  after(delayMs: number, task: () => void): () => void {
    return this.#start(delayMs, task, () => undefined);
  }

  /** Resolves after so long, or at the end. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#start(delayMs, resolve, resolve));
  }

  /** Ends all timers, and those that are still to come. */
  end(): void {
    this.#hasEnded = true;
    for (const ending of this.#endings) ending();
  }

  #start(delayMs: number, task: () => void, atEnd: () => void): () => void {
    if (this.#hasEnded) {
      atEnd();
      return () => undefined;
    }
    const stop = (): void => {
      cancel();
      this.#endings.delete(ending);
    };
    const ending = (): void => {
      stop();
      atEnd();
    };
    const cancel = this.#clock.after(delayMs, () => {
      this.#endings.delete(ending);
      task();
    });
    this.#endings.add(ending);
    return stop;
  }
}
