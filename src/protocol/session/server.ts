import { challenge, checkCred, credOf, nextNonceOf, schemeOf, type Verdict } from '../auth/credentials.ts';
import type { WireForm } from '../codec.ts';
import { DmError } from '../errors.ts';
import { ALERT, STATUS } from '../message/codes.ts';
import {
  type AlertCommand,
  type Answer,
  type Command,
  everyCommand,
  type Message,
  type RequestCommand,
  type ResponseCommand,
  type StatusCommand,
  type SyncHdr,
  type Unnumbered,
} from '../message/message.ts';
import { assemble, type Assembled, type Incoming, noEndOfData, type Part } from './assembly.ts';
import { addPart, type Outgoing } from './chunks.ts';
import { devInfoIn, isForApplication, isManagementAlert, ownStatus } from './client-requests.ts';
import { commandStatus, GrowingMessage, hdrStatus, hdrStatusIn, isRefusal, isRequest, requestsIn } from './outgoing.ts';
import type { Decision, Delivery, ServerEffect, ServerInput, ServerOutcome, ServerSetup } from './server-types.ts';
import { inVersion, versionsFor, versionStatus } from './versions.ts';

/** One end of a session, the server's. `unproven`: the client still has to prove itself. */
export type ServerState =
  | {
      readonly phase: 'unproven';
      readonly setup: ServerSetup;
      readonly msgId: number;
      readonly peerNonce: Uint8Array;
      readonly peerFailures: number;
    }
  | { readonly phase: 'awaiting'; readonly session: Session }
  | { readonly phase: 'deciding'; readonly session: Session; readonly exchange: Exchange }
  | { readonly phase: 'closed' };

export interface ServerStep {
  readonly next: ServerState;
  readonly effects: readonly ServerEffect[];
}

/** What is kept between the messages of a client that has proved itself. */
interface Session {
  readonly setup: ServerSetup;
  readonly usesFormer: boolean;
  /** MsgID of our last message. */
  readonly msgId: number;
  readonly isDelivered: boolean;
  /** Nonce of the client's next MAC. */
  readonly peerNonce: Uint8Array;
  readonly peerFailures: number;
  /** The client has accepted our credentials for the session. */
  readonly isAccepted: boolean;
  /** Nonce of our next proof. */
  readonly ownNonce: Uint8Array;
  /** Times our proof was refused. */
  readonly ownFailures: number;
  readonly maxMsgBytes: number | undefined;
  readonly maxObjBytes: number | undefined;
  /** Commands of ours that have left, by `sentKey`. */
  readonly sent: ReadonlyMap<string, SentCommand>;
  /** Commands of our last message, as the application gave them. */
  readonly last: readonly Outgoing<RequestCommand>[];
  /** Commands that did not fit into the messages so far. */
  readonly unsent: readonly Outgoing<RequestCommand>[];
  /** Our last message ended with a chunk; the rest of its object comes first in `unsent`. */
  readonly isMidObject: boolean;
  readonly incoming: Incoming | undefined;
}

interface SentCommand {
  /** The application's CmdID; undefined for a command of the session itself. */
  readonly cmdId: string | undefined;
  readonly isChunk: boolean;
  readonly hasStatus: boolean;
}

/** A message of the client that waits for its answer. */
interface Exchange {
  readonly hdr: SyncHdr;
  readonly form: WireForm;
  readonly isFinal: boolean;
  readonly status: Unnumbered<StatusCommand>;
  /** What has to get a Status. */
  readonly parts: readonly Part[];
  readonly interrupted: Assembled['interrupted'];
  /** The session ends with the answer, whatever the application would like to say. */
  readonly ending: ServerOutcome | undefined;
}

/** Commands of a client that has not proved itself that get a Status: more than any package 1 holds. */
const MAX_REFUSED = 100;

/** Where a session with a client begins. */
export function serverStart(setup: ServerSetup): ServerState {
  return { phase: 'unproven', setup, msgId: 0, peerNonce: setup.peer?.nonce ?? new Uint8Array(), peerFailures: 0 };
}

