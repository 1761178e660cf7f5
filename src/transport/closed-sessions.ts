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

/** Sessions that ended a short time ago, because their last answer may get lost on its way. Bounded in count and time. */
export class ClosedSessions {
  readonly #maxCount: number;
  readonly #keepMs: number;
  /** In the order of their end. */
  readonly #sessions = new Map<string, ClosedSession & { readonly forgetAt: number }>();

  constructor(maxCount: number, keepMs: number) {
    this.#maxCount = maxCount;
    this.#keepMs = keepMs;
  }

  add(key: string, session: ClosedSession, now: number): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, { ...session, forgetAt: now + this.#keepMs });
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size > this.#maxCount) this.#sessions.delete(oldest);
  }

  find(key: string, now: number): ClosedSession | undefined {
    const session = this.#sessions.get(key);
    return session !== undefined && session.forgetAt > now ? session : undefined;
  }

  delete(key: string): void {
    this.#sessions.delete(key);
  }

  /** Forgets what is too old to be found. */
  prune(now: number): void {
    for (const [key, { forgetAt }] of this.#sessions) {
      if (forgetAt > now) return;
      this.#sessions.delete(key);
    }
  }
}
