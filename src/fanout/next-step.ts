import type { ActiveRun } from './active-runs.ts';
import type { EpochMs, RunOutlook } from './store.ts';
import { hasCome } from './target.ts';

/** What is to be done for a run now. */
export type Step =
  /** No member is open. */
  | { readonly kind: 'over' }
  /** The time of members is over. */
  | { readonly kind: 'expire' }
  /** Members whose commands have not left get none any more. */
  | { readonly kind: 'settle-unsent' }
  /** NotBefore has come. */
  | { readonly kind: 'begin' }
  /** A wave has begun that holds members back. */
  | { readonly kind: 'release' }
  /** All members of the waves that have begun are settled. */
  | { readonly kind: 'next-wave' }
  | { readonly kind: 'give-turns'; readonly maxTurns: number }
  | { readonly kind: 'wait'; readonly until: EpochMs };

/** Decides what a run needs next. NotBefore and NotAfter are times of the wall clock, all others are not. [FANOUT 7] */
export function nextStep(run: ActiveRun, outlook: RunOutlook, now: EpochMs, wallNow: EpochMs): Step {
  const { dueAt = Infinity, endsAt, hasHeld, isUnderWay } = outlook;
  if (endsAt === undefined) return { kind: 'over' };
  const expiresAt = Math.max(endsAt, run.expiresNotBefore);
  if (expiresAt <= now) return { kind: 'expire' };
  const { state } = run.current;
  const { notBefore = wallNow, notAfter = Infinity } = run.policy;
  const hasUnsent = hasHeld || dueAt < Infinity;
  if (hasUnsent && (state === 'cancelling' || hasCome(notAfter, wallNow))) return { kind: 'settle-unsent' };
  const closesAt = hasUnsent ? now + notAfter - wallNow : Infinity;
  const waitFor = (until: EpochMs): Step => ({ kind: 'wait', until: Math.min(expiresAt, closesAt, until) });
  switch (state) {
    case 'scheduled':
      return hasCome(notBefore, wallNow) ? { kind: 'begin' } : waitFor(now + notBefore - wallNow);
    case 'paused':
    case 'cancelling':
      return waitFor(Infinity);
    case 'running': {
      if (hasHeld && run.mayHaveUnreleased) return { kind: 'release' };
      if (hasHeld && !isUnderWay) return { kind: 'next-wave' };
      const maxTurns = Math.min(run.window.free(now), run.startRate.available(now));
      if (maxTurns === 0) return waitFor(turnPossibleAt(run, now));
      return dueAt > now ? waitFor(dueAt) : { kind: 'give-turns', maxTurns };
    }
    case 'complete':
    case 'cancelled':
      return { kind: 'over' };
  }
}

/** When a full window or a spent rate lets the next turn through, if no session ends before. */
function turnPossibleAt({ window, startRate }: ActiveRun, now: EpochMs): EpochMs {
  if (window.free(now) > 0) return startRate.nextAt(now);
  return window.nextFreeAt() ?? Infinity;
}
