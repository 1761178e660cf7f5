import { STATUS } from '../protocol/message/codes.ts';
import {
  type Answer,
  commandName,
  type Data,
  type ExecCommand,
  type Item,
  type ItemCommand,
  type RequestCommand,
} from '../protocol/message/message.ts';
import { executeAtomic } from './atomic.ts';
import { itemsTogether } from './bulk.ts';
import { executeItem, notExecuted, status, statuses } from './item-commands.ts';
import type { Caller } from './management-object.ts';
import { attempt, DONE, type Execution, type Outcome, refused } from './outcome.ts';
import type { Retrieval } from './retrieval.ts';
import type { Tree } from './tree.ts';
import { executeAlert, isEndedByUser, type UserInteraction } from './user-interaction.ts';

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
  /** Takes the error behind a Status 500 or 510, or behind a subtree that ended early. */
  readonly onError?: ((error: unknown, where: FailedCommand) => void) | undefined;
  /** Who answers alerts 1100 to 1104; without one they are refused [406]. */
  readonly user?: UserInteraction | undefined;
  /** Whether the server takes a value that large; one that it does not take is answered with 413. Default: any. */
  readonly fits?: ((data: Data) => boolean) | undefined;
  /** Lets others have their turn; called between the Items of a command and between pages of Results, which can be many. */
  readonly breathe?: (() => Promise<void>) | undefined;
}

/** What the commands of a message share. */
interface Context extends ExecutorOptions {
  executionOf(command: RequestCommand): Execution;
}

/**
 * Executes the commands of one message in their order. Yields a Status for each, nested ones included, and after the
 * Status of a Get its Results. A command runs when the Status before it has been pulled; giving up the iteration leaves
 * the rest undone. An Atomic has run as a whole when its first Status comes. Never throws for what a command or an object
 * does. [DMPROTO 8, REPPRO]
 *
 * Choice: alerts of the session itself do not belong here and are refused [406].
 */
export async function* executeCommands(
  tree: Tree,
  caller: Caller,
  msgId: string,
  commands: readonly RequestCommand[],
  options: ExecutorOptions = {},
): AsyncGenerator<Answer> {
  const context: Context = {
    ...options,
    executionOf: (command) => ({
      tree,
      caller,
      fits: options.fits,
      report: (error) => options.onError?.(error, { msgId, cmdId: command.cmdId, cmd: commandName(command) }),
    }),
  };
  for (const command of commands) yield* execute(context, command);
}

/** Answers whether the user ended it. */
async function* execute(context: Context, command: RequestCommand): AsyncGenerator<Answer, boolean> {
  switch (command.kind) {
    case 'Add':
    case 'Replace':
    case 'Delete':
    case 'Copy':
    case 'Get':
    case 'Exec':
      yield* executeItems(context, command);
      return false;
    case 'Sequence':
      yield status(command, DONE);
      return yield* executeSequence(context, command.commands);
    case 'Atomic':
      yield* executeAtomic(command, (child) => context.executionOf(child), context.user);
      return false;
    case 'Alert': {
      const outcome = await attempt(context.executionOf(command), () => executeAlert(context.user, command));
      yield status(command, outcome);
      return isEndedByUser(outcome);
    }
    case 'Foreign':
      yield status(command, refused(STATUS.featureNotSupported));
      return false;
  }
}

/**
 * One after the other, past failures, until the user ends it. [REPPRO 6.6.14]
 *
 * Choice: what the user ends inside a Sequence ends the Sequence around it too.
 */
async function* executeSequence(
  context: Context,
  commands: readonly RequestCommand[],
): AsyncGenerator<Answer, boolean> {
  for (const [at, command] of commands.entries()) {
    if (yield* execute(context, command)) {
      yield* notExecuted(commands.slice(at + 1));
      return true;
    }
  }
  return false;
}

/** All Items are executed before the Status that covers them; Results follow it, and subtrees are read as they are pulled. */
async function* executeItems(context: Context, command: ItemCommand | ExecCommand): AsyncGenerator<Answer> {
  const execution = context.executionOf(command);
  const outcomes: Outcome[] = [];
  const found: Retrieval['items'][] = [];
  const executed = (item: Item): Promise<Outcome> =>
    attempt(execution, async () => {
      const { outcome, items } = await executeItem(execution, command, item);
      found.push(items);
      return outcome;
    });
  for await (const items of itemsTogether(execution.tree, command)) {
    outcomes.push(...(await Promise.all(items.map(executed))));
    await context.breathe?.();
  }
  yield* statuses(command, outcomes);
  for await (const items of pages(found)) {
    yield { kind: 'Results', cmdRef: command.cmdId, items };
    await context.breathe?.();
  }
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
