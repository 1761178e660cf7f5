import { moveDigest, type Pair } from '../../fanout/digest.ts';
import { facetsOf } from '../../fanout/facets.ts';
import { type Outcome, OUTCOMES } from '../../fanout/outcome.ts';
import type { Ending, EpochMs, Run, Settlement, Target } from '../../fanout/store.ts';
import { createAnnouncement } from './alerts.ts';
import { createClusterMoves } from './clusters.ts';
import type { Database } from './database.ts';
import { countColumn, runByNumber } from './run-rows.ts';

/** Settles a member; `answeredAt` is undefined when it was not its own answer that ended it. */
export type Settle = (
  target: Pick<Target, 'run' | 'n'>,
  ending: Ending,
  now: EpochMs,
  answeredAt: EpochMs | undefined,
) => Settlement;

interface MemberBefore {
  readonly device_id: string;
  readonly outcome: Outcome;
  readonly late: number;
  readonly answer_id: number | null;
  readonly digest: string | null;
}

interface Progress {
  readonly state: Run['state'];
  readonly generation: number;
  readonly ended_at: number | null;
  readonly pending: number;
  readonly settled: number;
  readonly quorum_at: number | null;
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
  const memberBefore = database.query<MemberBefore>(
    `SELECT device_id, outcome, late, answer_id, digest
     FROM target JOIN run_progress AS progress ON progress.run = target.run
     WHERE target.run = ? AND target.n = ?`,
  );
  const textBefore = database.query<{ de_result: string }>(
    `SELECT coalesce(text.de_result, answer.de_result) AS de_result FROM target
     LEFT JOIN answer_text AS text ON text.id = target.answer_id
     LEFT JOIN answer ON answer.run = target.run AND answer.n = target.n
     WHERE target.run = ? AND target.n = ?`,
  );
  const settle = database.command(
    `UPDATE target SET phase = 'settled', outcome = ?, answered_at = ?, late = ?, answer_id = ?,
       async_open = max(0, ? - async_kept)
     WHERE run = ? AND n = ?`,
  );
  const removePart = database.command(`DELETE FROM answer WHERE run = ? AND n = ?`);
  const moveCount = new Map(
    ['pending', 'unknown'].flatMap((from) =>
      OUTCOMES.filter((to) => to !== 'pending').map(
        (to) => [`${from} ${to}`, database.query<Progress>(moveCountSql(from, countColumn(to)))] as const,
      ),
    ),
  );
  const complete = database.command(
    `UPDATE run_progress SET state = iif(state = 'cancelling', 'cancelled', 'complete'), pause_cause = NULL,
       ended_at = ?, generation = max(generation, 1)
     WHERE run = ?`,
  );
  const beginGeneration = database.command(`UPDATE run_progress SET generation = 1 WHERE run = ?`);

  /** Puts the answer in the place of the one before. Answers the digest of the run and the id of the text. */
  function moveAnswer(
    { run, n }: Pick<Target, 'run' | 'n'>,
    { deResult, facets }: Ending,
    before: MemberBefore,
  ): { readonly digest: string | null; readonly answerId: number } {
    const answerId = clusters.putAnswer(run, deResult);
    const replaced = before.outcome === 'pending' ? undefined : textBefore.first(run, n)?.de_result;
    if (before.answer_id !== null) clusters.takeAnswer(before.answer_id);
    removePart(run, n);
    if (before.digest === null) return { digest: null, answerId };
    const pair = { n, deviceId: before.device_id } satisfies Omit<Pair, 'deResult'>;
    let digest = moveDigest(before.digest, { ...pair, deResult }, 'in');
    clusters.putFacets(run, facets);
    if (replaced !== undefined) {
      digest = moveDigest(digest, { ...pair, deResult: replaced }, 'out');
      clusters.takeFacets(run, facetsOf(replaced));
    }
    return { digest, answerId };
  }

  /** Ends the run with its last member, and tells its server what there is to be told. */
  function conclude(number: number, progress: Progress, isLate: boolean, now: EpochMs): Settlement {
    const isLast = progress.ended_at === null && progress.pending === 0;
    const isQuorum =
      progress.generation === 0 &&
      progress.state !== 'cancelling' &&
      progress.settled >= (progress.quorum_at ?? Infinity);
    if (isLast) complete(now, number);
    else if (isQuorum) beginGeneration(number);
    else if (!isLate || progress.generation === 0) return { ...NOT_APPLIED, applied: true };
    const run = runOf(number);
    if (!run) throw new TypeError(`run ${number} is missing`);
    const alerted = announce(run, isLast || isQuorum || run.policy.lateAlert, now);
    return { applied: true, completed: isLast ? run : undefined, alerted };
  }

  return ({ run, n }, ending, now, answeredAt) => {
    const before = memberBefore.first(run, n);
    const isLate = before?.outcome === 'unknown' && before.late === 0;
    if (!before || (before.outcome !== 'pending' && !isLate)) return NOT_APPLIED;
    const { outcome, asyncExecs } = ending;
    const { digest, answerId } = moveAnswer({ run, n }, ending, before);
    settle(outcome, answeredAt ?? null, isLate ? 1 : 0, answerId, asyncExecs, run, n);
    const progress = moveCount.get(`${before.outcome} ${outcome}`)?.first(digest, answeredAt ?? null, run);
    if (!progress) throw new TypeError(`run ${run} has no progress`);
    return conclude(run, progress, isLate, now);
  };
}

/** The generation counts changes of an aggregate that was announced. */
function moveCountSql(from: string, to: string): string {
  const moves = from === to ? '' : `${from} = ${from} - 1, ${to} = ${to} + 1, `;
  const settled = OUTCOMES.filter((outcome) => outcome !== 'pending').map(countColumn);
  return `UPDATE run_progress SET ${moves} digest = ?,
      last_answer_at = coalesce(?, last_answer_at), generation = generation + (generation > 0)
    WHERE run = ? RETURNING state, generation, ended_at, pending, ${settled.join(' + ')} AS settled, quorum_at`;
}
