import { hash } from 'node:crypto';
import type { Mac } from '../protocol/auth/credentials.ts';
import { macHeaderFor, readMacHeader } from '../protocol/auth/mac-header.ts';
import { type DecodeLimits, decodeMessage, type WireForm } from '../protocol/codec.ts';
import { DecodeError, DmError } from '../protocol/errors.ts';
import type { Message } from '../protocol/message/message.ts';
import { serverStart, type ServerState, stepServer } from '../protocol/session/server.ts';
import type {
  Decision,
  Delivery,
  ServerEffect,
  ServerInput,
  ServerOutcome,
  ServerSetup,
} from '../protocol/session/server-types.ts';
import type { DmRequest } from './client-session.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { ClosedSessions } from './closed-sessions.ts';
import { type HttpAnswer, refusal } from './http-answer.ts';
import type { DmMeter } from './dm-meter.ts';
import { encodingOf, mediaTypeOf } from './media-type.ts';
import { randomOctets } from './random-octets.ts';
import { arrivalOf, ownCopy, repeatOf, respUriFor, userNameOf, whyTooLong } from './session-lookup.ts';
import { type Arrival, type Listed, SessionTable } from './session-table.ts';
import type { Trace } from './trace.ts';

/** One DM session as the application sees it. */
export interface SessionIdentity<Peer> {
  /** Unique among the sessions of this process. */
  readonly key: number;
  readonly sessionId: string;
  /** Source LocURI of the client. */
  readonly source: string;
  /** What `identify` found; undefined only before authentication. */
  readonly peer: Peer;
}

/** What a DM server does with sessions: the southbound side of a gateway, or the DM Server role. */
export interface ServerApplication<Peer> {
  /**
   * Finds the account of a client by its Source LocURI and, where it sent one, the user name. An unknown client gets a
   * setup all the same (without `peer`), so that it is answered like a known one. `from`: the address it came from.
   */
  identify(
    source: string,
    userName: string | undefined,
    from?: string,
  ): Promise<{ setup: ServerSetup; peer: Peer | undefined }>;
  /** Takes in what an authenticated client said and decides what it is told next. Durable when it resolves. */
  deliver(session: SessionIdentity<Peer>, delivery: Delivery): Promise<Decision>;
  /** The session is over, or its client has been silent for too long. Called once per authenticated or failed session. */
  ended(session: SessionIdentity<Peer>, outcome: ServerOutcome | 'timed-out'): Promise<void>;
}

