import type { AuditEntry, AuditStore } from '../audit.ts';
import type { Database } from './database.ts';
import { pruning } from './pruning.ts';

/** Who did what, in SQLite. */
export function createAuditStore(database: Database): AuditStore {
  const insert = database.command(`INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)`);
  const newest = database.query<AuditEntry>(
    `SELECT id, at, actor, action, subject, detail FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?`,
  );
  return {
    add: ({ at, actor, action, subject, detail }) =>
      database.write(() => {
        insert(at, actor, action, subject, detail);
      }),
    list: (before = Number.MAX_SAFE_INTEGER, limit) =>
      database.read(() => newest.all(before, limit).map((row) => ({ ...row }))),
    prune: pruning(database, 'audit'),
  };
}
