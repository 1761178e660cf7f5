import { STATUS } from '../protocol/message/codes.ts';
import { type Answer, commandName, type RequestCommand } from '../protocol/message/message.ts';

/** Answers every command, nested ones included, with Status 500, and executes none. */
export function* refuseAll(commands: readonly RequestCommand[]): Generator<Answer> {
  for (const command of commands) {
    yield {
      kind: 'Status',
      cmdRef: command.cmdId,
      cmd: commandName(command),
      targetRefs: [],
      sourceRefs: [],
      code: STATUS.commandFailed,
      items: [],
    };
    if (command.kind === 'Atomic' || command.kind === 'Sequence') yield* refuseAll(command.commands);
  }
}
