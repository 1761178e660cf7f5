import type { EpochMs } from './store.ts';

/** How long a notified device holds its slot without opening a session. [FANOUT 7] */
export const SILENCE_MS = 2_000;

/**
 * The slots of one run: open sessions of its devices, plus devices whose turn came less than 2 s ago. A device that
 * comes later than that, or by itself, takes a slot all the same: the window says when new turns fit, it turns nobody
 * away. [FANOUT 7]
 */
export class Window {
  readonly #size: number;
  /** Device keys with the end of their slot, soonest first. */
  readonly #turns = new Map<number, EpochMs>();
  readonly #sessions = new Set<number>();

  constructor(size: number) {
    this.#size = size;
  }

  /** How many turns fit in. */
  free(now: EpochMs): number {
    for (const [deviceKey, endsAt] of this.#turns) {
      if (endsAt > now) break;
      this.#turns.delete(deviceKey);
    }
    return Math.max(0, this.#size - this.#turns.size - this.#sessions.size);
  }

  /** When the next silent device gives its slot back. */
  nextFreeAt(): EpochMs | undefined {
    return this.#turns.values().next().value;
  }

  turnGiven(deviceKey: number, now: EpochMs): void {
    if (this.#sessions.has(deviceKey)) return;
    this.#turns.delete(deviceKey);
    this.#turns.set(deviceKey, now + SILENCE_MS);
  }

  /** The device will not come: its notification was refused. */
  turnReturned(deviceKey: number): void {
    this.#turns.delete(deviceKey);
  }

  /** A session of a device is open; it counts here when the device had its turn just now. */
  sessionOpened(deviceKey: number, now: EpochMs): void {
    if ((this.#turns.get(deviceKey) ?? 0) > now) this.sessionUsed(deviceKey);
  }

  /** The device's session brings commands of this run, or its turn came while the session is open. */
  sessionUsed(deviceKey: number): void {
    this.#turns.delete(deviceKey);
    this.#sessions.add(deviceKey);
  }

  sessionClosed(deviceKey: number): void {
    this.#sessions.delete(deviceKey);
  }
}
