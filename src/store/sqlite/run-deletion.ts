import type { FanOutStore } from '../../fanout/store.ts';
import type { Database } from './database.ts';

/** Rows that go in one transaction: more would hold up everybody else. */
const PAGE = 1_000;

/** Tables that hold rows of members, with the key that a page is taken by. */
const MEMBER_TABLES = {
  target: 'run, n',
  answer: 'id',
  answer_text: 'id',
  facet_cluster: 'id',
  async_answer: 'id',
} as const;

/** The end of what is kept of a run. */
export interface RunDeletion extends Pick<FanOutStore, 'deleteRun'> {
  /** Removes what is left of runs whose deletion was cut short. */
  removeLeftovers(): Promise<void>;
}

/** Deletes runs: at once for whoever reads, page by page in the database. */
export function createRunDeletion(database: Database): RunDeletion {
  const hasEnded = database.query<object>(`SELECT 1 FROM run_progress WHERE run = ? AND ended_at IS NOT NULL`);
  const deletions = [
    `INSERT INTO deleted_run (run) VALUES (?)`,
    `DELETE FROM alert WHERE run = ? AND state <> 'open'`,
    `DELETE FROM run_progress WHERE run = ?`,
    `DELETE FROM run WHERE number = ?`,
  ].map((sql) => database.command(sql));
  const pages = Object.entries(MEMBER_TABLES).map(([table, key]) =>
    database.command(
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE run = ? LIMIT ${PAGE})`,
    ),
  );
  const leftovers = database.query<{ run: number }>(`SELECT run FROM deleted_run ORDER BY run`);
  const forget = database.command(`DELETE FROM deleted_run WHERE run = ?`);

  /** The run is gone whatever becomes of its rows: the next start finds those that stay. */
  function removeMembers(run: number): Promise<void> {
    return removePages(run).catch(() => undefined);
  }

  async function removePages(run: number): Promise<void> {
    for (const removePage of pages) {
      let removed: number;
      do removed = await database.write(() => removePage(run));
      while (removed === PAGE);
    }
    await database.write(() => forget(run));
  }

  return {
    async deleteRun(number) {
      const isGone = await database.write(() => {
        if (!hasEnded.first(number)) return false;
        database.flush();
        for (const remove of deletions) remove(number);
        return true;
      });
      if (isGone) await removeMembers(number);
      return isGone;
    },
    async removeLeftovers() {
      for (const { run } of await database.read(() => leftovers.all())) await removeMembers(run);
    },
  };
}
