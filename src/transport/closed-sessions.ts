import type { HttpAnswer } from './http-answer.ts';

/** The last message of a session and what became of it, to answer a repeat with. */
export interface HandledMessage {
  readonly msgId: string;
  /** Digest of the body: a repeat is the same to the byte. */
  readonly bodyDigest: string;
  readonly answer: Promise<HttpAnswer>;
}

/** What is kept of a session that is over. */
export interface ClosedSession {
  /** MsgID it began with; a message with the same one begins another session. */
  readonly firstMsgId: string;
  readonly last: HandledMessage;
}

interface Kept {
  readonly key: string;
  readonly session: ClosedSession;
  readonly answerBytes: number;
  readonly forgetAt: number;
}

/** What the answers that are kept may hold together; the last one of a session takes 579 in `bench fanout`, at most a message. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * Sessions that ended a short time ago, because their last answer may get lost on its way. Bounded in count, bytes and
 * time.
 */
export class ClosedSessions {
  readonly #maxCount: number;
  readonly #keepMs: number;
  readonly #maxAnswerBytes: number;
  readonly #byKey = new Map<string, Kept>();
  /**
   * In the order of their end, from `#oldest` on; those that another of the same key has replaced count too. A Map has an
   * order of its own, but its first entry is slow to find when many before it were deleted: 1 % of a run of 10,000 devices.
   */
  #ended: (Kept | undefined)[] = [];
  #oldest = 0;
  #answerBytes = 0;

  constructor(maxCount: number, keepMs: number, maxAnswerBytes = MAX_ANSWER_BYTES) {
    this.#maxCount = maxCount;
    this.#keepMs = keepMs;
    this.#maxAnswerBytes = maxAnswerBytes;
  }

  /** `answerBytes`: size of the body of its last answer. */
  add(key: string, session: ClosedSession, now: number, answerBytes = 0): void {
    const kept = { key, session, answerBytes, forgetAt: now + this.#keepMs };
    this.#byKey.set(key, kept);
    this.#ended.push(kept);
    this.#answerBytes += answerBytes;
    if (this.#ended.length - this.#oldest > this.#maxCount) this.#forgetOldest();
    while (this.#answerBytes > this.#maxAnswerBytes) this.#forgetOldest();
  }

  find(key: string, now: number): ClosedSession | undefined {
    const kept = this.#byKey.get(key);
    return kept !== undefined && kept.forgetAt > now ? kept.session : undefined;
  }

  delete(key: string): void {
    this.#byKey.delete(key);
  }

  /** Forgets what is too old to be found. */
  prune(now: number): void {
    while ((this.#ended[this.#oldest]?.forgetAt ?? Infinity) <= now) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const oldest = this.#ended[this.#oldest];
    if (oldest === undefined) return;
    if (this.#byKey.get(oldest.key) === oldest) this.#byKey.delete(oldest.key);
    this.#ended[this.#oldest] = undefined;
    this.#answerBytes -= oldest.answerBytes;
    this.#oldest += 1;
    if (2 * this.#oldest < this.#ended.length) return;
    this.#ended = this.#ended.slice(this.#oldest);
    this.#oldest = 0;
  }
}
