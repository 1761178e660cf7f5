import { STATUS } from '../protocol/message/codes.ts';
import {
  type Answer,
  commandName,
  type ContainerCommand,
  type ExecCommand,
  type Item,
  type ItemCommand,
  type RequestCommand,
  type StatusCommand,
} from '../protocol/message/message.ts';
import { type LocUri, parseLocUri } from './loc-uri.ts';
import type { Caller } from './management-object.ts';
import { replaceProperty } from './node-properties.ts';
import { metaOf } from './node-value.ts';
import { attempt, DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { nothing, retrieve, type Retrieval } from './retrieval.ts';
import type { Tree } from './tree.ts';
import { add, copy, exec, remove, replace } from './writes.ts';

/** Items of one Results at most. */
const MAX_PAGE_ITEMS = 32;
/** A Results is full before it outgrows a small message, so that a large value stands alone. */
const MAX_PAGE_BYTES = 4096;
/** About what the elements of an Item take. */
const ITEM_BYTES = 128;

/** The command during which an object threw what it should not have. */
export interface FailedCommand {
  readonly msgId: string;
  readonly cmdId: string;
  /** Element name. */
  readonly cmd: string;
}

export interface ExecutorOptions {
  /** Takes the error behind a Status 500, or behind a subtree that ended early. */
  readonly onError?: ((error: unknown, where: FailedCommand) => void) | undefined;
}

/**
 * Executes the commands of one message in their order. Yields a Status for each, nested ones included, and after the
 * Status of a Get its Results. A command runs when the Status before it has been pulled; giving up the iteration leaves
 * the rest undone. Never throws for what a command or an object does. [DMPROTO 8, REPPRO]
 *
 * Choice: Atomic is optional for a client; it is refused [406] and its children are not executed [215]. A user is never
 * asked [406]. Alerts of the session itself do not belong here and are refused likewise.
 */
export async function* executeCommands(
  tree: Tree,
  caller: Caller,
  msgId: string,
  commands: readonly RequestCommand[],
  { onError }: ExecutorOptions = {},
): AsyncGenerator<Answer> {
  for (const command of commands) {
    const execution: Execution = {
      tree,
      caller,
      report: (error) => onError?.(error, { msgId, cmdId: command.cmdId, cmd: commandName(command) }),
    };
    switch (command.kind) {
      case 'Add':
      case 'Replace':
      case 'Delete':
      case 'Copy':
      case 'Get':
      case 'Exec':
        yield* executeItems(execution, command);
        break;
      case 'Sequence':
        yield status(command, DONE);
        yield* executeCommands(tree, caller, msgId, command.commands, { onError });
        break;
      case 'Atomic':
        yield status(command, refused(STATUS.featureNotSupported));
        yield* notExecuted(command);
        break;
      case 'Alert':
      case 'Foreign':
        yield status(command, refused(STATUS.featureNotSupported));
        break;
    }
  }
}

/** All Items are executed before the Status that covers them; Results follow it, and subtrees are read as they are pulled. */
async function* executeItems(execution: Execution, command: ItemCommand | ExecCommand): AsyncGenerator<Answer> {
  const outcomes: Outcome[] = [];
  const found: Retrieval['items'][] = [];
  for (const item of command.items) {
    const outcome = await attempt(execution, async () => {
      const { outcome, items } = await executeItem(execution, command, item);
      found.push(items);
      return outcome;
    });
    outcomes.push(outcome);
  }
  yield* statuses(command, outcomes);
  for await (const items of pages(found)) yield { kind: 'Results', cmdRef: command.cmdId, items };
}

async function executeItem(execution: Execution, command: ItemCommand | ExecCommand, item: Item): Promise<Retrieval> {
  if (!item.target) return nothing(refused(STATUS.badRequest));
  const target = parseLocUri(item.target.locUri);
  const { path } = target;
  const meta = metaOf(item, command.meta);
  if (target.query && command.kind !== 'Get') return nothing(await writeQueried(execution, command, item, target));
  switch (command.kind) {
    case 'Get':
      return retrieve(execution, target);
    case 'Add':
      return nothing(await add(execution, path, meta, item.data));
    case 'Replace':
      return nothing(await replace(execution, path, meta, item.data));
    case 'Delete':
      return nothing(await remove(execution, path));
    case 'Exec':
      return nothing(await exec(execution, path, { item: { ...item, meta }, correlator: command.correlator }));
    case 'Copy': {
      if (!item.source) return nothing(refused(STATUS.badRequest));
      const source = parseLocUri(item.source.locUri);
      if (source.query) return nothing(refused(STATUS.commandNotAllowed));
      return nothing(await copy(execution, source.path, path));
    }
  }
}

/** Of what a query names, only properties can be written, and only by Replace. [TND 7.7] */
async function writeQueried(
  execution: Execution,
  command: ItemCommand | ExecCommand,
  { data }: Item,
  { path, query }: LocUri,
): Promise<Outcome> {
  if (command.kind === 'Replace' && query?.kind === 'prop') return replaceProperty(execution, path, query.name, data);
  return refused((await execution.tree.find(path)) ? STATUS.commandNotAllowed : STATUS.notFound);
}

async function* pages(found: readonly Retrieval['items'][]): AsyncGenerator<readonly Item[]> {
  let page: Item[] = [];
  let bytes = 0;
  for (const items of found) {
    for await (const item of items) {
      const itemBytes = ITEM_BYTES + Buffer.byteLength(item.data ?? '');
      if (page.length === MAX_PAGE_ITEMS || (page.length > 0 && bytes + itemBytes > MAX_PAGE_BYTES)) {
        yield page;
        page = [];
        bytes = 0;
      }
      page.push(item);
      bytes += itemBytes;
    }
  }
  if (page.length > 0) yield page;
}

function* notExecuted({ commands }: ContainerCommand): Generator<Answer> {
  for (const command of commands) {
    yield status(command, refused(STATUS.notExecuted));
    if (command.kind === 'Sequence' || command.kind === 'Atomic') yield* notExecuted(command);
  }
}

/** One Status when the Items ended alike and there is nothing to say of any, else one for each. [REPPRO 5] */
function* statuses(command: ItemCommand | ExecCommand, outcomes: readonly Outcome[]): Generator<Answer> {
  const [first = refused(STATUS.badRequest)] = outcomes;
  const isAlike = outcomes.every(({ code, items }) => code === first.code && items.length === 0);
  if (isAlike && outcomes.length !== 1) {
    yield status(command, first);
    return;
  }
  for (const [at, outcome] of outcomes.entries()) yield status(command, outcome, command.items[at]);
}

function status(command: RequestCommand, { code, items }: Outcome, of?: Item): Answer<StatusCommand> {
  return {
    kind: 'Status',
    cmdRef: command.cmdId,
    cmd: commandName(command),
    targetRefs: of?.target ? [of.target.locUri] : [],
    sourceRefs: of?.source ? [of.source.locUri] : [],
    code,
    items,
  };
}