/** Decides one move of a DM server. Performs no I/O and reads no clock. Throws `DmError` SESSION_INPUT for an input that cannot come now. [DMPROTO 8, SEC 5] */
export function stepServer(state: ServerState, input: ServerInput): ServerStep {
  switch (state.phase) {
    case 'unproven':
      if (input.kind === 'received') return admit(state, input);
      break;
    case 'awaiting':
      if (input.kind === 'received') return goOn(state, input);
      break;
    case 'deciding':
      if (input.kind === 'decided') return reply(state.session, state.exchange, input.decision);
      break;
    case 'closed':
      break;
  }
  throw new DmError('SESSION_INPUT', `${input.kind} cannot come while the session is ${state.phase}`);
}

type Received = Extract<ServerInput, { kind: 'received' }>;

/** Lets a client in that proves itself, challenges it once, and gives up at the second failure. [SEC 5] */
function admit(state: Extract<ServerState, { phase: 'unproven' }>, received: Received): ServerStep {
  const { setup, msgId, peerFailures } = state;
  const { hdr } = received.message;
  const version = versionStatus(hdr);
  if (version !== STATUS.ok) return turnAway(state, received, hdrStatus(hdr, version), 'unsupported');
  const verdict = verdictOn(received, setup, state.peerNonce);
  const usesFormer = verdict !== 'valid' && isFormerProof(state, received);
  if (verdict !== 'valid' && !usesFormer) {
    return challengeOrEnd(state, received, verdict, (next) => ({ ...state, ...next }));
  }
  const proven = usesFormer ? { ...setup, ...setup.former } : setup;
  const session: Session = {
    setup: proven,
    usesFormer,
    msgId,
    peerNonce: state.peerNonce,
    peerFailures,
    isDelivered: false,
    isAccepted: false,
    ownNonce: proven.own.nonce,
    ownFailures: 0,
    maxMsgBytes: setup.peerMaxMsgBytes,
    maxObjBytes: setup.peerMaxObjBytes,
    sent: new Map(),
    last: [],
    unsent: [],
    isMidObject: false,
    incoming: undefined,
  };
  return takeIn(session, received, true);
}

/** A client that proves itself by MAC does so in every message, as long as the session lasts. [SEC 5.4] */
function goOn({ session }: Extract<ServerState, { phase: 'awaiting' }>, received: Received): ServerStep {
  if (session.setup.peer?.scheme !== 'mac') return takeIn(session, received, false);
  const verdict = verdictOn(received, session.setup, session.peerNonce);
  if (verdict === 'valid') return takeIn(session, received, true);
  return challengeOrEnd(session, received, verdict, (next) => ({
    phase: 'awaiting',
    session: { ...session, ...next },
  }));
}

/** Whether a client proves itself by what it had before a rotation. A challenge holds for either secret. [FANOUT 8] */
function isFormerProof(
  { setup: { former }, peerNonce, peerFailures }: Extract<ServerState, { phase: 'unproven' }>,
  { message, mac }: Received,
): boolean {
  if (!former || former.peer.scheme === 'none') return false;
  const nonce = peerFailures === 0 ? former.peer.nonce : peerNonce;
  return checkCred(message.hdr.cred, { ...former.peer, nonce }, mac) === 'valid';
}

function verdictOn({ message, mac }: Received, { peer }: ServerSetup, peerNonce: Uint8Array): Verdict {
  const { cred } = message.hdr;
  if (peer !== undefined) return checkCred(cred, { ...peer, nonce: peerNonce }, mac);
  return cred === undefined && mac === undefined ? 'missing' : 'invalid';
}

/** How a valid proof is answered: for the session [212] or, a MAC, for the message [200], with the nonce of the next one. */
function proofStatus({ peer }: ServerSetup, hdr: SyncHdr, freshNonce: Uint8Array): Unnumbered<StatusCommand> {
  switch (peer?.scheme) {
    case 'basic':
      return hdrStatus(hdr, STATUS.authenticationAccepted);
    case 'md5':
      return hdrStatus(hdr, STATUS.authenticationAccepted, challenge('md5', freshNonce));
    case 'mac':
      return hdrStatus(hdr, STATUS.ok, challenge('mac', freshNonce));
    case 'none':
    case undefined:
      return hdrStatus(hdr, STATUS.ok);
  }
}

