/** Does what it is given in the order in which it is given, one after another. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as `work` does; a failure does not hold the next one up. */
  do<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
