import { challenge, checkCred, credOf, nextNonceOf, schemeOf } from '../auth/credentials.ts';
import { emptyMessageBytes } from '../codec.ts';
import { DmError } from '../errors.ts';
import { ALERT, STATUS } from '../message/codes.ts';
import type { Message, RequestCommand, StatusCommand, SyncHdr, Unnumbered } from '../message/message.ts';
import type { ClientEffect, ClientInput, ClientOutcome, ClientSetup, OutgoingAlert } from './client-types.ts';
import { Body, commandStatus, hdrStatus, hdrStatusIn, isRefusal, requestsIn, VERSIONS } from './outgoing.ts';

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
interface Entry {
  readonly command: Unnumbered;
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
  /** What our last message said besides `Statuses`: a challenge has it said again. */
  readonly said: readonly Entry[];
  /** Marks of the alerts in our last message, by CmdID. */
  readonly alertRefs: ReadonlyMap<string, string>;
  readonly toSay: readonly Entry[];
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
  const management: Entry = { command: { kind: 'Alert', code: setup.managementAlert, items: [] } };
  const devInfo: Entry[] = setup.devInfo.length > 0 ? [{ command: { kind: 'Replace', items: setup.devInfo } }] : [];
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
    said: [],
    alertRefs: new Map(),
    toSay: [management, ...devInfo, ...setup.alerts.map(alertEntry)],
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
    // A server that asks for the rest of our package sends no Final, and has finished its own all the same.
    isServerFinal: message.final || (before.isServerFinal && !before.isFinal),
  };
  if (status !== undefined && isRefusal(status.code)) return answerChallenge(session, received, status);
  if (status !== undefined && status.code >= 300) return close({ kind: 'refused', status: status.code });
  const nonce = nextNonceOf(status?.chal);
  const proof = proofOf(
    {
      ...session,
      isAccepted: session.isAccepted || status?.code === STATUS.authenticationAccepted,
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

/** Checks the server's credentials until they were accepted once; a failure is answered with a challenge. [SEC 5] */
function proofOf(session: Session, { message: { hdr }, freshNonce }: Received): Proof {
  const { scheme } = session.setup.peer;
  if (scheme === 'none' || session.isServerProven) {
    return { session, status: hdrStatus(hdr, STATUS.ok), isProven: true };
  }
  const verdict = checkCred(hdr.cred, { ...session.setup.peer, nonce: session.peerNonce });
  const chal = challenge(scheme, freshNonce);
  if (verdict === 'valid') {
    const proven = { ...session, isServerProven: true };
    const code = STATUS.authenticationAccepted;
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
    { ...session, isAccepted: false, ownNonce: nonce, ownFailures: 1, toSay: [...session.said, ...session.toSay] },
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
  return say({ ...counted, toSay: [...alerts, ...counted.toSay] }, [status, ...refusals]);
}

/** Undefined at the second failure. */
function countFailure(session: Session): Session | undefined {
  return session.peerFailures > 0 ? undefined : { ...session, peerFailures: 1 };
}

/** Takes in what a trusted server said: Status for our alerts, and commands. */
function takeCommands(proof: Proof, message: Message): ClientStep {
  const { hdr } = message;
  const { status } = proof;
  const session = { ...proof.session, unstoredNonce: undefined };
  const answered = alertsAnswered(session, message);
  const last = [...remembering(proof, false), ...answered];
  const before = [...remembering(proof, true), ...answered];
  const requests = requestsIn(message);
  const ofSession = requests.filter(isOfSession);
  if (ofSession.some(({ code }) => code === ALERT.sessionAbort)) return close({ kind: 'aborted' }, last);
  const statuses = [status, ...ofSession.map((alert) => commandStatus(hdr, alert, STATUS.ok))];
  const commands = requests.filter((request) => !isOfSession(request));
  const waiting = commands.length > 0 ? [...session.waiting, { msgId: hdr.msgId, commands }] : session.waiting;
  const next: Session = { ...session, waiting };
  const hasWork = next.executing !== undefined || waiting.length > 0;
  if (hasWork) return produce(next, statuses, before);
  // A package that would only hold the Status for the SyncHdr is not sent.
  if (next.toSay.length === 0 && statuses.length === 1 && next.isFinal && message.final)
    return close({ kind: 'completed' }, last);
  return say(next, statuses, before);
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
    return { next, effects: [...effects, { kind: 'execute', msgId: batch.msgId, commands: batch.commands }] };
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
  const said = answers.map((answer): Entry => ({ command: { ...answer, msgRef } }));
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
  const hdr = header(session, msgId);
  const body = new Body({ form: setup.form, maxBytes: limitOf(session) - emptyMessageBytes(hdr, setup.form) });
  for (const status of statuses) body.add(status);
  const alertRefs = new Map<string, string>();
  let count = 0;
  for (const { command, alertRef } of toSay) {
    // One that fits into no message goes out all the same: the server decides.
    const numbered = count === 0 ? body.add(command) : body.addIfFits(command);
    if (numbered === undefined) break;
    if (alertRef !== undefined) alertRefs.set(numbered.cmdId, alertRef);
    count += 1;
  }
  const isAllSaid = count === toSay.length && session.executing === undefined && session.waiting.length === 0;
  if (isAllSaid && !isServerFinal) body.add({ kind: 'Alert', code: ALERT.nextMessage, items: [] });
  const isFinal = isAllSaid && isServerFinal;
  const said = { said: toSay.slice(0, count), toSay: toSay.slice(count), alertRefs };
  return {
    next: { phase: 'awaiting', session: { ...session, ...said, msgId, isFinal } },
    effects: [...before, { kind: 'post', url: session.url, message: { hdr, body: body.commands, final: isFinal } }],
  };
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

/** An alert about the session itself, which no tree can answer. */
function isOfSession(request: RequestCommand): request is Extract<RequestCommand, { kind: 'Alert' }> {
  if (request.kind !== 'Alert') return false;
  const { code } = request;
  return code === ALERT.nextMessage || code === ALERT.sessionAbort || code === ALERT.noEndOfData;
}

function alertEntry({ ref, alert }: OutgoingAlert): Entry {
  return { command: alert, alertRef: ref };
}
