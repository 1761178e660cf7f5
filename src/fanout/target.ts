import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { completed, decodeDeResult, encodeDeResult, missingStatus, statusOf } from './de-result.ts';
import type { SettledOutcome } from './outcome.ts';
import type { Policy } from './policy.ts';
import type { EpochMs, Target, TargetMove } from './store.ts';

/** What decisions about the members of a run depend on. */
export interface RunTerms {
  readonly startedAt: EpochMs;
  readonly policy: Policy;
  readonly commands: readonly RequestCommand[];
  /** No member expires before; keeps those from expiring whose time passed while the process was down. */
  readonly expiresNotBefore: EpochMs;
}

/** When a waiting member is looked at next, and when it ends. */
type Schedule = Pick<Target, 'dueAt' | 'endsAt'>;

/** An outcome with the answer that shows it. */
export interface Ending {
  readonly outcome: SettledOutcome;
  readonly deResult: string;
}

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
  return {
    outcome: outcomeOfAnswer(commands, answers),
    deResult: encodeDeResult(commands, completed(commands, answers, STATUS.gatewayTimeout)),
  };
}

/** How a member ends whose carrier cannot take one of its commands. [FANOUT 5] */
export function endTooLarge(commands: readonly RequestCommand[], tooLarge: RequestCommand): Ending {
  const refusal = statusOf(tooLarge, STATUS.tooLarge);
  return { outcome: 'failed', deResult: encodeDeResult(commands, completed(commands, [refusal], STATUS.notExecuted)) };
}

/** How a member ends for which nothing more can come: the table of outcomes from its fifth row on. [FANOUT 5] */
export function endUnanswered(target: Target, commands: readonly RequestCommand[]): Ending {
  if (target.phase === 'sent' || target.sentAt !== undefined) {
    return endAnswered(commands, target.partial === undefined ? [] : decodeDeResult(target.partial));
  }
  const { outcome, code } = neverSent(target);
  return { outcome, deResult: encodeDeResult(commands, completed(commands, [], code)) };
}

function neverSent(target: Target): { outcome: SettledOutcome; code: number } {
  const { deviceKey, lastContact, notifiable, attempts, refusedAttempts } = target;
  if (lastContact === 'unauthorized') return { outcome: 'unauthorized', code: STATUS.invalidCredentials };
  const everyOneRefused = notifiable && attempts > 0 && refusedAttempts >= attempts;
  if (deviceKey === undefined || everyOneRefused) return { outcome: 'unreachable', code: STATUS.serviceUnavailable };
  return { outcome: 'timed-out', code: STATUS.requestTimeout };
}

/** Whether the member's time is over. */
export function hasEnded(target: Target, run: RunTerms, now: EpochMs): boolean {
  return now >= Math.max(target.endsAt, run.expiresNotBefore);
}

/** When the member's time is over if its first turn is `firstTurnAt`: its own deadline or the run's. [FANOUT 7] */
export function deadlineAt(firstTurnAt: EpochMs, { startedAt, policy, expiresNotBefore }: RunTerms): EpochMs {
  const deadline = Math.min(firstTurnAt + policy.deviceDeadlineMs, startedAt + policy.runDeadlineMs);
  return Math.max(deadline, expiresNotBefore);
}

/**
 * When a member that has had `attempts` turns gets the next one: after a wait that doubles, plus up to a quarter.
 * With no attempt left its time ends with the wait; a polling device waits for its deadline. [FANOUT 7]
 */
export function scheduleAfter(
  attempts: number,
  target: Pick<Target, 'notifiable' | 'firstTurnAt'>,
  run: RunTerms,
  now: EpochMs,
  jitter: number,
): Schedule {
  const deadline = deadlineAt(target.firstTurnAt ?? now, run);
  if (!target.notifiable) return { dueAt: deadline, endsAt: deadline };
  const waitMs = run.policy.backoffMs * 2 ** Math.max(0, attempts - 1) * (1 + jitter / 4);
  const dueAt = Math.min(Math.round(now + waitMs), deadline);
  return { dueAt, endsAt: attempts < run.policy.attempts ? deadline : Math.max(dueAt, run.expiresNotBefore) };
}

/** Decides about a target that is due or has come to its end; `jitter` in [0, 1). [FANOUT 5, 7] */
export function decideDue(target: Target, run: RunTerms, now: EpochMs, jitter: number): TargetMove {
  if (target.deviceKey === undefined || hasEnded(target, run, now)) {
    return { kind: 'settle', ...endUnanswered(target, run.commands) };
  }
  const endsAt = Math.max(target.endsAt, run.expiresNotBefore);
  const maxTurns = target.notifiable ? run.policy.attempts : 1;
  if (target.phase === 'sent' || target.attempts >= maxTurns) return { kind: 'wait', dueAt: endsAt, endsAt };
  return { kind: 'turn', ...scheduleAfter(target.attempts + 1, target, run, now, jitter) };
}
