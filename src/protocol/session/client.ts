import { challenge, checkCred, credOf, nextNonceOf, schemeOf } from '../auth/credentials.ts';
import { DmError } from '../errors.ts';
import { ALERT, STATUS } from '../message/codes.ts';
import type { Message, RequestCommand, StatusCommand, SyncHdr, Unnumbered } from '../message/message.ts';
import type { ClientEffect, ClientInput, ClientOutcome, ClientSetup, OutgoingAlert } from './client-types.ts';
import { assemble, type Incoming, noEndOfData } from './assembly.ts';
import { addPart, type Outgoing, splitItems } from './chunks.ts';
import {
  commandStatus,
  GrowingMessage,
  hdrStatus,
  hdrStatusIn,
  isOfSession,
  isRefusal,
  isRequest,
  requestsIn,
} from './outgoing.ts';
import { VERSIONS } from './versions.ts';

/** One end of a session, the client's. `producing`: answers are on their way to be said. */
export type ClientState =
  | { readonly phase: 'ready'; readonly setup: ClientSetup }
  | { readonly phase: 'awaiting'; readonly session: Session }
  | { readonly phase: 'producing'; readonly session: Session; readonly statuses: Statuses }
  | { readonly phase: 'closed' };

export interface ClientStep {
  readonly next: ClientState;
  readonly effects: readonly ClientEffect[];
}

/** What a message begins with: a Status for the server's SyncHdr, then those for its session alerts. */
type Statuses = readonly Unnumbered<StatusCommand>[];

/** Something to be said, with the caller's mark where it is an alert of the caller's. */
interface Entry extends Outgoing {
  readonly alertRef?: string;
}

/** Commands of one message of the server. */
interface Batch {
  readonly msgId: string;
  readonly commands: readonly RequestCommand[];
}

/** What is kept between messages. */
interface Session {
  readonly setup: ClientSetup;
  readonly url: string;
  /** MsgID of our last message. */
  readonly msgId: number;
  /** The server has accepted our credentials for the session. */
  readonly isAccepted: boolean;
  /** Nonce of our next proof. */
  readonly ownNonce: Uint8Array;
  /** NextNonce of a server that has not proved itself yet: good for this session, not to be stored. */
  readonly unstoredNonce: Uint8Array | undefined;
  readonly ownFailures: number;
  readonly isServerProven: boolean;
  /** Nonce of the server's next proof. */
  readonly peerNonce: Uint8Array;
  readonly peerFailures: number;
  readonly maxMsgBytes: number | undefined;
  /** Largest object that the server takes. */
  readonly maxObjBytes: number | undefined;
  /** What our last message said besides `Statuses`: a challenge has it said again. */
  readonly said: readonly Entry[];
  /** CmdID of the chunk our last message ended with; the rest of its object comes first in `toSay`. */
  readonly chunkCmdId: string | undefined;
  /** Marks of the alerts in our last message, by CmdID. */
  readonly alertRefs: ReadonlyMap<string, string>;
  readonly toSay: readonly Entry[];
  readonly incoming: Incoming | undefined;
  /** The last message that brought commands. */
  readonly lastBatch: Batch | undefined;
  /** MsgID of the message whose commands are being executed. */
  readonly executing: string | undefined;
  readonly waiting: readonly Batch[];
  /** The server's package that we are answering is complete. */
  readonly isServerFinal: boolean;
  /** Our last message held Final. */
  readonly isFinal: boolean;
}

/** Where a session with a server begins. */
export function clientStart(setup: ClientSetup): ClientState {
  return { phase: 'ready', setup };
}

/** Decides one move of a DM client. Performs no I/O and reads no clock. Throws `DmError` SESSION_INPUT for an input that cannot come now. [DMPROTO 8, SEC 5] */
export function stepClient(state: ClientState, input: ClientInput): ClientStep {
  switch (state.phase) {
    case 'ready':
      if (input.kind === 'open') return say(opening(state.setup), []);
      break;
    case 'awaiting':
      if (input.kind === 'received') return takeIn(state.session, input);
      break;
    case 'producing':
      if (input.kind === 'produced') return takeProduced(state.session, state.statuses, input);
      break;
    case 'closed':
      break;
  }
  throw new DmError('SESSION_INPUT', `${input.kind} cannot come while the session is ${state.phase}`);
}

type Received = Extract<ClientInput, { kind: 'received' }>;

