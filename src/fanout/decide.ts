import type { EpochMs, Target, TargetMove } from './store.ts';
import { decideDue, endCancelled, endUnanswered, type RunTerms } from './target.ts';

/** What the moves of members depend on, besides themselves. */
interface DecisionTerms {
  /** `due`: as their time has come. `cancelled`, `unanswered`: each ends like this. */
  readonly kind: 'due' | 'cancelled' | 'unanswered';
  readonly now: EpochMs;
  /** The rest of `RunTerms` is written down with the run. */
  readonly expiresNotBefore: RunTerms['expiresNotBefore'];
}

/** Decides about members; where the store is not in this thread, `terms` go there, and the decision is made there. */
export interface Decide {
  (target: Target): TargetMove;
  readonly terms?: DecisionTerms;
}

/** Decides about members of a run as `terms` say; `random` in [0, 1). */
export function decideBy(
  terms: DecisionTerms,
  stored: Omit<RunTerms, 'expiresNotBefore'>,
  random: () => number,
): Decide {
  const { kind, now, expiresNotBefore } = terms;
  const { endsAt, policy, commands } = stored;
  const run: RunTerms = { endsAt, policy, commands, expiresNotBefore };
  function decide(target: Target): TargetMove {
    switch (kind) {
      case 'due':
        return decideDue(target, run, now, random());
      case 'cancelled':
        return { kind: 'settle', ...endCancelled(target, run) };
      case 'unanswered':
        return { kind: 'settle', ...endUnanswered(target, run) };
    }
  }
  return Object.assign(decide, { terms });
}
