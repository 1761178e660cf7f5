/** Works off items in the order of their arrival, at most `limit` at a time. */
export class WorkQueue<Item> {
  readonly #limit: number;
  readonly #work: (item: Item) => Promise<void>;
  #waiting: Item[] = [];
  #head = 0;
  #running = 0;
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

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #startWaiting(): void {
    while (this.#running < this.#limit && this.#head < this.#waiting.length) {
      const item = this.#waiting[this.#head] as Item;
      this.#head += 1;
      this.#compact();
      this.#running += 1;
      void this.#work(item).then(() => {
        this.#running -= 1;
        this.#startWaiting();
        if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
      });
    }
  }

  /** Shifting an array of 50,000 items for each one costs more than the work. */
  #compact(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
  }
}
