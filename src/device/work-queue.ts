/** Works off items in the order of their arrival, at most `limit` at a time. */
export class WorkQueue<Item> {
  readonly #limit: number;
  readonly #work: (item: Item) => Promise<void>;
  #waiting: Item[] = [];
  #head = 0;
  #running = 0;
  /** Items under way that wait outside. */
  #outside = 0;
  /** Those that are done waiting outside and have no place yet. */
  #returning: (() => void)[] = [];
  #idle: (() => void)[] = [];

  /** `work` must not reject. */
  constructor(limit: number, work: (item: Item) => Promise<void>) {
    this.#limit = limit;
    this.#work = work;
  }

  push(item: Item): void {
    this.#waiting.push(item);
    this.#startWaiting();
  }

  /** Forgets what has not begun; answers how many items that were. */
  drop(): number {
    const dropped = this.#waiting.length - this.#head;
    this.#waiting = [];
    this.#head = 0;
    return dropped;
  }

  /**
   * Waits for `event`, which must not reject, for the item that asks and is under way. Its place is another's meanwhile;
   * it goes on as soon as there is one again, before what has not begun.
   */
  async waitOutside(event: Promise<void>): Promise<void> {
    this.#outside += 1;
    this.#leave();
    await event;
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#returning.push(resolve));
    else this.#running += 1;
    this.#outside -= 1;
  }

  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #startWaiting(): void {
    while (this.#running < this.#limit && this.#head < this.#waiting.length) {
      const item = this.#waiting[this.#head] as Item;
      this.#head += 1;
      this.#compact();
      this.#running += 1;
      void this.#work(item).then(() => this.#leave());
    }
  }

  /** A place is free: one that was there before has it, or one that has not begun. */
  #leave(): void {
    const resume = this.#returning.shift();
    if (resume) {
      resume();
      return;
    }
    this.#running -= 1;
    this.#startWaiting();
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #isIdle(): boolean {
    return this.#running === 0 && this.#outside === 0;
  }

  /** Shifting an array of 50,000 items for each one costs more than the work. */
  #compact(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }
}