function challengeOrEnd(
  at: Pick<Session, 'setup' | 'msgId' | 'peerFailures'>,
  received: Received,
  verdict: Exclude<Verdict, 'valid'>,
  goOnWith: (next: Pick<Session, 'msgId' | 'peerNonce' | 'peerFailures'>) => ServerState,
): ServerStep {
  const { setup, msgId, peerFailures } = at;
  const { message, freshNonce } = received;
  const code = verdict === 'missing' ? STATUS.missingCredentials : STATUS.invalidCredentials;
  const scheme = setup.peer?.scheme ?? setup.defaultScheme;
  if (peerFailures > 0 || scheme === 'none') {
    return turnAway(at, received, hdrStatus(message.hdr, code), 'unauthorized');
  }
  const status = hdrStatus(message.hdr, code, challenge(scheme, freshNonce));
  const next = goOnWith({ msgId: msgId + 1, peerNonce: freshNonce, peerFailures: peerFailures + 1 });
  return { next, effects: [refusal(at, received, status)] };
}

/** Ends the session without having executed anything of the message. */
function turnAway(
  at: Pick<Session, 'setup' | 'msgId'>,
  received: Received,
  status: Unnumbered<StatusCommand>,
  outcome: ServerOutcome,
): ServerStep {
  return { next: { phase: 'closed' }, effects: [refusal(at, received, status), { kind: 'closed', outcome }] };
}

/** Every command gets the Status of the SyncHdr. Nobody gets a proof of ours who has not proved himself. */
function refusal(
  { setup, msgId }: Pick<Session, 'setup' | 'msgId'>,
  { message, form }: Received,
  status: Unnumbered<StatusCommand>,
): ServerEffect {
  const answer = new GrowingMessage(header(setup, message.hdr, msgId + 1), form);
  answer.add(status);
  for (const request of requestsIn(message).slice(0, MAX_REFUSED)) {
    answer.add(commandStatus(message.hdr, request, status.code));
  }
  return { kind: 'reply', ...answer.end(true), signer: undefined };
}

/** Takes a message of a proven client apart and hands it to the application. */
function takeIn(before: Session, { message, form, freshNonce }: Received, isProof: boolean): ServerStep {
  const { hdr } = message;
  const { peer } = before.setup;
  const status = isProof ? proofStatus(before.setup, hdr, freshNonce) : hdrStatus(hdr, STATUS.ok);
  const peerNonce = isProof && (peer?.scheme === 'md5' || peer?.scheme === 'mac') ? freshNonce : undefined;
  const { session, ownNonce, isRefused } = afterOwnProof(before, message);
  const { parts, interrupted, incoming } = assemble(session.incoming, message.body, session.setup.maxObjBytes);
  const whole: Command[] = [];
  const alerts: AlertCommand[] = [];
  for (const { command, code } of parts) {
    if (code !== undefined) continue;
    whole.push(command);
    if (command.kind === 'Alert') alerts.push(command);
  }
  const isAborted = alerts.some(({ code }) => code === ALERT.sessionAbort);
  const ending = isAborted ? 'aborted' : isRefused ? 'refused' : undefined;
  const { sent, answers, strayAnswers, isObjectRefused } = takeAnswers(session, whole);
  const unsent = isObjectRefused ? session.unsent.slice(1) : session.unsent;
  const next: Session = {
    ...session,
    peerNonce: peerNonce ?? session.peerNonce,
    peerFailures: 0,
    isDelivered: true,
    maxMsgBytes: hdr.meta?.maxMsgBytes ?? session.maxMsgBytes,
    maxObjBytes: hdr.meta?.maxObjBytes ?? session.maxObjBytes,
    sent,
    unsent,
    incoming,
  };
  // A client asks for the rest of a package of ours that has no Final with a message that has none.
  const isFinal = message.final || before.isMidObject;
  const delivery: Delivery = {
    first: !session.isDelivered,
    final: isFinal && ending === undefined && unsent.length === 0,
    devInfo: devInfoIn(whole),
    alerts: alerts.filter(isForApplication),
    managementAlert: alerts.find(isManagementAlert)?.code,
    answers,
    strayAnswers,
    outstanding: outstandingIn(sent),
    peerMaxMsgBytes: next.maxMsgBytes,
    peerMaxObjBytes: next.maxObjBytes,
    form,
    usesFormer: session.usesFormer,
    nonces: { own: ownNonce, peer: peerNonce },
  };
  const owed = parts.filter(({ command, code }) => code !== undefined || isRequest(command));
  const exchange: Exchange = { hdr, form, isFinal, status, parts: owed, interrupted, ending };
  return { next: { phase: 'deciding', session: next, exchange }, effects: [{ kind: 'deliver', delivery }] };
}

