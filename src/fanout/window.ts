import type { EpochMs } from './store.ts';

/** How long a device holds its slot without a sign of life. [FANOUT 7] */
export const SILENCE_MS = 2_000;

/**
 * The slots of one run: its devices that had their turn, or said something in their session, less than 2 s ago, and
 * those whose notification is not out yet. A device that has vanished gives its slot back, also from the middle of a
 * session. One that comes later, or by itself, takes a slot all the same: the window says when new turns fit, it turns
 * nobody away. [FANOUT 7]
 */
export class Window {
  readonly #size: number;
  /** Device keys with the end of their slot, soonest first. */
  readonly #slots = new Map<number, EpochMs>();
  /** Device keys whose slot has no end yet. */
  readonly #held = new Set<number>();

  constructor(size: number) {
    this.#size = size;
  }

  /** How many turns fit in. */
  free(now: EpochMs): number {
    for (const [deviceKey, endsAt] of this.#slots) {
      if (endsAt > now) break;
      this.#slots.delete(deviceKey);
    }
    return Math.max(0, this.#size - this.#slots.size - this.#held.size);
  }

  /** When the next silent device gives its slot back. */
  nextFreeAt(): EpochMs | undefined {
    return this.#slots.values().next().value;
  }

  /** Its notification is begun: however long that waits until it is out, it takes a slot. */
  hold(deviceKey: number): void {
    this.#slots.delete(deviceKey);
    this.#held.add(deviceKey);
  }

  /** Its notification is out; from now on its silence counts, unless it has come and gone meanwhile. */
  letGo(deviceKey: number, now: EpochMs): void {
    if (this.#held.has(deviceKey)) this.take(deviceKey, now);
  }

  /** The device had its turn, or its session brings commands of this run. */
  take(deviceKey: number, now: EpochMs): void {
    this.giveBack(deviceKey);
    this.#slots.set(deviceKey, now + SILENCE_MS);
  }

  /** A sign of life of a device: it counts here when the device has a slot. */
  keep(deviceKey: number, now: EpochMs): void {
    if ((this.#slots.get(deviceKey) ?? 0) > now) this.take(deviceKey, now);
  }

  /** Its session is over, or it will not come: its notification was refused. */
  giveBack(deviceKey: number): void {
    this.#held.delete(deviceKey);
    this.#slots.delete(deviceKey);
  }
}