/** Bounds on the sessions of a DM endpoint. */
export interface ServerSessionsOptions {
  /**
   * Sessions beyond it are refused with HTTP 503, unless one whose client has not proved itself for seconds can make
   * room: anybody can open such sessions.
   */
  readonly maxOpenSessions: number;
  /** How long a client may be silent. */
  readonly idleTimeoutMs: number;
  /** How long a session may last. */
  readonly totalTimeoutMs: number;
  /** Ended sessions whose last answer is kept for a repeat, and for how long. Default 4096 and 30,000. */
  readonly maxClosedSessions?: number | undefined;
  readonly closedSessionMs?: number | undefined;
  /** How often silent sessions are looked for. Default 1,000. */
  readonly sweepIntervalMs?: number | undefined;
  readonly decodeLimits?: DecodeLimits | undefined;
  readonly clock?: Clock | undefined;
  readonly trace?: Trace | undefined;
  readonly meter?: Pick<DmMeter, 'sessionEnded'> | undefined;
  /** A defect that no client was told about. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The open sessions of a DM endpoint. */
export interface ServerSessions {
  /**
   * Answers one message. A repeat of the last message of a session gets the same answer and is not executed again.
   * Rejects when the application does; the client may then send the message again.
   */
  readonly handle: (request: DmRequest) => Promise<HttpAnswer>;
  /** Ends the sessions whose clients were silent for too long; also done by itself. */
  sweep(): Promise<void>;
  readonly openCount: number;
  /** Refuses new messages, lets those under way be answered, and ends every session. */
  close(): Promise<void>;
}

/** How long a client that has to prove itself is left alone even when there are too many sessions. */
const UNPROVEN_GRACE_MS = 5000;
/** How long a client may take to prove itself: what it was answered is kept meanwhile, and anybody can ask. */
const UNPROVEN_IDLE_MS = 30_000;
/** A nonce length that every known client digests correctly. */
const NONCE_BYTES = 16;
/** Of the token in a RespURI. */
const TOKEN_BYTES = 15;

interface Received {
  readonly arrival: Arrival;
  readonly message: Message;
  readonly form: WireForm;
  readonly mac: Mac | undefined;
  readonly mediaType: string;
  readonly bodyDigest: string;
}

type Reply = Extract<ServerEffect, { kind: 'reply' }>;

interface OpenSession<Peer> extends Listed {
  readonly openedAt: number;
  lastSeenAt: number;
  /** Something of its client was delivered. */
  proven: boolean;
  /** A message is being handled. */
  busy: boolean;
  /** Absent until the client was looked up. */
  state: ServerState | undefined;
  /** Absent for a client that nobody knows. */
  identity: SessionIdentity<Peer> | undefined;
}

/**
 * Finds or opens the session of each message and performs the effects of its steps. One message of a session is handled
 * at a time. [DMPROTO 8]
 */
export function createServerSessions<Peer>(
  application: ServerApplication<Peer>,
  options: ServerSessionsOptions,
): ServerSessions {
  const { clock = SYSTEM_CLOCK, trace, sweepIntervalMs = 1000 } = options;
  const open = new SessionTable<OpenSession<Peer>>();
  const closed = new ClosedSessions(options.maxClosedSessions ?? 4096, options.closedSessionMs ?? 30_000);
  /** What `close` has to wait for. */
  const pending = new Set<Promise<unknown>>();
  let sessionsOpened = 0;
  let closing = false;
  let cancelSweep = clock.after(sweepIntervalMs, sweepRegularly);

  function sweepRegularly(): void {
    void sweep().then(() => {
      if (!closing) cancelSweep = clock.after(sweepIntervalMs, sweepRegularly);
    });
  }

  async function sweep(): Promise<void> {
    const now = clock.now();
    closed.prune(now);
    const overdue = Array.from(open.all()).filter((session) => !session.busy && isOverdue(session, now));
    await Promise.all(overdue.map((session) => end(session, 'timed-out')));
  }

  function isOverdue({ lastSeenAt, openedAt, proven }: OpenSession<Peer>, now: number): boolean {
    const idleTimeoutMs = proven ? options.idleTimeoutMs : Math.min(options.idleTimeoutMs, UNPROVEN_IDLE_MS);
    return now - lastSeenAt > idleTimeoutMs || now - openedAt > options.totalTimeoutMs;
  }

  /** The session is gone at once; never rejects. */
  function end(session: OpenSession<Peer>, outcome: ServerOutcome | 'timed-out'): Promise<void> {
    const { identity } = session;
    open.remove(session);
    options.meter?.sessionEnded(outcome);
    if (identity === undefined) return Promise.resolve();
    return underWay(application.ended(identity, outcome).catch((error: unknown) => options.onError?.(error)));
  }

  function underWay<T>(work: Promise<T>): Promise<T> {
    const over = (): void => void pending.delete(work);
    pending.add(work);
    work.then(over, over);
    return work;
  }

  async function handle(request: DmRequest): Promise<HttpAnswer> {
    if (closing) return refusal(503, 'shutting down', 5);
    const encoding = encodingOf(request.contentType);
    if (encoding === undefined) return refusal(415, 'Content-Type is not that of a DM message');
    let decoded: { readonly message: Message; readonly form: WireForm };
    try {
      decoded = decodeMessage(request.body, encoding, options.decodeLimits);
    } catch (error) {
      trace?.record('in', 'undecodable', encoding, request.body);
      if (error instanceof DecodeError) return refusal(400, `${error.code}: ${error.message}`);
      throw error;
    }
    trace?.record('in', decoded.message.hdr.source.locUri, encoding, request.body);
    const reason = whyTooLong(decoded.message);
    if (reason !== undefined) return refusal(400, reason);
    const answer = await answerTo({
      arrival: arrivalOf(decoded.message, request),
      message: decoded.message,
      form: decoded.form,
      mac: readMacHeader(request.mac, request.body),
      mediaType: mediaTypeOf(request.contentType),
      bodyDigest: hash('sha256', request.body, 'base64'),
    });
    if (answer.kind === 'message') {
      trace?.record('out', decoded.message.hdr.source.locUri, encoding, answer.response.body);
    }
    return answer;
  }

  function answerTo(received: Received): Promise<HttpAnswer> | HttpAnswer {
    const now = clock.now();
    for (const session of open.namesakes(received.arrival)) {
      if (repeatOf(session.last, received) === undefined) continue;
      session.lastSeenAt = now;
      return session.last?.answer ?? refusal(500, 'internal error');
    }
    const over = closed.find(received.arrival.key, now);
    // A client that polls may say the very same each time: nothing was executed in a session that ended with its first message.
    const repeated = over?.firstMsgId === received.arrival.msgId ? undefined : repeatOf(over?.last, received);
    if (repeated !== undefined) return repeated.answer;
    const found = open.find(received.arrival);
    switch (found.kind) {
      case 'open':
        return goOn(found.session, received, now);
      case 'elsewhere':
        return refusal(400, 'SESSION_URI: the messages of this session go to its RespURI');
      case 'none':
        if (over !== undefined && !received.arrival.isBeginning)
          return refusal(400, 'SESSION_OVER: this session is over');
        return openSession(received, now);
    }
  }

  async function goOn(session: OpenSession<Peer>, received: Received, now: number): Promise<HttpAnswer> {
    if (session.busy) return refusal(503, 'another message of this session is being handled', 1);
    if (!isOverdue(session, now)) return begin(session, received);
    await end(session, 'timed-out');
    return openSession(received, now);
  }

  function openSession(received: Received, now: number): Promise<HttpAnswer> | HttpAnswer {
    if (!hasRoom(now)) return refusal(503, 'too many sessions', 5);
    const { key, msgId, from } = received.arrival;
    closed.delete(key);
    const session: OpenSession<Peer> = {
      key,
      token: Buffer.from(randomOctets(TOKEN_BYTES)).toString('base64url'),
      firstMsgId: ownCopy(msgId),
      from,
      usesToken: false,
      openedAt: now,
      lastSeenAt: now,
      proven: false,
      busy: false,
      last: undefined,
      state: undefined,
      identity: undefined,
    };
    open.add(session);
    return begin(session, received);
  }

  function hasRoom(now: number): boolean {
    if (open.size < options.maxOpenSessions) return true;
    for (const session of open.all()) {
      if (session.proven || session.busy || now - session.lastSeenAt <= UNPROVEN_GRACE_MS) continue;
      void end(session, 'timed-out');
      return true;
    }
    return false;
  }

  function begin(session: OpenSession<Peer>, received: Received): Promise<HttpAnswer> {
    const answer = underWay(converse(session, received));
    session.last = { msgId: ownCopy(received.message.hdr.msgId), bodyDigest: received.bodyDigest, answer };
    return answer;
  }

  /** Handles one message. It fails as a whole: the session then stands where it stood, ready for the same message again. */
  async function converse(session: OpenSession<Peer>, received: Received): Promise<HttpAnswer> {
    const { last } = session;
    session.busy = true;
    try {
      // `begin` needs a turn to note the message.
      await Promise.resolve();
      session.state ??= await identify(session, received);
      const { next, reply, outcome } = await step(session, session.state, received);
      const { octets: body, signer } = reply;
      const mac = signer && macHeaderFor(body, signer);
      session.state = next;
      if (outcome !== undefined) await close(session, outcome, body.byteLength);
      return { kind: 'message', response: { contentType: received.mediaType, body, mac } };
    } catch (error) {
      session.last = last;
      if (session.state === undefined) open.remove(session);
      throw error;
    } finally {
      session.busy = false;
      session.lastSeenAt = clock.now();
    }
  }

  async function identify(
    session: OpenSession<Peer>,
    { message: { hdr }, arrival: { from } }: Received,
  ): Promise<ServerState> {
    const source = ownCopy(hdr.source.locUri);
    const { setup, peer } = await application.identify(source, userNameOf(hdr), from);
    if (peer !== undefined) {
      sessionsOpened += 1;
      session.identity = { key: sessionsOpened, sessionId: ownCopy(hdr.sessionId), source, peer };
    }
    return serverStart({ ...setup, respUri: respUriFor(hdr, session.token) });
  }

  async function step(
    session: OpenSession<Peer>,
    state: ServerState,
    { message, form, mac }: Received,
  ): Promise<{ next: ServerState; reply: Reply; outcome: ServerOutcome | undefined }> {
    let next = state;
    let input: ServerInput | undefined = {
      kind: 'received',
      message,
      mac,
      form,
      freshNonce: randomOctets(NONCE_BYTES),
    };
    let reply: Reply | undefined;
    let outcome: ServerOutcome | undefined;
    while (input !== undefined) {
      const move = stepServer(next, input);
      next = move.next;
      input = undefined;
      for (const effect of move.effects) {
        switch (effect.kind) {
          case 'reply':
            reply = effect;
            break;
          case 'deliver':
            input = { kind: 'decided', decision: await deliver(session, effect.delivery) };
            break;
          case 'closed':
            outcome = effect.outcome;
            break;
        }
      }
    }
    if (reply === undefined) throw new DmError('SESSION_NO_REPLY', 'a message was left without an answer');
    return { next, reply, outcome };
  }

  async function deliver(session: OpenSession<Peer>, delivery: Delivery): Promise<Decision> {
    if (session.identity === undefined) throw new DmError('SESSION_UNKNOWN_PEER', 'an unknown client got through');
    if (!session.proven) {
      session.proven = true;
      const former = open.prove(session);
      if (former !== undefined) await end(former, 'timed-out');
    }
    return application.deliver(session.identity, delivery);
  }

  async function close(session: OpenSession<Peer>, outcome: ServerOutcome, answerBytes: number): Promise<void> {
    const { key, firstMsgId, last, proven } = session;
    // Of a client that never proved itself nothing is kept: it could be anybody, and shut out whose name it bears.
    if (last !== undefined && proven) closed.add(key, { firstMsgId, last }, clock.now(), answerBytes);
    await end(session, outcome);
  }

  return {
    handle,
    sweep,
    get openCount() {
      return open.size;
    },
    async close() {
      closing = true;
      cancelSweep();
      await Promise.allSettled(pending);
      await Promise.all(Array.from(open.all(), (session) => end(session, 'timed-out')));
    },
  };
}
