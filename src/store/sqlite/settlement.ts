import { moveDigest } from '../../fanout/digest.ts';
import { facetsOf } from '../../fanout/facets.ts';
import { SETTLED_OUTCOMES } from '../../fanout/outcome.ts';
import type { Ending, EpochMs, Settlement, Target } from '../../fanout/store.ts';
import { createAnnouncement } from './alerts.ts';
import { createClusterMoves } from './clusters.ts';
import type { Database } from './database.ts';
import { createRunProgresses, type RunProgress } from './run-progress.ts';
import { runByNumber } from './run-rows.ts';

/**
 * What ends a member: its own `answer`, which may come late; a `claim`, which has read the member in the transaction; or
 * that nothing is to be sent to it, which ends only an `unsent` one.
 */
type EndedBy = 'answer' | 'claim' | 'unsent';

/** Settles a member, unless what ends it does not suit where it stands. */
export type Settle = (target: Pick<Target, 'run' | 'n'>, ending: Ending, now: EpochMs, by: EndedBy) => Settlement;

interface LateMember {
  readonly device_id: string;
  readonly answer_id: number | null;
  readonly de_result: string | null;
}

const NOT_APPLIED: Settlement = { applied: false, completed: undefined, alerted: undefined };

/**
 * Settles members: answer, counts, clusters, digest, and what there is to be told of the run. To be called inside a
 * transaction. [FANOUT 5, 6]
 */
export function createSettlement(database: Database): Settle {
  const runOf = runByNumber(database);
  const announce = createAnnouncement(database);
  const clusters = createClusterMoves(database);
  const progresses = createRunProgresses(database);
  const settlePending = (condition: string) =>
    database.query<Pick<LateMember, 'device_id'>>(`${settleSql(condition, 0)} RETURNING device_id`);
  const settleOpen = settlePending(`outcome = 'pending'`);
  const settleUnsent = settlePending(`outcome = 'pending' AND phase IN ('held', 'waiting')`);
  const settleLate = database.command(settleSql(`outcome = 'unknown' AND late = 0`, 1));
  const lateMember = database.query<LateMember>(
    `SELECT device_id, answer_id, coalesce(text.de_result, answer.de_result) AS de_result FROM target
     LEFT JOIN answer_text AS text ON text.id = target.answer_id
     LEFT JOIN answer ON answer.run = target.run AND answer.n = target.n
     WHERE target.run = ? AND target.n = ? AND outcome = 'unknown' AND late = 0`,
  );
  const removePart = database.command(`DELETE FROM answer WHERE run = ? AND n = ?`);
  const complete = database.command(
    `UPDATE run_progress SET state = iif(state = 'cancelling', 'cancelled', 'complete'), pause_cause = NULL,
       ended_at = ?, generation = max(generation, 1)
     WHERE run = ?`,
  );
  const beginGeneration = database.command(`UPDATE run_progress SET generation = 1 WHERE run = ?`);

  /** Ends the run with its last member, and tells its server what there is to be told. */
  function conclude(number: number, progress: RunProgress, isLate: boolean, now: EpochMs): Settlement {
    const { counts, generation, state, endedAt, quorumAt } = progress;
    const isLast = endedAt === null && counts.pending === 0;
    const isQuorum = quorumAt !== null && generation === 0 && state !== 'cancelling' && settledIn(counts) >= quorumAt;
    if (!isLast && !isQuorum && (!isLate || generation === 0)) return { ...NOT_APPLIED, applied: true };
    database.flush();
    if (isLast) complete(now, number);
    else if (isQuorum) beginGeneration(number);
    const run = runOf(number);
    if (!run) throw new TypeError(`run ${number} is missing`);
    const alerted = announce(run, isLast || isQuorum || run.policy.lateAlert, now);
    return { applied: true, completed: isLast ? run : undefined, alerted };
  }

  /** Moves the facets; answers the digest of the run with this pair, in the place of `replaced`. */
  function moveFacets(
    run: number,
    { n, deviceId }: Pick<Target, 'n' | 'deviceId'>,
    { deResult, facets }: Ending,
    before: string | null,
    replaced: string | undefined,
  ): string | null {
    if (before === null) return null;
    clusters.putFacets(run, facets);
    const digest = moveDigest(before, { n, deviceId, deResult }, 'in');
    if (replaced === undefined) return digest;
    clusters.takeFacets(run, facetsOf(replaced));
    return moveDigest(digest, { n, deviceId, deResult: replaced }, 'out');
  }

  return ({ run, n }, ending, now, by) => {
    const before = progresses.of(run);
    if (!before) return NOT_APPLIED;
    const answerId = clusters.putAnswer(run, ending.deResult);
    const answeredAt = by === 'answer' ? now : undefined;
    const values = [ending.outcome, answeredAt ?? null, answerId, ending.asyncExecs, run, n] as const;
    const pending = (by === 'unsent' ? settleUnsent : settleOpen).first(...values);
    const late = pending || by !== 'answer' ? undefined : lateMember.first(run, n);
    const member = pending ?? late;
    if (!member) {
      clusters.takeAnswer(answerId);
      return NOT_APPLIED;
    }
    if (late) settleLate(...values);
    if (typeof late?.answer_id === 'number') clusters.takeAnswer(late.answer_id);
    removePart(run, n);
    const pair = { n, deviceId: member.device_id };
    const digest = moveFacets(run, pair, ending, before.digest, late?.de_result ?? undefined);
    const from = late ? 'unknown' : 'pending';
    const progress = progresses.move(run, { from, to: ending.outcome, digest, answeredAt });
    return conclude(run, progress, late !== undefined, now);
  };
}

function settleSql(condition: string, late: 0 | 1): string {
  return `UPDATE target SET phase = 'settled', outcome = ?, answered_at = ?, late = ${late}, answer_id = ?,
      async_open = max(0, ? - async_kept)
    WHERE run = ? AND n = ? AND ${condition}`;
}

function settledIn(counts: RunProgress['counts']): number {
  return SETTLED_OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0);
}
