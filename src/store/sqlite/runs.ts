import type { FanOutStore } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { runByNumber, runOf, type RunRow, selectRun } from './run-rows.ts';

/** Runs as a whole: lists of them, and their states. */
export function createRuns(
  database: Database,
): Pick<FanOutStore, 'run' | 'runs' | 'activeRuns' | 'prunableRuns' | 'changeState'> {
  const byNumber = runByNumber(database);
  const newest = database.query<RunRow>(`${selectRun()} WHERE progress.run < ? ORDER BY progress.run DESC LIMIT ?`);
  const active = database.query<RunRow>(
    `${selectRun('run_active')} WHERE progress.ended_at IS NULL ORDER BY progress.run`,
  );
  const prunable = database.query<{ run: number }>(
    `SELECT run FROM (
       SELECT run, ended_at, row_number() OVER (ORDER BY ended_at DESC, run DESC) AS place
       FROM run_progress INDEXED BY run_ended WHERE ended_at IS NOT NULL
     ) AS ended
     WHERE (ended_at < ? OR place > ?)
       AND NOT EXISTS (
         SELECT 1 FROM alert INDEXED BY alert_of_run WHERE alert.run = ended.run AND alert.state = 'open'
       )
     ORDER BY ended_at, run LIMIT ?`,
  );
  const setState = database.command(
    `UPDATE run_progress SET state = ?, pause_cause = ?
     WHERE run = ? AND ended_at IS NULL AND state IN (SELECT value FROM json_each(?))`,
  );
  const endAwaiting = database.command(
    `UPDATE target INDEXED BY target_awaiting SET ends_at = ?1
     WHERE run = ?2 AND phase = 'awaiting' AND ends_at > ?1`,
  );

  return {
    run: (number) => database.read(() => byNumber(number)),
    runs: (before, limit) => database.read(() => newest.all(before ?? Number.MAX_SAFE_INTEGER, limit).map(runOf)),
    activeRuns: () => database.read(() => active.all().map(runOf)),
    prunableRuns: (endedBefore, keep, limit) =>
      database.read(() => prunable.all(endedBefore, keep, limit).map(({ run }) => run)),
    changeState: (run, from, to, pauseCause, awaitingEndsAt) =>
      database.write(() => {
        database.flush();
        const cause = to === 'paused' ? (pauseCause ?? null) : null;
        if (setState(to, cause, run, JSON.stringify(from)) === 0) return undefined;
        if (awaitingEndsAt !== undefined) endAwaiting(awaitingEndsAt, run);
        return byNumber(run);
      }),
  };
}
