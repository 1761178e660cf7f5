import type { HandledMessage } from './closed-sessions.ts';

/** What a session is found by. */
export interface Listed {
  /** SessionID and Source LocURI of its client. */
  readonly key: string;
  /** What its RespURI carries: nobody else knows it. */
  readonly token: string;
  /** MsgID it began with. */
  readonly firstMsgId: string;
  /** Address its first message came from. */
  readonly from: string | undefined;
  /** Its client goes to the RespURI it was given. */
  usesToken: boolean;
  last: HandledMessage | undefined;
}

/** What is known of a message before its session is. */
export interface Arrival {
  readonly key: string;
  readonly msgId: string;
  /** Of the URL it was posted to. */
  readonly token: string | undefined;
  readonly from: string | undefined;
  /** It holds the alert that begins a session. */
  readonly isBeginning: boolean;
}

/** Where a message belongs; `elsewhere`: to a session whose client would have sent it to its RespURI. */
export type Found<S> = { readonly kind: 'open'; readonly session: S } | { readonly kind: 'none' | 'elsewhere' };

/**
 * The open sessions. Anybody can write another's Source and SessionID into a message: it is the token that leads to a
 * session, and without one only what comes from the same address. A session that has not proved itself stands beside
 * the proven one of the same name, and takes its place when it does. [DMPROTO 8.1.1]
 */
export class SessionTable<S extends Listed> {
  readonly #byToken = new Map<string, S>();
  readonly #proven = new Map<string, S>();
  /** The newest of each name. */
  readonly #unproven = new Map<string, S>();

  get size(): number {
    return this.#byToken.size;
  }

  all(): Iterable<S> {
    return this.#byToken.values();
  }

  add(session: S): void {
    this.#byToken.set(session.token, session);
    this.#unproven.set(session.key, session);
  }

  remove(session: S): void {
    this.#byToken.delete(session.token);
    for (const sessions of [this.#proven, this.#unproven]) {
      if (sessions.get(session.key) === session) sessions.delete(session.key);
    }
  }

  /** The session's client has proved itself; answers the session whose place it takes. */
  prove(session: S): S | undefined {
    const former = this.#proven.get(session.key);
    if (this.#unproven.get(session.key) === session) this.#unproven.delete(session.key);
    this.#proven.set(session.key, session);
    return former === session ? undefined : former;
  }

  /** Sessions of that name a message may be a repeat in. */
  namesakes({ key, token }: Arrival): readonly S[] {
    const named = token === undefined ? undefined : this.#byToken.get(token);
    const found: S[] = [];
    for (const session of [named, this.#proven.get(key), this.#unproven.get(key)]) if (session) found.push(session);
    return found;
  }

  find({ key, msgId, token, from, isBeginning }: Arrival): Found<S> {
    const named = token === undefined ? undefined : this.#byToken.get(token);
    if (named?.key === key) {
      named.usesToken = true;
      return { kind: 'open', session: named };
    }
    const proven = this.#proven.get(key);
    const session = this.#unproven.get(key);
    // Nothing is noted of a message that could not be handled: it comes again.
    const failed = [proven, session].find((each) => each?.last === undefined && each?.firstMsgId === msgId);
    if (failed !== undefined) return { kind: 'open', session: failed };
    if (isBeginning || proven === undefined) {
      const isAnother = session === undefined || (isBeginning && msgId === session.firstMsgId);
      return isAnother ? { kind: 'none' } : { kind: 'open', session };
    }
    const isOwn = !proven.usesToken && proven.from === from;
    return isOwn ? { kind: 'open', session: proven } : { kind: 'elsewhere' };
  }
}
