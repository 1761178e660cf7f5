import type { EpochMs } from './store.ts';

/** Turns that a pause may save up: this part of a second's worth, at least one. */
const BURST_MS = 20;

/** Keeps turns under so many a second; 0 = no limit. [FANOUT 7] */
export class StartRate {
  readonly #perSecond: number;
  readonly #burst: number;
  #available: number;
  #at: EpochMs;

  constructor(perSecond: number, now: EpochMs) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, (perSecond * BURST_MS) / 1000);
    this.#available = this.#burst;
    this.#at = now;
  }

  /** How many turns may be given. */
  available(now: EpochMs): number {
    if (this.#perSecond === 0) return Infinity;
    const earned = (Math.max(0, now - this.#at) * this.#perSecond) / 1000;
    this.#available = Math.min(this.#burst, this.#available + earned);
    this.#at = Math.max(this.#at, now);
    return Math.floor(this.#available);
  }

  take(turns: number): void {
    this.#available -= turns;
  }

  /** When the next turn may be given. */
  nextAt(now: EpochMs): EpochMs {
    if (this.available(now) > 0) return now;
    return now + Math.ceil(((1 - this.#available) * 1000) / this.#perSecond);
  }
}
