import {
  type Answer,
  commandName,
  everyCommand,
  type Item,
  type Meta,
  type RequestCommand,
  type ResultsCommand,
  type StatusCommand,
} from '../protocol/message/message.ts';
import { itemsOf } from './command-list.ts';
import { decodeSyncBody, encodeSyncBody } from './sync-body.ts';

type StatusAnswer = Answer<StatusCommand>;
type ResultsAnswer = Answer<ResultsCommand>;

/** The one message that a DeResult is an answer to. */
const MSG_REF = '1';

/** The commands that no Status refers to yet, nested ones included, in document order. */
export function missingStatus(
  commands: readonly RequestCommand[],
  answers: readonly Answer[],
): readonly RequestCommand[] {
  const answered = new Set<string>();
  for (const answer of answers) if (answer.kind === 'Status') answered.add(answer.cmdRef);
  return [...everyCommand(commands)].filter(({ cmdId }) => !answered.has(cmdId));
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
  return encodeSyncBody(answers.map((answer, index) => ({ ...answer, cmdId: String(index + 1), msgRef: MSG_REF })));
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
  for (const command of everyCommand(commands)) {
    const own = byCmdRef.get(command.cmdId) ?? [];
    const cmd = commandName(command);
    const ownStatuses = inItemOrder(command, own.filter(isStatus));
    for (const status of ownStatuses) {
      const items = status.items.map((item) => asOctets(item));
      statuses.push({ ...status, cmd, cred: undefined, chal: undefined, items });
    }
    for (const answer of own) {
      if (answer.kind !== 'Results') continue;
      results.push({ ...answer, items: answer.items.map((item) => asOctets(item, answer.meta)) });
    }
  }
  return [...statuses, ...results];
}

/** The answers a stored DeResult was made of, in its order. */
export function decodeDeResult(deResult: string): readonly Answer[] {
  return decodeSyncBody(deResult).filter((command) => command.kind === 'Status' || command.kind === 'Results');
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
function asOctets(item: Item, outer?: Meta): Item {
  const { data, meta } = item;
  if (typeof data !== 'string' || (meta?.format ?? outer?.format) !== 'bin') return item;
  return { ...item, data: Buffer.from(data) };
}
