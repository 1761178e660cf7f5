import type { NewRun, StartTerms } from './store.ts';
import { releasedBy } from './waves.ts';

/** How the members of a run begin, and when its first alert goes out. */
export function startTerms({ policy, state }: Pick<NewRun, 'policy' | 'state'>, maxActiveRuns: number): StartTerms {
  const { waves, quorum } = policy;
  return {
    maxActiveRuns,
    firstWave: (targets) => (state === 'scheduled' ? 0 : releasedBy(waves, 0, 0, targets)),
    quorum(targets) {
      const settled = Math.ceil((targets * quorum) / 100);
      return settled === 0 || settled >= targets ? undefined : settled;
    },
  };
}
