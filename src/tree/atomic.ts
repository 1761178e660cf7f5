import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type {
  AlertCommand,
  Answer,
  ContainerCommand,
  ItemCommand,
  RequestCommand,
} from '../protocol/message/message.ts';
import { executeItem, isContainer, notExecuted, status, statuses } from './item-commands.ts';
import { parseLocUri } from './loc-uri.ts';
import { attempt, DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { canTakeBack, Stage } from './stage.ts';
import type { Tree } from './tree.ts';
import { executeAlert, type UserInteraction } from './user-interaction.ts';

/** A command that may stand in an Atomic. [REPPRO 6.6.3] */
type AtomicChild = AlertCommand | ItemCommand;

/** A command of an Atomic and how its Items ended; an Alert ends as a whole. */
interface Executed {
  readonly command: AtomicChild;
  readonly outcomes: Outcome[];
}

/**
 * Executes the children of an Atomic all or not at all, before the first Status is yielded: that of the Atomic. A child
 * that fails has its own code, the Atomic 507; what was executed is taken back [216, or 516 where that failed], the rest
 * is not executed [215]. [REPPRO 6.6.3]
 *
 * Choice: a child that has no place here, Exec and Sequence included, fails [500] before anything is touched, and so does
 * the whole [406] when a child writes what cannot be taken back.
 */
export async function* executeAtomic(
  atomic: ContainerCommand,
  executionOf: (command: RequestCommand) => Execution,
  user: UserInteraction | undefined,
): AsyncGenerator<Answer> {
  const children = atomic.commands.filter(isChild);
  if (children.length < atomic.commands.length) {
    yield status(atomic, refused(STATUS.atomicFailed));
    for (const command of atomic.commands) yield* misplaced(command);
    return;
  }
  const execution = executionOf(atomic);
  if (!children.every((child) => canBeTakenBack(execution.tree, child))) {
    yield status(atomic, refused(STATUS.featureNotSupported));
    yield* notExecuted(children);
    return;
  }
  const { outcome, executed } = await executeAll(children, execution, executionOf, user);
  yield status(atomic, outcome);
  for (const { command, outcomes } of executed) {
    if (command.kind === 'Alert') yield status(command, outcomes[0] ?? refused(STATUS.notExecuted));
    else yield* statuses(command, outcomes);
  }
}

async function executeAll(
  children: readonly AtomicChild[],
  execution: Execution,
  executionOf: (command: RequestCommand) => Execution,
  user: UserInteraction | undefined,
): Promise<{ readonly outcome: Outcome; readonly executed: readonly Executed[] }> {
  const stage = new Stage(execution.tree);
  const executed: Executed[] = [];
  let isFailed = false;
  for (const command of children) {
    const inside = { ...executionOf(command), tree: stage.tree, stage };
    const steps = stepsOf(command, inside, user);
    const outcomes: Outcome[] = [];
    for (const step of steps) {
      const outcome: Outcome = isFailed ? refused(STATUS.notExecuted) : await attempt(inside, step);
      isFailed ||= outcome.code !== STATUS.ok;
      outcomes.push(outcome);
    }
    executed.push({ command, outcomes });
  }
  const committed = isFailed ? undefined : await attempt(execution, () => stage.commit().then(() => DONE));
  if (committed?.code === STATUS.ok) return { outcome: DONE, executed };
  const failures = await stage.rollBack();
  for (const failure of failures) execution.report(failure);
  const takenBack = refused(failures.length === 0 ? STATUS.rolledBack : STATUS.rollBackFailed);
  for (const { outcomes } of executed) {
    for (const [at, { code }] of outcomes.entries()) if (code === STATUS.ok) outcomes[at] = takenBack;
  }
  return { outcome: refused(STATUS.atomicFailed), executed };
}

/** What a child does, Item by Item. */
function stepsOf(
  command: AtomicChild,
  execution: Execution,
  user: UserInteraction | undefined,
): readonly (() => Promise<Outcome>)[] {
  if (command.kind === 'Alert') return [() => executeAlert(user, command)];
  if (command.items.length === 0) return [() => Promise.resolve(refused(STATUS.badRequest))];
  return command.items.map((item) => async () => (await executeItem(execution, command, item)).outcome);
}

function isChild(command: RequestCommand): command is AtomicChild {
  switch (command.kind) {
    case 'Add':
    case 'Alert':
    case 'Copy':
    case 'Delete':
    case 'Replace':
      return true;
    case 'Atomic':
    case 'Exec':
    case 'Foreign':
    case 'Get':
    case 'Sequence':
      return false;
  }
}

function* misplaced(command: RequestCommand): Generator<Answer> {
  if (isChild(command)) yield* notExecuted([command]);
  else {
    yield status(command, refused(command.kind === 'Foreign' ? STATUS.featureNotSupported : STATUS.commandFailed));
    if (isContainer(command)) yield* notExecuted(command.commands);
  }
}

/** A LocURI that cannot be read fails when it is its turn. ACL and Title wait for the commit, so they need not be taken back. */
function canBeTakenBack(tree: Tree, command: AtomicChild): boolean {
  if (command.kind === 'Alert') return true;
  return command.items.every(({ target }) => {
    try {
      const { path, query } = parseLocUri(target?.locUri ?? '', tree.uriLimits);
      const isStaged = query?.kind === 'prop' && (query.name === 'ACL' || query.name === 'Title');
      return isStaged || canTakeBack(tree, path);
    } catch (error) {
      if (error instanceof StatusError) return true;
      throw error;
    }
  });
}