/**
 * What the client makes of our credentials: accepted for the session [212] or for this message [200], or refused; then the
 * commands of the refused message are to be sent once more, with the nonce of the client's challenge. [SEC 5]
 */
function afterOwnProof(
  session: Session,
  message: Message,
): { readonly session: Session; readonly ownNonce: Uint8Array | undefined; readonly isRefused: boolean } {
  const status = hdrStatusIn(message, session.msgId);
  if (status === undefined) return { session, ownNonce: undefined, isRefused: false };
  const nonce = nextNonceOf(status.chal);
  if (!isRefusal(status.code)) {
    const isForSession = status.code === STATUS.authenticationAccepted && session.setup.own.scheme !== 'mac';
    const isAccepted = session.isAccepted || isForSession;
    return {
      session: { ...session, isAccepted, ownNonce: nonce ?? session.ownNonce },
      ownNonce: nonce,
      isRefused: false,
    };
  }
  const { setup, sent, last, unsent } = session;
  const refused: Session = {
    ...session,
    isAccepted: false,
    ownNonce: nonce ?? session.ownNonce,
    ownFailures: session.ownFailures + (last.length > 0 ? 1 : 0),
    sent: new Map([...sent].filter(([key]) => !key.startsWith(sentKey(String(session.msgId), '')))),
    last: [],
    unsent: [...last, ...(session.isMidObject ? unsent.slice(1) : unsent)],
    isMidObject: false,
  };
  const isAsked = status.chal !== undefined && schemeOf(status.chal) === setup.own.scheme;
  return { session: refused, ownNonce: nonce, isRefused: !isAsked || refused.ownFailures > 1 };
}

/** What the answers of a message come to. */
interface Taken {
  readonly sent: Session['sent'];
  /** In the application's terms. */
  readonly answers: readonly Answer[];
  /** Answers to nothing that was sent. */
  readonly strayAnswers: number;
  /** The client does not want the rest of the object of which it got a chunk. */
  readonly isObjectRefused: boolean;
}

/** Answers to commands of the session itself, and those that accept a chunk, are dropped. */
function takeAnswers({ sent, isMidObject }: Session, whole: readonly Command[]): Taken {
  const after = new Map(sent);
  const answers: Answer[] = [];
  let strayAnswers = 0;
  let isObjectRefused = false;
  for (const command of whole) {
    if (isRequest(command) || (command.kind === 'Status' && command.cmdRef === '0')) continue;
    const key = sentKey(command.msgRef ?? '1', command.cmdRef);
    const asked = after.get(key);
    if (asked === undefined) {
      strayAnswers += 1;
    } else if (asked.cmdId === undefined || (asked.isChunk && command.kind === 'Status' && command.code < 300)) {
      after.delete(key);
    } else {
      isObjectRefused ||= asked.isChunk && isMidObject;
      if (command.kind === 'Status') after.set(key, { cmdId: asked.cmdId, isChunk: asked.isChunk, hasStatus: true });
      answers.push(answerTo(asked.cmdId, command));
    }
  }
  return { sent: after, answers, strayAnswers, isObjectRefused };
}

/** CmdIDs of the application's commands that have left as a whole and have no Status. */
function outstandingIn(sent: Session['sent']): readonly string[] {
  const outstanding: string[] = [];
  for (const { cmdId, isChunk, hasStatus } of sent.values()) {
    if (cmdId !== undefined && !isChunk && !hasStatus) outstanding.push(cmdId);
  }
  return outstanding;
}

/** An answer in the application's terms. */
function answerTo(cmdRef: string, command: ResponseCommand): Answer {
  if (command.kind === 'Status') {
    const { kind, cmd, targetRefs, sourceRefs, cred, chal, code, items } = command;
    return { kind, cmdRef, cmd, targetRefs, sourceRefs, cred, chal, code, items };
  }
  const { kind, meta, targetRef, sourceRef, items } = command;
  return { kind, cmdRef, meta, targetRef, sourceRef, items };
}

