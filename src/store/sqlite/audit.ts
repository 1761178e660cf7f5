import type { AuditEntry, AuditStore } from '../audit.ts';
import type { Database } from './database.ts';

/** Who did what, in SQLite. */
export function createAuditStore(database: Database): AuditStore {
  const insert = database.command(`INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)`);
  const newest = database.query<AuditEntry>(
    `SELECT id, at, actor, action, subject, detail FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?`,
  );
  const prune = database.command(
    `DELETE FROM audit WHERE id IN (
       SELECT id FROM audit
       WHERE at < ?1 OR id <= (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?2)
       ORDER BY id LIMIT ?3)`,
  );
  return {
    add: ({ at, actor, action, subject, detail }) =>
      database.write(() => {
        insert(at, actor, action, subject, detail);
      }),
    list: (before = Number.MAX_SAFE_INTEGER, limit) =>
      database.read(() => newest.all(before, limit).map((row) => ({ ...row }))),
    prune: (before, keep, limit) => database.write(() => prune(before, keep, limit)),
  };
}
