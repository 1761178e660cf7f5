import { encodedBytes, type WireForm } from '../protocol/codec.ts';
import type { Answer } from '../protocol/message/message.ts';

/** Answers to the commands of one message, executed only as far as their answers are pulled. */
export class AnswerSource {
  readonly #form: WireForm;
  #iterator: AsyncIterator<Answer> | undefined;

  constructor(form: WireForm) {
    this.#form = form;
  }

  /** Begins with the answers to another message; those that are left of the last one are given up. */
  async start(answers: AsyncIterable<Answer>): Promise<void> {
    await this.close();
    this.#iterator = answers[Symbol.asyncIterator]();
  }

  /** Takes answers until they fill `maxBytes` or end. */
  async pull(maxBytes: number): Promise<{ readonly answers: readonly Answer[]; readonly done: boolean }> {
    const answers: Answer[] = [];
    let bytes = 0;
    while (this.#iterator !== undefined && bytes < maxBytes) {
      const next = await this.#iterator.next();
      if (next.done === true) {
        this.#iterator = undefined;
      } else {
        answers.push(next.value);
        bytes += encodedBytes(next.value, this.#form);
      }
    }
    return { answers, done: this.#iterator === undefined };
  }

  /** Gives up what is left. */
  async close(): Promise<void> {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    await iterator?.return?.();
  }
}
