/**
 * Gathers what is sent to another thread in one turn of the event loop: a message between threads costs as much as ten
 * small things in it.
 */
export class Outbox<Thing> {
  readonly #send: (things: readonly Thing[]) => void;
  #things: Thing[] = [];

  constructor(send: (things: readonly Thing[]) => void) {
    this.#send = send;
  }

  put(thing: Thing): void {
    this.#things.push(thing);
    if (this.#things.length === 1) setImmediate(() => this.flush());
  }

  /** Sends it now. */
  flush(): void {
    const things = this.#things;
    this.#things = [];
    if (things.length > 0) this.#send(things);
  }
}
