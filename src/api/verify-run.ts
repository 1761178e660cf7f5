import type { Cluster, FanOutStore, Member, Run } from '../fanout/store.ts';
import { type Difference, Verification } from '../fanout/verification.ts';
import { DmError } from '../protocol/errors.ts';
import { pagesOf } from '../store/pages.ts';
import { notFound } from './problem.ts';

/** Members that are read in one go: each DeResult is decoded. */
const PAGE = 200;
/** Readings of a run that changes meanwhile. */
const MAX_READINGS = 3;
const CLUSTER_KINDS = ['answer', 'status', 'value'] as const satisfies readonly Cluster['kind'][];

type VerifiedReads = Pick<FanOutStore, 'run' | 'members' | 'clusters' | 'alertsOfRun'>;

/**
 * Recomputes what is kept of a run from its members, read in pages. Throws `DmError` API_NOT_FOUND, and API_RUN_MOVES
 * when answers come faster than the run can be read.
 */
export async function verifyRun(
  fanOut: VerifiedReads,
  number: number,
): Promise<{ readonly members: number; readonly differences: readonly Difference[] }> {
  for (let reading = 0; reading < MAX_READINGS; reading += 1) {
    const before = await runOf(fanOut, number);
    const verification = new Verification();
    const members = pagesOf(PAGE, (last: Member | undefined) => fanOut.members(number, last?.n ?? 0, PAGE));
    for await (const member of members) verification.add(member);
    const clusters = await Promise.all(
      CLUSTER_KINDS.map((kind) => fanOut.clusters(number, kind, Number.MAX_SAFE_INTEGER)),
    );
    const alerts = (await fanOut.alertsOfRun(number)).toSorted((a, b) => a.id - b.id);
    const run = await runOf(fanOut, number);
    if (stampOf(before) !== stampOf(run)) continue;
    return {
      members: verification.members,
      differences: verification.differences({ run, clusters: clusters.flat(), alerts }),
    };
  }
  throw new DmError('API_RUN_MOVES', `run ${number} changes while it is read; try again when it has ended`);
}

async function runOf(fanOut: VerifiedReads, number: number): Promise<Run> {
  const run = await fanOut.run(number);
  if (!run) throw notFound(`run ${number}`);
  return run;
}

/** Changes with every change of the aggregate. */
function stampOf({ state, generation, counts, digest, lastAnswerAt }: Run): string {
  return JSON.stringify([state, generation, counts, digest, lastAnswerAt]);
}
