import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { answerBytes } from './answer-size.ts';
import { listed } from './command-list.ts';
import { statusOf } from './de-result.ts';

/** What is kept of the answers of one device to the commands of one run, while they come in. */
export interface KeptAnswers {
  readonly answers: readonly Answer[];
  /** What they take; see `answerBytes`. */
  readonly bytes: number;
  /** CmdIDs of the commands of which something had to be dropped. */
  readonly cut: ReadonlySet<string>;
}

export const NO_ANSWERS: KeptAnswers = { answers: [], bytes: 0, cut: new Set() };

/**
 * Adds what a message brought, as far as all of it together takes `maxBytes`. Of what goes beyond, the first Status of
 * a command stays, with nothing but its code. When anything else of a command is dropped, a synthetic 413 stands in
 * place of its Status, whatever the device says: the member ends as `failed`, and no part of an answer passes for the
 * whole. [FANOUT 5]
 */
export function keepAnswers(
  before: KeptAnswers,
  commands: readonly RequestCommand[],
  fresh: readonly Answer[],
  maxBytes: number,
): KeptAnswers {
  const { byCmdId } = listed(commands);
  const withStatus = new Set<string>();
  for (const { kind, cmdRef } of before.answers) if (kind === 'Status') withStatus.add(cmdRef);
  const cut = new Set(before.cut);
  const added: Answer[] = [];
  let { bytes } = before;
  for (const answer of fresh) {
    const command = byCmdId.get(answer.cmdRef);
    if (!command || cut.has(command.cmdId)) continue;
    const size = answerBytes(answer);
    if (bytes + size <= maxBytes) {
      added.push(answer);
      bytes += size;
    } else if (answer.kind === 'Status' && !withStatus.has(command.cmdId)) {
      added.push(statusOf(command, answer.code));
    } else {
      cut.add(command.cmdId);
    }
    if (answer.kind === 'Status') withStatus.add(command.cmdId);
  }
  if (added.length === 0 && cut.size === before.cut.size) return before;
  const answers = [...before.answers, ...added];
  if (cut.size === 0) return { answers, bytes, cut };
  const isKept = ({ kind, cmdRef }: Answer): boolean => kind !== 'Status' || !cut.has(cmdRef);
  const synthetic = [...cut].flatMap((cmdId) => {
    const command = byCmdId.get(cmdId);
    return command ? [statusOf(command, STATUS.tooLarge)] : [];
  });
  return { answers: [...answers.filter(isKept), ...synthetic], bytes, cut };
}
