import { alertData } from '../../fanout/aggregate.ts';
import { type Outcome, OUTCOMES, type SettledOutcome } from '../../fanout/outcome.ts';
import type { EpochMs, Run, Settlement, Target } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { countColumn, runByNumber } from './runs.ts';
import { WRITE_ANSWER } from './targets.ts';

/** How a member ended, and when its own answer came; undefined: it did not. */
export interface Ended {
  readonly outcome: SettledOutcome;
  readonly deResult: string;
  readonly answeredAt: EpochMs | undefined;
}

/**
 * Settles a member, moves the counts, and completes the run with its alert when it was the last one. To be called
 * inside a transaction.
 */
export function createSettlement(
  database: Database,
): (target: Pick<Target, 'run' | 'n'>, ended: Ended, now: EpochMs) => Settlement {
  const runOf = runByNumber(database);
  const stateOf = database.query<{ outcome: Outcome; late: number }>(
    `SELECT outcome, late FROM target WHERE run = ? AND n = ?`,
  );
  const settle = database.command(
    `UPDATE target SET phase = 'settled', outcome = ?, answered_at = ?, late = ? WHERE run = ? AND n = ?`,
  );
  const writeAnswer = database.command(WRITE_ANSWER);
  const moveCount = new Map(
    ['pending', 'unknown'].flatMap((from) =>
      OUTCOMES.filter((to) => to !== 'pending').map(
        (to) => [`${from} ${to}`, database.query<Progress>(moveCountSql(from, countColumn(to)))] as const,
      ),
    ),
  );
  const complete = database.command(
    `UPDATE run_progress SET state = 'complete', ended_at = ?, generation = 1 WHERE run = ?`,
  );
  const insertAlert = database.command(
    `INSERT INTO alert (run, server_id, correlator, data, generation, due_at) VALUES (?, ?, ?, ?, ?, ?)`,
  );

  function completeRun(number: number, now: EpochMs): Run | undefined {
    complete(now, number);
    const run = runOf(number);
    if (run?.serverId !== undefined) {
      const data = alertData(run.counts, run.state);
      insertAlert(number, run.serverId, run.correlator ?? null, data, run.generation, now);
    }
    return run;
  }

  return ({ run, n }, { outcome, deResult, answeredAt = null }, now) => {
    const before = stateOf.first(run, n);
    const isLate = before?.outcome === 'unknown' && before.late === 0;
    if (!before || (before.outcome !== 'pending' && !isLate)) return { applied: false, completed: undefined };
    settle(outcome, answeredAt, isLate ? 1 : 0, run, n);
    writeAnswer(run, n, deResult);
    const progress = moveCount.get(`${before.outcome} ${outcome}`)?.first(answeredAt, run);
    const isLast = progress?.state === 'running' && progress.pending === 0;
    return { applied: true, completed: isLast ? completeRun(run, now) : undefined };
  };
}

interface Progress {
  readonly state: Run['state'];
  readonly pending: number;
}

/** The generation counts changes of an aggregate that was announced. */
function moveCountSql(from: string, to: string): string {
  const moves = from === to ? '' : `${from} = ${from} - 1, ${to} = ${to} + 1, `;
  return `UPDATE run_progress SET ${moves}
      last_answer_at = coalesce(?, last_answer_at), generation = generation + (generation > 0)
    WHERE run = ? RETURNING state, pending`;
}
