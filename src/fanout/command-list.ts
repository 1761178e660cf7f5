import { everyCommand, type Item, type RequestCommand } from '../protocol/message/message.ts';

/** The commands of a list, nested ones included, in document order and by their CmdIDs. */
interface Listed {
  readonly every: readonly RequestCommand[];
  readonly byCmdId: ReadonlyMap<string, RequestCommand>;
}

const known = new WeakMap<readonly RequestCommand[], Listed>();

/** Made once for the commands of a run: what each of its devices says is held against them. */
export function listed(commands: readonly RequestCommand[]): Listed {
  const before = known.get(commands);
  if (before !== undefined) return before;
  const every = [...everyCommand(commands)];
  const fresh = { every, byCmdId: new Map(every.map((command) => [command.cmdId, command])) };
  known.set(commands, fresh);
  return fresh;
}

/** The Items of a command itself, not of those nested in it. */
export function itemsOf(command: RequestCommand): readonly Item[] {
  return 'items' in command ? command.items : [];
}

/** Whether the commands may be sent once more when it is not known what became of them: Gets, and Replaces of values. [FANOUT 5] */
export function isRepeatable(commands: readonly RequestCommand[]): boolean {
  return commands.every((command) => {
    switch (command.kind) {
      case 'Get':
        return true;
      case 'Replace':
        return command.items.every((item) => isValue(item, item.meta?.type ?? command.meta?.type));
      case 'Add':
      case 'Delete':
      case 'Copy':
      case 'Exec':
      case 'Alert':
      case 'Atomic':
      case 'Sequence':
      case 'Foreign':
        return false;
    }
  });
}

/** A Replace of a property can rename the node, one with a TNDS document rebuilds a subtree: neither is a value. */
function isValue({ target }: Item, type: string | undefined): boolean {
  return !target?.locUri.includes('?') && !type?.toLowerCase().includes('dmtnds');
}
