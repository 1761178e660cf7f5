import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { acceptedExecs } from './async-exec.ts';
import { canonicalAnswers, completed, decodeDeResult, encodeAnswers, missingStatus, statusOf } from './de-result.ts';
import { facetsOfAnswers } from './facets.ts';
import type { SettledOutcome } from './outcome.ts';
import type { Policy } from './policy.ts';
import type { Ending, EpochMs, Target, TargetMove } from './store.ts';

/** What decisions about the members of a run depend on. */
export interface RunTerms {
  readonly endsAt: EpochMs;
  readonly policy: Policy;
  readonly commands: readonly RequestCommand[];
  /** No member expires before; keeps those from expiring whose time passed while the process was down. */
  readonly expiresNotBefore: EpochMs;
}

/** What the ends of members depend on. */
type MemberTerms = Pick<RunTerms, 'commands' | 'policy'>;

/** When a waiting member is looked at next, and when it ends. */
type Schedule = Pick<Target, 'dueAt' | 'endsAt'>;

const SUCCESS_CODES: readonly number[] = [STATUS.ok, STATUS.itemAdded, STATUS.accepted, STATUS.okInheritedAcl];

/** What a device's own answer amounts to; `unknown` while a command has no Status. [FANOUT 5] */
export function outcomeOfAnswer(
  commands: readonly RequestCommand[],
  answers: readonly Answer[],
): 'succeeded' | 'failed' | 'unknown' {
  if (missingStatus(commands, answers).length > 0) return 'unknown';
  const isSuccess = answers.every((answer) => answer.kind === 'Results' || SUCCESS_CODES.includes(answer.code));
  return isSuccess ? 'succeeded' : 'failed';
}

/** How a member ends whose commands have left, with as much of the answer as came. [FANOUT 5] */
export function endAnswered(commands: readonly RequestCommand[], answers: readonly Answer[]): Ending {
  const outcome = outcomeOfAnswer(commands, answers);
  return endingOf(outcome, commands, completed(commands, answers, STATUS.gatewayTimeout));
}

/** How a member ends whose carrier cannot take one of its commands. [FANOUT 5] */
export function endTooLarge(commands: readonly RequestCommand[], tooLarge: RequestCommand): Ending {
  const refusal = statusOf(tooLarge, STATUS.tooLarge);
  return endingOf('failed', commands, completed(commands, [refusal], STATUS.notExecuted));
}

/** How a member ends that has answered, as the alerts of its device tell the end of its Execs; undefined: they never came. [FANOUT 5] */
export function endAwaited(
  commands: readonly RequestCommand[],
  answers: readonly Answer[],
  outcome: 'succeeded' | 'failed' | undefined,
): Ending {
  return endingOf(outcome ?? 'unknown', commands, answers);
}

/** Whether a member that would end like this is to wait for the end of its Execs instead. [FANOUT 5] */
export function isToAwait({ outcome, asyncExecs }: Ending, { awaitAsync }: Pick<Policy, 'awaitAsync'>): boolean {
  return awaitAsync && outcome === 'succeeded' && asyncExecs > 0;
}

/** How a member ends for which nothing more can come: the table of outcomes from its fifth row on. [FANOUT 5] */
export function endUnanswered(target: Target, { commands, policy }: MemberTerms): Ending {
  const { phase, sentAt, partial } = target;
  const answers = partial === undefined ? [] : decodeDeResult(partial);
  if (phase === 'awaiting') return endAwaited(commands, answers, undefined);
  if (phase === 'sent' || sentAt !== undefined) {
    const ending = endAnswered(commands, answers);
    return isToAwait(ending, policy) ? { ...ending, outcome: 'unknown' } : ending;
  }
  const { outcome, code } = neverSent(target);
  return endingOf(outcome, commands, completed(commands, [], code));
}

/** How a member without commands on the way ends when its run is cancelled. [FANOUT 5] */
export function endCancelled(target: Target, run: MemberTerms): Ending {
  if (target.sentAt !== undefined) return endUnanswered(target, run);
  return endingOf('cancelled', run.commands, completed(run.commands, [], STATUS.notExecuted));
}

function endingOf(outcome: SettledOutcome, commands: readonly RequestCommand[], given: readonly Answer[]): Ending {
  const answers = canonicalAnswers(commands, given);
  return {
    outcome,
    deResult: encodeAnswers(answers),
    facets: facetsOfAnswers(answers),
    asyncExecs: acceptedExecs(commands, answers).length,
  };
}

function neverSent(target: Target): { outcome: SettledOutcome; code: number } {
  const { deviceKey, lastContact, notifiable, attempts, refusedAttempts } = target;
  if (lastContact === 'unauthorized') return { outcome: 'unauthorized', code: STATUS.invalidCredentials };
  const everyOneRefused = notifiable && attempts > 0 && refusedAttempts >= attempts;
  if (deviceKey === undefined || everyOneRefused) return { outcome: 'unreachable', code: STATUS.serviceUnavailable };
  return { outcome: 'timed-out', code: STATUS.requestTimeout };
}

/** Whether a time of the wall clock has come; one that is not set never does. */
export function hasCome(time: EpochMs | undefined, wallNow: EpochMs): boolean {
  return time !== undefined && wallNow >= time;
}

/** Whether the member's time is over. */
export function hasEnded(target: Target, run: RunTerms, now: EpochMs): boolean {
  return now >= Math.max(target.endsAt, run.expiresNotBefore);
}

/** When the member's time is over if its first turn is `firstTurnAt`: its own deadline or the run's. [FANOUT 7] */
export function deadlineAt(firstTurnAt: EpochMs, { endsAt, policy, expiresNotBefore }: RunTerms): EpochMs {
  return Math.max(Math.min(firstTurnAt + policy.deviceDeadlineMs, endsAt), expiresNotBefore);
}

/**
 * When a member that has had `attempts` turns gets the next one: after a wait that doubles, plus up to a quarter. With
 * no attempt left it waits for its deadline, as a polling device does; with `skip` its time ends with the wait.
 * [FANOUT 7]
 */
export function scheduleAfter(
  attempts: number,
  target: Pick<Target, 'notifiable' | 'firstTurnAt'>,
  run: RunTerms,
  now: EpochMs,
  jitter: number,
): Schedule {
  const { policy, expiresNotBefore } = run;
  const deadline = deadlineAt(target.firstTurnAt ?? now, run);
  const isLast = attempts >= policy.attempts;
  if (!target.notifiable || (isLast && policy.offline === 'wait')) return { dueAt: deadline, endsAt: deadline };
  const waitMs = policy.backoffMs * 2 ** Math.max(0, attempts - 1) * (1 + jitter / 4);
  const dueAt = Math.min(Math.round(now + waitMs), deadline);
  return { dueAt, endsAt: isLast ? Math.max(dueAt, expiresNotBefore) : deadline };
}

/** Decides about a target that is due or has come to its end; `jitter` in [0, 1). [FANOUT 5, 7] */
export function decideDue(target: Target, run: RunTerms, now: EpochMs, jitter: number): TargetMove {
  if (target.deviceKey === undefined || hasEnded(target, run, now)) {
    return { kind: 'settle', ...endUnanswered(target, run) };
  }
  const endsAt = Math.max(target.endsAt, run.expiresNotBefore);
  const maxTurns = target.notifiable ? run.policy.attempts : 1;
  if (target.phase !== 'waiting' || target.attempts >= maxTurns) return { kind: 'wait', dueAt: endsAt, endsAt };
  return { kind: 'turn', ...scheduleAfter(target.attempts + 1, target, run, now, jitter) };
}
