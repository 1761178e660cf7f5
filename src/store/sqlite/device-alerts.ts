import type { DeviceAlert, DeviceAlertStore, ForwardedAlert } from '../device-alerts.ts';
import type { Database } from './database.ts';
import { pruning } from './pruning.ts';

const IS_PASSED_ON = `NOT EXISTS (SELECT 1 FROM device_alert_forward WHERE alert_id = device_alert.id)`;

interface AlertRow {
  readonly id: number;
  readonly device_key: number;
  readonly device_id: string;
  readonly at: number;
  readonly alert: string;
}

interface ForwardRow extends AlertRow {
  readonly server_id: string;
  readonly attempts: number;
  readonly due_at: number;
}

/** Alerts of devices and their way to DM Servers, in SQLite. */
export function createDeviceAlertStore(database: Database): DeviceAlertStore {
  const insert = database.query<{ id: number }>(
    `INSERT INTO device_alert (device_key, device_id, at, alert) VALUES (?, ?, ?, ?) RETURNING id`,
  );
  const enqueue = database.command(`INSERT INTO device_alert_forward (server_id, alert_id, due_at) VALUES (?, ?, ?)`);
  const newest = database.query<AlertRow>(`SELECT * FROM device_alert WHERE id < ? ORDER BY id DESC LIMIT ?`);
  const ofDevice = database.query<AlertRow>(
    `SELECT * FROM device_alert WHERE device_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
  );
  const due = database.query<ForwardRow>(
    `SELECT device_alert.*, forward.server_id, forward.attempts, forward.due_at
     FROM device_alert_forward AS forward JOIN device_alert ON device_alert.id = forward.alert_id
     WHERE forward.server_id = ? AND forward.due_at <= ? ORDER BY forward.alert_id LIMIT ?`,
  );
  const firstDue = database.query<{ at: number }>(
    `SELECT due_at AS at FROM device_alert_forward WHERE server_id = ? ORDER BY due_at LIMIT 1`,
  );
  const remove = database.command(`DELETE FROM device_alert_forward WHERE server_id = ? AND alert_id = ?`);
  const defer = database.command(
    `UPDATE device_alert_forward SET due_at = ?, attempts = attempts + 1 WHERE server_id = ? AND alert_id = ?`,
  );
  return {
    add: (alerts, serverIds) =>
      database.write(() => {
        for (const { deviceKey, deviceId, at, alert } of alerts) {
          const row = insert.first(deviceKey, deviceId, at, alert);
          if (row) for (const serverId of serverIds) enqueue(serverId, row.id, at);
        }
      }),
    list: (before = Number.MAX_SAFE_INTEGER, limit, deviceId) =>
      database.read(() => {
        const rows = deviceId === undefined ? newest.all(before, limit) : ofDevice.all(deviceId, before, limit);
        return rows.map(alertOf);
      }),
    due: (serverId, now, limit) => database.read(() => due.all(serverId, now, limit).map(forwardOf)),
    nextDueAt: (serverId) => database.read(() => firstDue.first(serverId)?.at),
    forwarded: (id, serverId) =>
      database.write(() => {
        remove(serverId, id);
      }),
    deferred: (id, serverId, dueAt) =>
      database.write(() => {
        defer(dueAt, serverId, id);
      }),
    prune: pruning(database, 'device_alert', IS_PASSED_ON),
  };
}

function alertOf({ id, device_key, device_id, at, alert }: AlertRow): DeviceAlert {
  return { id, deviceKey: device_key, deviceId: device_id, at, alert };
}

function forwardOf(row: ForwardRow): ForwardedAlert {
  return { ...alertOf(row), serverId: row.server_id, attempts: row.attempts, dueAt: row.due_at };
}
