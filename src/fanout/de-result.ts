import {
  type Answer,
  commandName,
  type Item,
  type Meta,
  type RequestCommand,
  type ResultsCommand,
  type StatusCommand,
} from '../protocol/message/message.ts';
import { commandXml } from '../protocol/xml/message-writer.ts';
import { itemsOf, listed } from './command-list.ts';
import { decodeSyncBody, joinSyncBody } from './sync-body.ts';

type StatusAnswer = Answer<StatusCommand>;
type ResultsAnswer = Answer<ResultsCommand>;

/** The one message that a DeResult is an answer to. */
const MSG_REF = '1';
/** Each takes about 150 bytes; the commands of a run need one or two for each of them. */
const MAX_PLAIN_TEXTS = 1_000;
const plainTexts = new Map<string, string>();

/** The commands that no Status refers to yet, nested ones included, in document order. */
export function missingStatus(
  commands: readonly RequestCommand[],
  answers: readonly Answer[],
): readonly RequestCommand[] {
  const answered = new Set<string>();
  for (const answer of answers) if (answer.kind === 'Status') answered.add(answer.cmdRef);
  return listed(commands).every.filter(({ cmdId }) => !answered.has(cmdId));
}

/** The answers, and for each command without a Status one with this code, in place of what the device did not say. [FANOUT 5] */
export function completed(
  commands: readonly RequestCommand[],
  answers: readonly Answer[],
  code: number,
): readonly Answer[] {
  const synthetic = missingStatus(commands, answers).map((command) => statusOf(command, code));
  return [...answers, ...synthetic];
}

/** A Status that says no more than the code. */
export function statusOf(command: RequestCommand, code: number): Answer {
  return {
    kind: 'Status',
    cmdRef: command.cmdId,
    cmd: commandName(command),
    targetRefs: [],
    sourceRefs: [],
    code,
    items: [],
  };
}

/**
 * The answers of one device as a canonical SyncBody: the Status of each command, in the order of the commands, then the
 * Results; equal answers are equal text. What refers to none of the commands is left out. [FANOUT 4]
 */
export function encodeDeResult(commands: readonly RequestCommand[], answers: readonly Answer[]): string {
  return encodeAnswers(canonicalAnswers(commands, answers));
}

/** Answers that are in the order and form of a DeResult already. */
export function encodeAnswers(answers: readonly Answer[]): string {
  return joinSyncBody(
    answers.map((answer, index) => (isPlain(answer) ? plainXml(answer, index + 1) : answerXml(answer, index + 1))),
  );
}

function answerXml(answer: Answer, cmdId: number): string {
  return commandXml(answer, { cmdId: String(cmdId), msgRef: MSG_REF });
}

/** Whether it is a Status of a device that says no more than the code, as most do. */
function isPlain(answer: Answer): answer is StatusAnswer {
  return (
    answer.kind === 'Status' &&
    answer.items.length + answer.targetRefs.length + answer.sourceRefs.length === 0 &&
    answer.cred === undefined &&
    answer.chal === undefined
  );
}

/** The same Status in the same place is the same text for every device of a run. */
function plainXml(status: StatusAnswer, cmdId: number): string {
  const name = `${cmdId} ${status.code} ${status.cmd} ${status.cmdRef}`;
  const known = plainTexts.get(name);
  if (known !== undefined) return known;
  const text = answerXml(status, cmdId);
  if (plainTexts.size >= MAX_PLAIN_TEXTS) plainTexts.clear();
  plainTexts.set(name, text);
  return text;
}

/** The answers as a DeResult holds them. */
export function canonicalAnswers(commands: readonly RequestCommand[], answers: readonly Answer[]): readonly Answer[] {
  const byCmdRef = new Map<string, Answer[]>();
  for (const answer of answers) {
    const others = byCmdRef.get(answer.cmdRef);
    if (others) others.push(answer);
    else byCmdRef.set(answer.cmdRef, [answer]);
  }
  const statuses: StatusAnswer[] = [];
  const results: ResultsAnswer[] = [];
  for (const command of listed(commands).every) {
    const own = byCmdRef.get(command.cmdId);
    if (own === undefined) continue;
    const cmd = commandName(command);
    for (const status of inItemOrder(command, own.filter(isStatus))) statuses.push(canonicalStatus(status, cmd));
    for (const answer of own) if (answer.kind === 'Results') results.push(canonicalResults(answer));
  }
  return [...statuses, ...results];
}

/** The answers a stored DeResult was made of, in its order. */
export function decodeDeResult(deResult: string): readonly Answer[] {
  return decodeSyncBody(deResult).filter((command) => command.kind === 'Status' || command.kind === 'Results');
}

/** Most answers are canonical already: a copy of each took longer than all that is compared here. */
function canonicalStatus(status: StatusAnswer, cmd: string): StatusAnswer {
  const { items, cred, chal } = status;
  if (status.cmd === cmd && cred === undefined && chal === undefined && !items.some((item) => isOctets(item))) {
    return status;
  }
  return { ...status, cmd, cred: undefined, chal: undefined, items: items.map((item) => asOctets(item)) };
}

function canonicalResults(answer: ResultsAnswer): ResultsAnswer {
  const { items, meta } = answer;
  if (!items.some((item) => isOctets(item, meta))) return answer;
  return { ...answer, items: items.map((item) => asOctets(item, meta)) };
}

function isStatus(answer: Answer): answer is StatusAnswer {
  return answer.kind === 'Status';
}

/** One Status per Item names its Item by TargetRef or SourceRef; one that names none comes last. */
function inItemOrder(command: RequestCommand, statuses: readonly StatusAnswer[]): readonly StatusAnswer[] {
  if (statuses.length < 2) return statuses;
  const items = itemsOf(command);
  const indexOf = ({ targetRefs, sourceRefs }: StatusAnswer): number => {
    const index = items.findIndex(
      ({ target, source }) =>
        (target !== undefined && targetRefs.includes(target.locUri)) ||
        (source !== undefined && sourceRefs.includes(source.locUri)),
    );
    return index < 0 ? items.length : index;
  };
  return statuses.toSorted((a, b) => indexOf(a) - indexOf(b));
}

/** Format bin is octets even where they are readable: in XML they have to be written as b64. */
function isOctets({ data, meta }: Item, outer?: Meta): boolean {
  return typeof data === 'string' && (meta?.format ?? outer?.format) === 'bin';
}

function asOctets(item: Item, outer?: Meta): Item {
  return isOctets(item, outer) ? { ...item, data: Buffer.from(item.data ?? '') } : item;
}
