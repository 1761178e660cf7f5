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
import { copy } from './copy.ts';
import { type LocUri, parseLocUri } from './loc-uri.ts';
import { replaceProperty } from './node-properties.ts';
import { isTnds, metaOf } from './node-value.ts';
import { type Execution, type Outcome, refused } from './outcome.ts';
import { nothing, retrieve, type Retrieval } from './retrieval.ts';
import { addTnds, replaceTnds } from './tnds-writes.ts';
import { add, exec, remove, replace } from './writes.ts';

/** Executes one Item of a command. Throws `StatusError` for what an object or a LocURI refuses. [REPPRO 6.6] */
export async function executeItem(
  execution: Execution,
  command: ItemCommand | ExecCommand,
  item: Item,
): Promise<Retrieval> {
  if (!item.target) return nothing(refused(STATUS.badRequest));
  const limits = execution.tree.uriLimits;
  const target = parseLocUri(item.target.locUri, limits);
  const { path } = target;
  const { data } = item;
  const meta = metaOf(item, command.meta);
  if (target.query && command.kind !== 'Get') return nothing(await writeQueried(execution, command, item, target));
  switch (command.kind) {
    case 'Get':
      return retrieve(execution, target);
    case 'Add':
      return nothing(await (isTnds(meta) ? addTnds(execution, path, meta, data) : add(execution, path, meta, data)));
    case 'Replace':
      return nothing(
        await (isTnds(meta) ? replaceTnds(execution, path, meta, data) : replace(execution, path, meta, data)),
      );
    case 'Delete':
      return nothing(await remove(execution, path));
    case 'Exec':
      return nothing(await exec(execution, path, { item: { ...item, meta }, correlator: command.correlator }));
    case 'Copy': {
      if (!item.source) return nothing(refused(STATUS.badRequest));
      const source = parseLocUri(item.source.locUri, limits);
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

/** One Status when the Items ended alike and there is nothing to say of any, else one for each. [REPPRO 5] */
export function* statuses(command: ItemCommand | ExecCommand, outcomes: readonly Outcome[]): Generator<Answer> {
  const [first = refused(STATUS.badRequest)] = outcomes;
  const isAlike = outcomes.every(({ code, items }) => code === first.code && items.length === 0);
  if (isAlike && outcomes.length !== 1) {
    yield status(command, first);
    return;
  }
  for (const [at, outcome] of outcomes.entries()) yield status(command, outcome, command.items[at]);
}

/** The Status of a command, or of one Item of it. [REPPRO 5] */
export function status(command: RequestCommand, { code, items }: Outcome, of?: Item): Answer<StatusCommand> {
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

/** The Status of commands that are not executed because of another one, nested ones included. [REPPRO 10] */
export function* notExecuted(commands: readonly RequestCommand[]): Generator<Answer> {
  for (const command of commands) {
    yield status(command, refused(STATUS.notExecuted));
    if (isContainer(command)) yield* notExecuted(command.commands);
  }
}

/** Whether it holds other commands. */
export function isContainer(command: RequestCommand): command is ContainerCommand {
  return command.kind === 'Sequence' || command.kind === 'Atomic';
}
