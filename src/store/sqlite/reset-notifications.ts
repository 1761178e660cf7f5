import type { ResetNotificationStore } from '../nodes.ts';
import type { Database } from './database.ts';

const REMEMBERED = 64;

/** Digests of notifications, in SQLite. */
export function createResetNotificationStore(database: Database): ResetNotificationStore {
  const find = database.query(`SELECT 1 FROM reset_notification WHERE peer = ? AND digest = ?`);
  const add = database.command(`INSERT OR IGNORE INTO reset_notification (peer, digest) VALUES (?, ?)`);
  const removeOld = database.command(
    `DELETE FROM reset_notification WHERE peer = ?1 AND seq <=
       (SELECT seq FROM reset_notification WHERE peer = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ${REMEMBERED})`,
  );
  return {
    isServed: (peer, digest) => database.read(() => find.first(peer, digest) !== undefined),
    served: (peer, digest) =>
      database.write(() => {
        add(peer, digest);
        removeOld(peer);
      }),
  };
}
