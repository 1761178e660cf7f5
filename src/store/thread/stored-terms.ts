import { commandsFromSyncBody } from '../../fanout/commands.ts';
import { type Decide, decideBy } from '../../fanout/decide.ts';
import { startTerms } from '../../fanout/start-terms.ts';
import type { Claim, ClaimLimits, EpochMs, FanOutStore, NewRun, Started } from '../../fanout/store.ts';
import type { RunTerms } from '../../fanout/target.ts';

/** What never changes of a run that members are decided by. */
type StoredTerms = Omit<RunTerms, 'expiresNotBefore'>;

/** Runs whose terms are kept; more are hardly ever active. */
const MAX_KEPT = 64;

/** The parts of the port that take functions, with data in their place. */
export interface DataPort {
  createRun(order: NewRun, maxActiveRuns: number): Promise<Started>;
  claimDue(run: number, now: EpochMs, limits: ClaimLimits, terms: NonNullable<Decide['terms']>): Promise<Claim>;
}

/** Decides by what is stored of the runs, as the engine would. Throws `TypeError` where there is no such run. */
export function dataPort(store: FanOutStore): DataPort {
  /** Oldest first. */
  const kept = new Map<number, Promise<StoredTerms>>();

  async function readTerms(number: number): Promise<StoredTerms> {
    const run = await store.run(number);
    if (!run) throw new TypeError(`run ${number} is missing`);
    return { endsAt: run.endsAt, policy: run.policy, commands: commandsFromSyncBody(run.commands) };
  }

  function termsOf(number: number): Promise<StoredTerms> {
    const known = kept.get(number);
    if (known) return known;
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size >= MAX_KEPT) kept.delete(oldest);
    const read = readTerms(number);
    kept.set(number, read);
    read.catch(() => kept.delete(number));
    return read;
  }

  return {
    createRun: (order, maxActiveRuns) => store.createRun(order, startTerms(order, maxActiveRuns)),
    claimDue: async (run, now, limits, terms) =>
      store.claimDue(run, now, limits, decideBy(terms, await termsOf(run), Math.random)),
  };
}
