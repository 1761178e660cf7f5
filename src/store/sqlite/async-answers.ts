import type { AsyncAnswer, FanOutStore } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { selectTarget, targetOf, type TargetRow } from './target-rows.ts';

interface AsyncRow {
  readonly cmd_id: string;
  readonly data: string;
  readonly alert: string;
  readonly at: number;
}

/** What came of Execs that devices took on with 202. */
export function createAsyncAnswers(database: Database): Pick<FanOutStore, 'expectingAsync' | 'recordAsync'> {
  // Of a run that is being deleted there may be members left.
  const expecting = database.query<TargetRow>(
    `${selectTarget('target_async', 'CROSS JOIN run_progress AS progress ON progress.run = target.run')}
     WHERE target.device_key = ? AND target.async_open > 0
     ORDER BY target.phase <> 'awaiting', target.run, target.n LIMIT ?`,
  );
  const isMember = database.query<object>(
    `SELECT 1 FROM target JOIN run_progress AS progress ON progress.run = target.run
     WHERE target.run = ? AND target.n = ?`,
  );
  const insert = database.command(
    `INSERT INTO async_answer (run, n, cmd_id, data, alert, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (run, n, cmd_id) DO NOTHING`,
  );
  const count = database.query<{ left: number }>(
    `UPDATE target SET async_kept = async_kept + 1, async_open = max(0, async_open - 1)
     WHERE run = ? AND n = ? RETURNING async_open AS left`,
  );

  return {
    expectingAsync: (deviceKey, limit) => database.read(() => expecting.all(deviceKey, limit).map(targetOf)),
    recordAsync: ({ run, n }, { cmdId, data, alert, at }) =>
      database.write(() => {
        if (!isMember.first(run, n) || insert(run, n, cmdId, data, alert, at) === 0) return undefined;
        return count.first(run, n);
      }),
  };
}

/** The answers of one member, in the order in which they came. */
export function asyncAnswersOf(database: Database): (run: number, n: number) => readonly AsyncAnswer[] {
  const query = database.query<AsyncRow>(
    `SELECT cmd_id, data, alert, at FROM async_answer INDEXED BY async_answer_of_member
     WHERE run = ? AND n = ? ORDER BY id`,
  );
  return (run, n) => query.all(run, n).map(({ cmd_id: cmdId, ...row }) => ({ ...row, cmdId }));
}
