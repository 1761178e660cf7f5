import type { EpochMs } from '../../fanout/store.ts';
import type { Database } from './database.ts';

/** Forgets at most `limit` rows that are older than `before`, or not among the newest `keep`; the oldest first. */
type Prune = (before: EpochMs, keep: number, limit: number) => Promise<number>;

/** Pruning of a table that has `id` and `at`; `condition` on a row keeps those for which it does not hold. */
export function pruning(database: Database, table: string, condition = 'true'): Prune {
  const prune = database.command(
    `DELETE FROM ${table} WHERE id IN (
       SELECT id FROM ${table}
       WHERE (at < ?1 OR id <= (SELECT id FROM ${table} ORDER BY id DESC LIMIT 1 OFFSET ?2)) AND ${condition}
       ORDER BY id LIMIT ?3)`,
  );
  return (before, keep, limit) => database.write(() => prune(before, keep, limit));
}
