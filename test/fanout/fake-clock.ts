import type { Clock } from '../../src/fanout/engine.ts';
import type { EpochMs } from '../../src/fanout/store.ts';

/** A clock for tests: it stands still until it is told to move. */
export class FakeClock implements Clock {
  #now: EpochMs;
  #wallAheadMs = 0;
  readonly #timers = new Set<{ readonly at: EpochMs; readonly callback: () => void }>();

  constructor(now: EpochMs = 1_000_000) {
    this.#now = now;
  }

  now(): EpochMs {
    return this.#now;
  }

  wallNow(): EpochMs {
    return this.#now + this.#wallAheadMs;
  }

  /** Somebody sets the wall clock; `now` goes on as it did. */
  jumpWall(byMs: number): void {
    this.#wallAheadMs += byMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, timer by timer; what a timer set off is done before the next one. */
  async advance(byMs: number): Promise<void> {
    const end = this.#now + byMs;
    await quiet();
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await quiet();
    }
    this.#now = end;
  }
}

/** Resolves when all that is under way without a timer is done. */
export async function quiet(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise((resolve) => void setImmediate(resolve));
}
