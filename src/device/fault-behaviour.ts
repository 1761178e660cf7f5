import { ALERT } from '../protocol/message/codes.ts';
import {
  type AlertCommand,
  type Answer,
  everyCommand,
  type RequestCommand,
  type Unnumbered,
} from '../protocol/message/message.ts';
import type { DmRequest, DmResponse } from '../transport/client-session.ts';
import type { Exchange } from '../transport/http-client.ts';
import { TransportError } from '../transport/transport-error.ts';
import type { FaultKind } from './faults.ts';
import { refuseAll } from './refusal.ts';

/** Commands of one message that a device is to answer. */
export interface Task {
  readonly commands: readonly RequestCommand[];
  /** Executes them as they should be, as far as the answers are pulled. */
  readonly execute: () => AsyncIterable<Answer>;
  /** Takes its time, as seconds of a device that has much to do. */
  readonly dawdle: () => Promise<void>;
}

/** Where a device departs from what it should do; absent: nowhere. */
export interface FaultBehaviour {
  /** Never reacts to a notification and never polls. */
  readonly isSilent?: true;
  /** Comes back by itself after a session in which it got commands. */
  readonly isRestarting?: true;
  /** Goes out with the answers. */
  readonly alert?: Unnumbered<AlertCommand>;
  /** What it takes for its secret. */
  readonly secret?: (secret: string) => string;
  readonly answer?: (task: Task) => AsyncIterable<Answer> | Iterable<Answer>;
  /** Posts a message after the first commands came. */
  readonly post?: (request: DmRequest, exchange: Exchange) => Promise<DmResponse>;
}

/** What the devices with a fault do. The kinds are described at `FAULT_KINDS`. */
export const FAULT_BEHAVIOURS: Readonly<Record<FaultKind, FaultBehaviour>> = {
  silent: { isSilent: true },
  drop: { answer: () => [], post: closeConnection },
  slow: { answer: answerLate },
  badauth: { secret: (secret) => `${secret}?` },
  badxml: { post: (request, exchange) => exchange({ ...request, body: firstHalf(request.body) }) },
  wrongref: { answer: answerOthers },
  error: { answer: ({ commands }) => refuseAll(commands) },
  reboot: { isRestarting: true, answer: answerNothing, post: closeConnection },
  duplicate: { post: postTwice },
  abort: { alert: { kind: 'Alert', code: ALERT.sessionAbort, items: [] }, answer: answerNothing },
};

async function* answerLate({ execute, dawdle }: Task): AsyncGenerator<Answer> {
  await dawdle();
  yield* execute();
}

/** Executes all, and keeps the answers to itself. */
function answerNothing({ execute }: Task): AsyncIterable<Answer> {
  return retold(execute(), () => undefined);
}

/** A CmdRef longer than every CmdID is that of no command. */
function answerOthers({ commands, execute }: Task): AsyncIterable<Answer> {
  const longest = Math.max(...Array.from(everyCommand(commands), ({ cmdId }) => cmdId.length));
  const stranger = (cmdRef: string): string => `${'9'.repeat(longest)}${cmdRef}`;
  return retold(execute(), (answer) =>
    answer.kind === 'Status' ? { ...answer, cmdRef: stranger(answer.cmdRef) } : undefined,
  );
}

async function* retold(
  answers: AsyncIterable<Answer>,
  tell: (answer: Answer) => Answer | undefined,
): AsyncGenerator<Answer> {
  for await (const answer of answers) {
    const told = tell(answer);
    if (told) yield told;
  }
}

function closeConnection(): Promise<never> {
  return Promise.reject(
    new TransportError('TRANSPORT_CLOSED', 'the device closes the connection instead of answering'),
  );
}

/** In either encoding a document that ends in its middle has elements that do not. */
function firstHalf(body: Uint8Array): Uint8Array {
  return body.subarray(0, body.length >> 1);
}

/** What the server answers from memory has to do as well as what it answered first. */
async function postTwice(request: DmRequest, exchange: Exchange): Promise<DmResponse> {
  await exchange(request);
  return exchange(request);
}