/** Answers a message: its Status, and what the application wants to say if the client's package is complete. */
function reply(session: Session, exchange: Exchange, decision: Decision): ServerStep {
  const { setup } = session;
  const { alertStatuses, commands, isRefused } = decision;
  const { hdr, form, isFinal } = exchange;
  const ending = isRefused ? 'unauthorized' : exchange.ending;
  const msgId = session.msgId + 1;
  const ownHdr = header(setup, hdr, msgId, session.isAccepted ? undefined : session.ownNonce);
  const answer = new GrowingMessage(ownHdr, form, session.maxMsgBytes);
  answer.add(isRefused ? hdrStatus(hdr, STATUS.invalidCredentials) : exchange.status);
  const codes = [...alertStatuses];
  for (const { command, code } of exchange.parts) {
    const own = isForApplication(command) ? (codes.shift() ?? STATUS.commandFailed) : ownStatus(command);
    answer.add(commandStatus(hdr, command, isRefused ? STATUS.invalidCredentials : (code ?? own)));
  }
  const sent = new Map(session.sent);
  const addOwn = (command: Unnumbered): void => {
    const { cmdId } = answer.add(command);
    sent.set(sentKey(String(msgId), cmdId), { cmdId: undefined, isChunk: false, hasStatus: false });
  };
  if (exchange.interrupted) addOwn(noEndOfData(exchange.interrupted));
  const replyWith = (final: boolean): ServerEffect => {
    const signer = { ...setup.own, nonce: session.ownNonce };
    return { kind: 'reply', ...answer.end(final), signer };
  };
  const close = (outcome: ServerOutcome): ServerStep => {
    return { next: { phase: 'closed' }, effects: [replyWith(true), { kind: 'closed', outcome }] };
  };
  const awaitAnswer = (rest: Pick<Session, 'last' | 'unsent' | 'isMidObject'>, final: boolean): ServerStep => {
    return { next: { phase: 'awaiting', session: { ...session, ...rest, msgId, sent } }, effects: [replyWith(final)] };
  };

  if (ending !== undefined) return close(ending);
  if (!isFinal) {
    addOwn({ kind: 'Alert', code: ALERT.nextMessage, items: [] });
    return awaitAnswer({ last: [], unsent: session.unsent, isMidObject: false }, false);
  }
  const versions = versionsFor(hdr);
  const fresh = commands.map((command) => ({ command: inVersion(command, versions), from: 0 }));
  const toSend = session.unsent.length > 0 ? session.unsent : fresh;
  if (toSend.length === 0) return close('completed');
  // What comes now for earlier commands would be taken for an answer to the new ones: CmdIDs are unique in a list only.
  if (session.unsent.length === 0) sent.clear();
  const last: Outgoing<RequestCommand>[] = [];
  let rest: Outgoing<RequestCommand> | undefined;
  for (const outgoing of toSend) {
    const part = addPart(answer, outgoing, form, last.length === 0);
    if (part === undefined) break;
    last.push(outgoing);
    rest = part.rest;
    note(sent, msgId, outgoing.command, part.added as RequestCommand, rest !== undefined);
    if (rest !== undefined) break;
  }
  const left = toSend.slice(last.length);
  const isMidObject = rest !== undefined;
  return awaitAnswer({ last, unsent: rest === undefined ? left : [rest, ...left], isMidObject }, !isMidObject);
}

/** Remembers under which CmdIDs the application's commands, nested ones included, have left. */
function note(
  sent: Map<string, SentCommand>,
  msgId: number,
  command: RequestCommand,
  numbered: RequestCommand,
  isChunk: boolean,
): void {
  const onWire = everyCommand([numbered]);
  for (const { cmdId } of everyCommand([command])) {
    const next = onWire.next();
    if (next.done !== true) sent.set(sentKey(String(msgId), next.value.cmdId), { cmdId, isChunk, hasStatus: false });
  }
}

function sentKey(msgRef: string, cmdRef: string): string {
  return `${msgRef}/${cmdRef}`;
}

/** Without `ownNonce` it holds no proof: a client that has not proved itself is not to get one of ours. */
function header(setup: ServerSetup, client: SyncHdr, msgId: number, ownNonce?: Uint8Array): SyncHdr {
  const { scheme, principal } = setup.own;
  const cred = ownNonce && credOf({ scheme, principal, nonce: ownNonce });
  const { verDtd, verProto } = versionsFor(client);
  return {
    verDtd,
    verProto,
    sessionId: client.sessionId,
    msgId: String(msgId),
    target: { locUri: client.source.locUri },
    source: { locUri: setup.serverUri, locName: cred && setup.own.principal.name },
    respUri: setup.respUri,
    cred,
    meta: { maxMsgBytes: setup.maxMsgBytes, maxObjBytes: setup.maxObjBytes },
  };
}
