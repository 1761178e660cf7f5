import type { FanOutStore } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { selectTarget, targetOf, type TargetRow } from './target-rows.ts';

/** What waits for devices, and what their sessions carry. */
export function createDeviceQueue(
  database: Database,
): Pick<FanOutStore, 'nextForDevice' | 'unsentOfDevice' | 'noteContact' | 'sentTargets'> {
  const next = database.query<TargetRow>(
    `${selectTarget('target_unsent', 'CROSS JOIN run_progress AS progress ON progress.run = target.run')}
     WHERE target.device_key = ? AND target.phase = 'waiting' AND progress.state = 'running'
     ORDER BY target.run, target.n LIMIT 1`,
  );
  const unsent = database.query<TargetRow>(
    `${selectTarget('target_unsent')}
     WHERE target.device_key = ? AND (target.phase = 'held' OR target.phase = 'waiting')
     ORDER BY target.run, target.n LIMIT ?`,
  );
  const setContact = database.command(
    `UPDATE target INDEXED BY target_unsent SET last_contact = ?
     WHERE device_key = ? AND (phase = 'held' OR phase = 'waiting')`,
  );
  const sent = database.query<TargetRow>(
    `${selectTarget('target_sent')}
     WHERE target.phase = 'sent' AND (target.run, target.n) > (?, ?) ORDER BY target.run, target.n LIMIT ?`,
  );

  return {
    nextForDevice: (deviceKey) =>
      database.read(() => {
        const row = next.first(deviceKey);
        return row && targetOf(row);
      }),
    unsentOfDevice: (deviceKey, limit) => database.read(() => unsent.all(deviceKey, limit).map(targetOf)),
    noteContact: (deviceKey, contact) =>
      database.write(() => {
        setContact(contact, deviceKey);
      }),
    sentTargets: (after, limit) => database.read(() => sent.all(after?.run ?? 0, after?.n ?? 0, limit).map(targetOf)),
  };
}
