import type { FanOutStore } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { selectTarget, targetOf, type TargetRow } from './target-rows.ts';

/** What sessions with devices do to the open members of runs. */
export function createTargets(
  database: Database,
): Pick<
  FanOutStore,
  | 'nextForDevice'
  | 'markSent'
  | 'markUnsent'
  | 'noteRefusedNotification'
  | 'noteContact'
  | 'recordPartial'
  | 'sentTargets'
> {
  const nextOfDevice = database.query<TargetRow>(
    `${selectTarget('target_of_device')}
     WHERE target.device_key = ? AND target.phase = 'waiting' ORDER BY target.run, target.n LIMIT 1`,
  );
  const sent = database.query<TargetRow>(
    `${selectTarget('target_sent')}
     WHERE target.phase = 'sent' AND (target.run, target.n) > (?, ?) ORDER BY target.run, target.n LIMIT ?`,
  );
  const markSent = database.command(
    `UPDATE target SET phase = 'sent', sent_at = ?1, first_turn_at = coalesce(first_turn_at, ?1), ends_at = ?2
     WHERE run = ?3 AND n = ?4 AND phase = 'waiting'`,
  );
  const markFirstSent = database.command(
    `UPDATE run_progress SET first_sent_at = ? WHERE run = ? AND first_sent_at IS NULL`,
  );
  const markUnsent = database.command(
    `UPDATE target SET phase = 'waiting', last_contact = ?, sent_at = ?, due_at = ?, ends_at = ?
     WHERE run = ? AND n = ? AND phase = 'sent'`,
  );
  const countRefused = database.command(
    `UPDATE target SET refused_attempts = refused_attempts + 1 WHERE run = ? AND n = ? AND phase = 'waiting'`,
  );
  const setContact = database.command(
    `UPDATE target INDEXED BY target_of_device SET last_contact = ? WHERE device_key = ? AND phase = 'waiting'`,
  );
  const isSent = database.query<object>(`SELECT 1 FROM target WHERE run = ? AND n = ? AND phase = 'sent'`);
  const writeAnswer = database.command(WRITE_ANSWER);

  return {
    nextForDevice: (deviceKey) =>
      database.read(() => {
        const row = nextOfDevice.first(deviceKey);
        return row && targetOf(row);
      }),
    markSent: ({ run, n }, now, endsAt) =>
      database.write(() => {
        if (markSent(now, endsAt, run, n) === 0) return false;
        markFirstSent(now, run);
        return true;
      }),
    markUnsent: ({ run, n }, { lastContact, sentAt, dueAt, endsAt }) =>
      database.write(() => markUnsent(lastContact, sentAt ?? null, dueAt, endsAt, run, n) > 0),
    noteRefusedNotification: ({ run, n }) =>
      database.write(() => {
        countRefused(run, n);
      }),
    noteContact: (deviceKey, contact) =>
      database.write(() => {
        setContact(contact, deviceKey);
      }),
    recordPartial: ({ run, n }, deResult) =>
      database.write(() => {
        if (!isSent.first(run, n)) return false;
        writeAnswer(run, n, deResult);
        return true;
      }),
    sentTargets: (after, limit) => database.read(() => sent.all(after?.run ?? 0, after?.n ?? 0, limit).map(targetOf)),
  };
}

/** Stores the answer of a member, or the part of it that has come: run, n, text. */
export const WRITE_ANSWER = `INSERT INTO answer (run, n, de_result) VALUES (?, ?, ?)
  ON CONFLICT (run, n) DO UPDATE SET de_result = excluded.de_result`;
