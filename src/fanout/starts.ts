import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import { commandsToSyncBody } from './commands.ts';
import type { EngineOptions, RetryRequest, StartRequest } from './engine.ts';
import { applyPolicy, type Policy } from './policy.ts';
import { startTerms } from './start-terms.ts';
import type { NewRun, Run } from './store.ts';
import { hasCome } from './target.ts';

/** A run that a start made, or that was asked for before. */
interface StartedRun {
  readonly run: Run;
  readonly isNew: boolean;
}

/** An order without what follows from its policy and the time. */
type Order = Omit<NewRun, 'startedAt' | 'endsAt' | 'state'>;

/** Starts of runs; both throw `StatusError` as the engine's methods say. [FANOUT 4] */
export function createStarts({
  store,
  clock,
  maxActiveRuns,
}: Pick<EngineOptions, 'store' | 'clock' | 'maxActiveRuns'>): {
  start(request: StartRequest): Promise<StartedRun>;
  retry(request: RetryRequest): Promise<StartedRun>;
} {
  async function create(order: Order): Promise<StartedRun> {
    const { policy } = order;
    const startedAt = clock.now();
    const wallNow = clock.wallNow();
    const { notBefore = wallNow } = policy;
    const isToCome = !hasCome(notBefore, wallNow);
    const isOver = hasCome(policy.notAfter, wallNow);
    const run: NewRun = {
      ...order,
      startedAt,
      endsAt: startedAt + Math.max(0, notBefore - wallNow) + policy.runDeadlineMs,
      state: isToCome ? 'scheduled' : 'running',
    };
    // A run whose time is over finds no room; one that was asked for before is answered all the same.
    const started = await store.createRun(run, startTerms(run, isOver ? 0 : maxActiveRuns));
    switch (started.kind) {
      case 'created':
      case 'existing':
        return { run: started.run, isNew: started.kind === 'created' };
      case 'key-conflict':
        throw new StatusError(
          STATUS.conflict,
          'FANOUT_KEY_CONFLICT',
          `the idempotency key ${order.idempotencyKey} was used for another order`,
        );
      case 'no-group':
        throw new StatusError(STATUS.notFound, 'FANOUT_NO_GROUP', `there is no group ${order.group}`);
      case 'empty-group':
        throw new StatusError(STATUS.incompleteCommand, 'FANOUT_EMPTY_GROUP', nobodyIn(order));
      case 'too-many-active':
        throw isOver ? tooLate(policy) : tooMany(maxActiveRuns);
      case 'no-run':
        throw noRun(order.retryOf?.run);
      case 'run-active':
        throw new StatusError(
          STATUS.commandNotAllowed,
          'FANOUT_RUN_STATE',
          `run ${order.retryOf?.run} is active; only a run that has ended can be retried`,
        );
    }
  }

  return {
    start({ commands, ...request }) {
      if (commands.length === 0) {
        throw new StatusError(STATUS.incompleteCommand, 'FANOUT_NO_COMMANDS', 'there are no commands');
      }
      return create({ ...request, commands: commandsToSyncBody(commands), retryOf: undefined });
    },

    async retry({ run: number, outcomes, policy, ...request }) {
      const earlier = await store.run(number);
      if (!earlier) throw noRun(number);
      const { fanOutRoot, group, commands } = earlier;
      return create({
        ...request,
        fanOutRoot,
        group,
        commands,
        retryOf: { run: number, outcomes },
        policy: applyPolicy({ ...earlier.policy, notBefore: undefined, notAfter: undefined }, policy),
      });
    },
  };
}

function nobodyIn({ group, retryOf }: Order): string {
  if (!retryOf) return `group ${group} has no members`;
  return `no member of run ${retryOf.run} ended as ${retryOf.outcomes.join(' or ')}`;
}

function noRun(number: number | undefined): StatusError {
  return new StatusError(STATUS.notFound, 'FANOUT_NO_RUN', `there is no run ${number}`);
}

function tooMany(maxActiveRuns: number): StatusError {
  return new StatusError(
    STATUS.forbidden,
    'FANOUT_TOO_MANY_RUNS',
    `${maxActiveRuns} runs are active, and no more may be`,
  );
}

function tooLate({ notAfter = 0 }: Policy): StatusError {
  const time = new Date(notAfter).toISOString();
  return new StatusError(STATUS.badRequest, 'FANOUT_POLICY', `NotAfter is ${time}; allowed is a time to come`);
}
