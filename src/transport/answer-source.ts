import type { Encoding, WireForm } from '../protocol/codec.ts';
import type { Answer } from '../protocol/message/message.ts';

/** What the elements of Results, and of an Item with a LocURI, take at least around their texts. */
const LEAST_BYTES: Readonly<Record<Encoding, { readonly answer: number; readonly item: number }>> = {
  xml: { answer: 53, item: 47 },
  wbxml: { answer: 12, item: 8 },
};

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

  /** Takes answers until they fill `maxBytes` for certain, or end. */
  async pull(maxBytes: number): Promise<{ readonly answers: readonly Answer[]; readonly done: boolean }> {
    const answers: Answer[] = [];
    let bytes = 0;
    while (this.#iterator !== undefined && bytes < maxBytes) {
      const next = await this.#iterator.next();
      if (next.done === true) {
        this.#iterator = undefined;
      } else {
        answers.push(next.value);
        bytes += leastBytes(next.value, this.#form);
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

/** What an answer takes at least in a message: to encode it for its size alone takes as long as the message does. */
function leastBytes({ items }: Answer, { encoding }: WireForm): number {
  const { answer, item } = LEAST_BYTES[encoding];
  return items.reduce(
    (sum, { source, data = '' }) => sum + (source ? item + source.locUri.length : 0) + data.length,
    answer,
  );
}