/** Package 1: the alert of the session, DevInfo, further alerts. [DMPROTO 8.3] */
function opening(setup: ClientSetup): Session {
  const management: Entry = { command: { kind: 'Alert', code: setup.managementAlert, items: [] }, from: 0 };
  const devInfo: readonly Entry[] =
    setup.devInfo.length > 0 ? [{ command: { kind: 'Replace', items: setup.devInfo }, from: 0 }] : [];
  return {
    setup,
    url: setup.serverUri,
    msgId: 0,
    isAccepted: false,
    ownNonce: setup.own.nonce,
    unstoredNonce: undefined,
    ownFailures: 0,
    isServerProven: setup.peer.scheme === 'none',
    peerNonce: setup.peer.nonce,
    peerFailures: 0,
    maxMsgBytes: undefined,
    maxObjBytes: undefined,
    said: [],
    chunkCmdId: undefined,
    alertRefs: new Map(),
    toSay: [management, ...devInfo, ...setup.alerts.map(alertEntry)],
    incoming: undefined,
    lastBatch: undefined,
    executing: undefined,
    waiting: [],
    isServerFinal: true,
    isFinal: false,
  };
}

function takeIn(before: Session, received: Received): ClientStep {
  const { message } = received;
  const { hdr } = message;
  const status = hdrStatusIn(message, before.msgId);
  const session: Session = {
    ...before,
    url: hdr.respUri ?? before.url,
    maxMsgBytes: hdr.meta?.maxMsgBytes ?? before.maxMsgBytes,
    maxObjBytes: hdr.meta?.maxObjBytes ?? before.maxObjBytes,
    // A server that asks for the rest of our package sends no Final, and has finished its own all the same.
    isServerFinal: message.final || (before.isServerFinal && !before.isFinal),
  };
  if (status !== undefined && isRefusal(status.code)) return answerChallenge(session, received, status);
  if (status !== undefined && status.code >= 300) return close({ kind: 'refused', status: status.code });
  const nonce = nextNonceOf(status?.chal);
  const { scheme } = session.setup.own;
  const proof = proofOf(
    {
      ...session,
      isAccepted: session.isAccepted || (status?.code === STATUS.authenticationAccepted && scheme !== 'mac'),
      ownNonce: nonce ?? session.ownNonce,
      unstoredNonce: nonce ?? session.unstoredNonce,
    },
    received,
  );
  return proof.isProven ? takeCommands(proof, message) : distrust(proof, message);
}

/** What a message says of its sender. */
interface Proof {
  readonly session: Session;
  /** For the SyncHdr of the message. */
  readonly status: Unnumbered<StatusCommand>;
  readonly isProven: boolean;
  /** NextNonce in `status`, for the server's next session. */
  readonly peerNonce?: Uint8Array;
}

/** Checks the server's credentials until they were accepted once, a MAC always; a failure is answered with a challenge. [SEC 5] */
function proofOf(session: Session, { message: { hdr }, mac, freshNonce }: Received): Proof {
  const { scheme } = session.setup.peer;
  if (scheme === 'none' || (session.isServerProven && scheme !== 'mac')) {
    return { session, status: hdrStatus(hdr, STATUS.ok), isProven: true };
  }
  const verdict = checkCred(hdr.cred, { ...session.setup.peer, nonce: session.peerNonce }, mac);
  const chal = challenge(scheme, freshNonce);
  if (verdict === 'valid') {
    const proven = { ...session, isServerProven: true, peerNonce: freshNonce };
    const code = scheme === 'mac' ? STATUS.ok : STATUS.authenticationAccepted;
    if (scheme === 'basic') return { session: proven, status: hdrStatus(hdr, code), isProven: true };
    return { session: proven, status: hdrStatus(hdr, code, chal), isProven: true, peerNonce: freshNonce };
  }
  const code = verdict === 'missing' ? STATUS.missingCredentials : STATUS.invalidCredentials;
  return { session: { ...session, peerNonce: freshNonce }, status: hdrStatus(hdr, code, chal), isProven: false };
}

/** What is to be stored of a proven server. The nonce we have for it counts only when it gets to know it. */
function remembering({ session, isProven, peerNonce }: Proof, isAnswered: boolean): readonly ClientEffect[] {
  const ownNonce = isProven ? session.unstoredNonce : undefined;
  if (!ownNonce && !(peerNonce && isAnswered)) return [];
  return [{ kind: 'remember', ownNonce, peerNonce: isAnswered ? peerNonce : undefined }];
}

/** The server did not accept our credentials: says everything again under its challenge, once. [SEC 5] */
function answerChallenge(session: Session, received: Received, status: StatusCommand): ClientStep {
  const nonce = nextNonceOf(status.chal) ?? session.ownNonce;
  const isAsked = status.chal !== undefined && schemeOf(status.chal) === session.setup.own.scheme;
  if (!isAsked || session.ownFailures > 0) return close({ kind: 'refused', status: status.code });
  const proof = proofOf(
    {
      ...session,
      isAccepted: false,
      ownNonce: nonce,
      ownFailures: 1,
      toSay: [...session.said, ...afterChunk(session)],
    },
    received,
  );
  const wrong = proof.status.code === STATUS.invalidCredentials ? countFailure(proof.session) : proof.session;
  if (wrong === undefined) return close({ kind: 'distrusted' });
  const { message } = received;
  const notExecuted = requestsIn(message).map((request) => commandStatus(message.hdr, request, STATUS.notExecuted));
  return say(wrong, [proof.status, ...notExecuted], remembering(proof, true));
}

