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
  readonly forgetAt: number;
}

/** Sessions that ended a short time ago, because their last answer may get lost on its way. Bounded in count and time. */
export class ClosedSessions {
  readonly #maxCount: number;
  readonly #keepMs: number;
  readonly #byKey = new Map<string, Kept>();
  /**
   * In the order of their end, from `#oldest` on; those that another of the same key has replaced count too. A Map has an
   * order of its own, but its first entry is slow to find when many before it were deleted: 1 % of a run of 10,000 devices.
   */
  #ended: Kept[] = [];
  #oldest = 0;

  constructor(maxCount: number, keepMs: number) {
    this.#maxCount = maxCount;
    this.#keepMs = keepMs;
  }

  add(key: string, session: ClosedSession, now: number): void {
    const kept = { key, session, forgetAt: now + this.#keepMs };
    this.#byKey.set(key, kept);
    this.#ended.push(kept);
    if (this.#ended.length - this.#oldest > this.#maxCount) this.#forgetOldest();
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
    if (oldest !== undefined && this.#byKey.get(oldest.key) === oldest) this.#byKey.delete(oldest.key);
    this.#oldest += 1;
    if (2 * this.#oldest < this.#ended.length) return;
    this.#ended = this.#ended.slice(this.#oldest);
    this.#oldest = 0;
  }
}
