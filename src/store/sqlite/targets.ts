import type { FanOutStore } from '../../fanout/store.ts';
import type { Database } from './database.ts';

/** What sessions with devices do to the open members of runs. */
export function createTargets(
  database: Database,
): Pick<FanOutStore, 'markSent' | 'markUnsent' | 'markAwaiting' | 'noteRefusedNotification' | 'recordPartial'> {
  const markSent = database.command(
    `UPDATE target SET phase = 'sent', sent_at = ?1, first_turn_at = coalesce(first_turn_at, ?1), ends_at = ?2
     WHERE run = ?3 AND n = ?4 AND phase = 'waiting'
       AND (SELECT state FROM run_progress WHERE run_progress.run = ?3) = 'running'`,
  );
  const markFirstSent = database.command(
    `UPDATE run_progress SET first_sent_at = ? WHERE run = ? AND first_sent_at IS NULL`,
  );
  const markUnsent = database.command(
    `UPDATE target SET phase = 'waiting', last_contact = ?, sent_at = ?, due_at = ?, ends_at = ?
     WHERE run = ? AND n = ? AND phase = 'sent'`,
  );
  const markAwaiting = database.command(
    `UPDATE target SET phase = 'awaiting', async_open = max(0, ? - async_kept), ends_at = ?
     WHERE run = ? AND n = ? AND phase = 'sent'`,
  );
  const countRefused = database.command(
    `UPDATE target SET refused_attempts = refused_attempts + 1 WHERE run = ? AND n = ? AND phase = 'waiting'`,
  );
  const isSent = database.query<object>(`SELECT 1 FROM target WHERE run = ? AND n = ? AND phase = 'sent'`);
  const writePart = database.command(
    `INSERT INTO answer (run, n, de_result) VALUES (?, ?, ?)
     ON CONFLICT (run, n) DO UPDATE SET de_result = excluded.de_result`,
  );

  return {
    markSent: ({ run, n }, now, endsAt) =>
      database.write(() => {
        if (markSent(now, endsAt, run, n) === 0) return false;
        markFirstSent(now, run);
        return true;
      }),
    markUnsent: ({ run, n }, { lastContact, sentAt, dueAt, endsAt }) =>
      database.write(() => markUnsent(lastContact, sentAt ?? null, dueAt, endsAt, run, n) > 0),
    markAwaiting: ({ run, n }, { deResult, asyncExecs }, endsAt) =>
      database.write(() => {
        if (markAwaiting(asyncExecs, endsAt, run, n) === 0) return false;
        writePart(run, n, deResult);
        return true;
      }),
    noteRefusedNotification: ({ run, n }) =>
      database.write(() => {
        countRefused(run, n);
      }),
    recordPartial: ({ run, n }, deResult) =>
      database.write(() => {
        if (!isSent.first(run, n)) return false;
        writePart(run, n, deResult);
        return true;
      }),
  };
}