/**
 * Executes nothing of a server that did not prove itself, and believes no acknowledgement of an alert: it is challenged,
 * and alerts are said again. One that wants nothing and was told nothing need not prove anything. [SEC 5]
 */
function distrust({ session, status }: Proof, message: Message): ClientStep {
  const requests = requestsIn(message);
  const alerts = session.said.filter(({ alertRef }) => alertRef !== undefined);
  if (requests.length === 0 && alerts.length === 0) return close({ kind: 'completed' });
  const counted = countFailure(session);
  if (counted === undefined) return close({ kind: 'distrusted' });
  const refusals = requests.map((request) => commandStatus(message.hdr, request, status.code));
  return say({ ...counted, toSay: [...alerts, ...afterChunk(counted)] }, [status, ...refusals]);
}

/** What is to be said besides the rest of an object whose last chunk has to be said again. */
function afterChunk({ toSay, chunkCmdId }: Session): readonly Entry[] {
  return chunkCmdId === undefined ? toSay : toSay.slice(1);
}

/** Undefined at the second failure. */
function countFailure(session: Session): Session | undefined {
  return session.peerFailures > 0 ? undefined : { ...session, peerFailures: 1 };
}

/** Takes in what a trusted server said: Status for our alerts, and commands. */
function takeCommands(proof: Proof, message: Message): ClientStep {
  const { hdr } = message;
  const before = withoutRefusedObject({ ...proof.session, unstoredNonce: undefined }, message);
  const answered = alertsAnswered(before, message);
  const { parts, interrupted, incoming } = assemble(before.incoming, message.body, before.setup.maxObjBytes);
  const isAborted = [...parts, ...before.said].some(({ command }) => isAbort(command));
  if (isAborted) return close({ kind: 'aborted' }, [...remembering(proof, false), ...answered]);
  const statuses = [proof.status];
  const commands: RequestCommand[] = [];
  for (const { command, code } of parts) {
    if (code !== undefined) statuses.push(commandStatus(hdr, command, code));
    else if (isOfSession(command)) statuses.push(commandStatus(hdr, command, STATUS.ok));
    else if (isRequest(command)) commands.push(command);
  }
  const batch = commands.length > 0 ? { msgId: hdr.msgId, commands } : undefined;
  if (batch !== undefined && isSame(batch, before.lastBatch)) {
    return close({ kind: 'malformed', reason: `the server sent its message ${hdr.msgId} twice` }, answered);
  }
  const session: Session = {
    ...before,
    lastBatch: batch ?? before.lastBatch,
    incoming,
    toSay: interrupted ? [...before.toSay, { command: noEndOfData(interrupted), from: 0 }] : before.toSay,
    waiting: batch === undefined ? before.waiting : [...before.waiting, batch],
  };
  const effects = [...remembering(proof, true), ...answered];
  if (session.executing !== undefined || session.waiting.length > 0) return produce(session, statuses, effects);
  // A package that would only hold the Status for the SyncHdr is not sent.
  const isDone = session.toSay.length === 0 && statuses.length === 1 && session.isFinal && message.final;
  if (isDone) return close({ kind: 'completed' }, [...remembering(proof, false), ...answered]);
  return say(session, statuses, effects);
}

function isAbort(command: Unnumbered): boolean {
  return command.kind === 'Alert' && command.code === ALERT.sessionAbort;
}

/** Whether a server sends again what was executed already. Peer: some servers give every message the MsgID 1. */
function isSame(batch: Batch, last: Batch | undefined): boolean {
  return batch.msgId === last?.msgId && JSON.stringify(batch) === JSON.stringify(last);
}

/** A server that refuses a chunk does not want the rest of the object. */
function withoutRefusedObject(session: Session, { body }: Message): Session {
  const { msgId, chunkCmdId, toSay, alertRefs } = session;
  if (chunkCmdId === undefined) return session;
  const status = body.find(
    (command): command is StatusCommand =>
      command.kind === 'Status' && command.msgRef === String(msgId) && command.cmdRef === chunkCmdId,
  );
  if (status !== undefined && status.code >= 300) return { ...session, toSay: toSay.slice(1) };
  return { ...session, alertRefs: new Map([...alertRefs].filter(([cmdId]) => cmdId !== chunkCmdId)) };
}

