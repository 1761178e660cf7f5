import type { FanOutStore } from '../../fanout/store.ts';
import type { Database } from './database.ts';

/** Waves of a run, and what is next in it. */
export function createWaves(database: Database): Pick<FanOutStore, 'beginWave' | 'releaseHeld' | 'outlook'> {
  const begin = database.command(
    `UPDATE run_progress SET wave = ?1, released = ?2 WHERE run = ?3 AND ended_at IS NULL AND wave < ?1`,
  );
  const release = database.command(
    `UPDATE target SET phase = 'waiting', due_at = ?2
     WHERE run = ?1 AND n IN (
       SELECT n FROM target INDEXED BY target_held
       WHERE run = ?1 AND phase = 'held' AND n <= (SELECT released FROM run_progress WHERE run = ?1)
       ORDER BY n LIMIT ?3
     )`,
  );
  const firstDue = database.query<{ at: number }>(
    `SELECT due_at AS at FROM target INDEXED BY target_due
     WHERE run = ? AND phase = 'waiting' ORDER BY due_at LIMIT 1`,
  );
  const firstEnd = database.query<{ at: number }>(
    `SELECT ends_at AS at FROM target INDEXED BY target_end
     WHERE run = ? AND phase <> 'settled' ORDER BY ends_at LIMIT 1`,
  );
  const isHeld = anyIn('held');
  const isSent = anyIn('sent');
  const isAwaiting = anyIn('awaiting');

  function anyIn(phase: 'held' | 'sent' | 'awaiting'): (run: number) => boolean {
    const query = database.query<object>(
      `SELECT 1 FROM target INDEXED BY target_${phase} WHERE run = ? AND phase = '${phase}' LIMIT 1`,
    );
    return (run) => query.first(run) !== undefined;
  }

  return {
    beginWave: (run, wave, released) => database.write(() => begin(wave, released, run) > 0),
    releaseHeld: (run, now, limit) => database.write(() => release(run, now, limit)),
    outlook: (run) =>
      database.read(() => {
        const dueAt = firstDue.first(run)?.at;
        const endsAt = firstEnd.first(run)?.at;
        const isUnderWay = dueAt !== undefined || isSent(run) || isAwaiting(run);
        return { dueAt, endsAt, hasHeld: isHeld(run), isUnderWay };
      }),
  };
}
