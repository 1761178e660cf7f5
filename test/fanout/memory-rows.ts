import { countsFrom, type Outcome, OUTCOMES } from '../../src/fanout/outcome.ts';
import type { AsyncAnswer, EpochMs, Facet, Member, NewRun, Run, Target } from '../../src/fanout/store.ts';

/** A device of a group. */
export interface MemberDevice {
  readonly deviceId: string;
  readonly deviceKey: number | undefined;
  readonly notifiable: boolean;
}

/** A member of a run with all that is kept of it. */
export interface TargetRow {
  target: Target;
  outcome: Outcome;
  deResult: string | undefined;
  facets: readonly Facet[];
  answeredAt: EpochMs | undefined;
  late: boolean;
  asyncExecs: number;
  asyncAnswers: readonly AsyncAnswer[];
}

/** A member at the start of its run. */
export function newRow(
  { deviceId, deviceKey, notifiable }: MemberDevice,
  order: Pick<NewRun, 'startedAt' | 'endsAt'>,
  run: number,
  n: number,
  released: number,
): TargetRow {
  return {
    target: {
      run,
      n,
      deviceId,
      deviceKey,
      notifiable,
      phase: n <= released ? 'waiting' : 'held',
      attempts: 0,
      refusedAttempts: 0,
      lastContact: 'none',
      dueAt: order.startedAt,
      endsAt: order.endsAt,
      firstTurnAt: undefined,
      sentAt: undefined,
      partial: undefined,
    },
    outcome: 'pending',
    deResult: undefined,
    facets: [],
    answeredAt: undefined,
    late: false,
    asyncExecs: 0,
    asyncAnswers: [],
  };
}

/** As it is shown. */
export function memberOf({ target, outcome, deResult, answeredAt, late, asyncAnswers }: TargetRow): Member {
  const { n, deviceId, attempts, firstTurnAt } = target;
  return { n, deviceId, outcome, deResult, attempts, startedAt: firstTurnAt, answeredAt, late, asyncAnswers };
}

/** Execs whose end is to come. */
export function asyncLeft({ asyncExecs, asyncAnswers }: TargetRow): number {
  return Math.max(0, asyncExecs - asyncAnswers.length);
}

/** Counts at the start of a run. */
export function noneSettled(targets: number): Run['counts'] {
  const none = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  return countsFrom({ ...none, pending: targets });
}

/** Counts after one member went from an outcome to another. */
export function movedCounts(counts: Run['counts'], from: Outcome, to: Outcome): Run['counts'] {
  const left = { ...counts, [from]: counts[from] - 1 };
  return { ...left, [to]: left[to] + 1 };
}