function alertsAnswered({ msgId, alertRefs }: Session, { body }: Message): readonly ClientEffect[] {
  return body.flatMap((command): ClientEffect[] => {
    if (command.kind !== 'Status' || command.msgRef !== String(msgId)) return [];
    const ref = alertRefs.get(command.cmdRef);
    return ref === undefined ? [] : [{ kind: 'alertAnswered', ref, status: command.code }];
  });
}

/** Has the commands executed whose turn it is, as far as their answers can be said. */
function produce(session: Session, statuses: Statuses, effects: readonly ClientEffect[] = []): ClientStep {
  const [batch, ...waiting] = session.waiting;
  if (session.executing === undefined && batch !== undefined) {
    const next: ClientState = {
      phase: 'producing',
      session: { ...session, executing: batch.msgId, waiting },
      statuses,
    };
    const { maxObjBytes } = session;
    return { next, effects: [...effects, { kind: 'execute', ...batch, maxObjBytes }] };
  }
  const next: ClientState = { phase: 'producing', session, statuses };
  return { next, effects: [...effects, { kind: 'produce', maxBytes: limitOf(session) }] };
}

function takeProduced(
  before: Session,
  statuses: Statuses,
  { answers, done, alerts }: Extract<ClientInput, { kind: 'produced' }>,
): ClientStep {
  const msgRef = before.executing ?? '';
  const said = answers.map((answer): Entry => ({ command: { ...answer, msgRef }, from: 0 }));
  const session: Session = {
    ...before,
    toSay: [...before.toSay, ...said, ...alerts.map(alertEntry)],
    executing: done ? undefined : before.executing,
  };
  return done && session.waiting.length > 0 ? produce(session, statuses) : say(session, statuses);
}

/** Sends as much as fits, and asks for the next message where the server has not finished. [DMPROTO 6.3] */
function say(session: Session, statuses: Statuses, before: readonly ClientEffect[] = []): ClientStep {
  const { setup, toSay, isServerFinal } = session;
  const msgId = session.msgId + 1;
  const outgoing = new GrowingMessage(header(session, msgId), setup.form, limitOf(session));
  for (const status of statuses) outgoing.add(status);
  const alertRefs = new Map<string, string>();
  const said: Entry[] = [];
  const left = [...toSay];
  let chunkCmdId: string | undefined;
  while (chunkCmdId === undefined && left.length > 0) {
    const next = takeNext(outgoing, left, said.length === 0);
    const part = next && addPart(outgoing, next, setup.form, said.length === 0);
    if (next === undefined || part === undefined) break;
    left.shift();
    said.push(next);
    if (next.alertRef !== undefined) alertRefs.set(part.added.cmdId, next.alertRef);
    if (part.rest === undefined) continue;
    left.unshift({ ...next, ...part.rest });
    chunkCmdId = part.added.cmdId;
  }
  const isAllSaid = left.length === 0 && session.executing === undefined && session.waiting.length === 0;
  if (isAllSaid && !isServerFinal) outgoing.add({ kind: 'Alert', code: ALERT.nextMessage, items: [] });
  const isFinal = isAllSaid && isServerFinal;
  return {
    next: { phase: 'awaiting', session: { ...session, said, toSay: left, alertRefs, chunkCmdId, msgId, isFinal } },
    effects: [
      ...before,
      {
        kind: 'post',
        url: session.url,
        ...outgoing.end(isFinal),
        signer: { ...setup.own, nonce: session.ownNonce },
      },
    ],
  };
}

/** What comes next, once Results that do not fit are split in `left`. */
function takeNext(outgoing: GrowingMessage, left: Entry[], isFirst: boolean): Entry | undefined {
  const [entry] = left;
  const split = entry && splitItems(outgoing, entry.command, isFirst);
  if (split) left.splice(0, 1, ...split.map((command) => ({ ...entry, command })));
  return left[0];
}

function close(outcome: ClientOutcome, before: readonly ClientEffect[] = []): ClientStep {
  return { next: { phase: 'closed' }, effects: [...before, { kind: 'closed', outcome }] };
}

function header({ setup, isAccepted, ownNonce }: Session, msgId: number): SyncHdr {
  const { own, sessionId, clientUri, serverUri, maxMsgBytes, maxObjBytes } = setup;
  return {
    ...VERSIONS,
    sessionId,
    msgId: String(msgId),
    target: { locUri: serverUri },
    source: { locUri: clientUri, locName: own.scheme === 'none' ? undefined : own.principal.name },
    cred: isAccepted ? undefined : credOf({ ...own, nonce: ownNonce }),
    meta: { maxMsgBytes, maxObjBytes },
  };
}

/** Largest message to send: what the server takes, or until it says so, what we take. */
function limitOf({ maxMsgBytes, setup }: Session): number {
  return maxMsgBytes ?? setup.maxMsgBytes;
}

function alertEntry({ ref, alert }: OutgoingAlert): Entry {
  return { command: alert, from: 0, alertRef: ref };
}
