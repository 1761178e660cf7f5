/**
 * Gathers what is sent to another thread in one turn of the event loop: a message between threads costs as much as ten
 * small things in it. A thing that cannot be sent is refused alone.
 */
export class Outbox<Thing> {
  readonly #send: (things: readonly Thing[]) => void;
  readonly #refuse: (thing: Thing, reason: unknown) => void;
  #things: Thing[] = [];

  /** `send` throws when one of the things holds more than data. */
  constructor(send: (things: readonly Thing[]) => void, refuse: (thing: Thing, reason: unknown) => void) {
    this.#send = send;
    this.#refuse = refuse;
  }

  put(thing: Thing): void {
    this.#things.push(thing);
    if (this.#things.length === 1) setImmediate(() => this.flush());
  }

  /** Sends it now. */
  flush(): void {
    const things = this.#things;
    this.#things = [];
    if (things.length === 0) return;
    try {
      this.#send(things);
    } catch {
      for (const thing of things) this.#sendAlone(thing);
    }
  }

  #sendAlone(thing: Thing): void {
    try {
      this.#send([thing]);
    } catch (error) {
      this.#refuse(thing, error);
    }
  }
}
