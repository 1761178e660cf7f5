import { DmError } from '../../protocol/errors.ts';
import type { Device, DeviceStore } from '../devices.ts';
import type { Database } from './database.ts';
import { createSecrets, formerOf, type FormerRow } from './device-secrets.ts';
import { RecentDevices } from './recent-devices.ts';

interface DeviceRow extends FormerRow {
  readonly key: number;
  readonly device_id: string;
  readonly client_digest: string;
  readonly client_password: string | null;
  readonly client_nonce: Uint8Array;
  readonly server_digest: string;
  readonly server_password: string | null;
  readonly server_nonce: Uint8Array;
  readonly previous_server_nonce: Uint8Array;
  readonly notify: string | null;
  readonly notification_version: number;
  readonly max_msg_bytes: number | null;
  readonly max_obj_bytes: number | null;
  readonly decommissioned_at: number | null;
  readonly man: string | null;
  readonly mod: string | null;
  readonly dm_v: string | null;
  readonly lang: string | null;
  readonly fw_v: string | null;
  readonly sw_v: string | null;
  readonly hw_v: string | null;
  readonly detail_at: number | null;
  readonly last_seen_at: number | null;
}

/** Device accounts, in SQLite. */
export function createDeviceStore(database: Database): DeviceStore {
  const recent = new RecentDevices();
  const add = database.command(
    `INSERT INTO device (
       device_id, client_scheme, client_name, client_digest, client_password, client_nonce,
       server_scheme, server_name, server_digest, server_password, server_nonce, previous_server_nonce,
       notify, notification_version, max_msg_bytes, max_obj_bytes
     ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'', ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const byDeviceId = database.query<DeviceRow>(`SELECT * FROM device WHERE device_id = ?`);
  const byKey = database.query<DeviceRow>(`SELECT * FROM device WHERE key = ?`);
  const list = database.query<DeviceRow>(`SELECT * FROM device WHERE key > ? ORDER BY key LIMIT ?`);
  const search = database.query<DeviceRow>(
    `SELECT * FROM device WHERE key > ? AND instr(device_id, ?) > 0 ORDER BY key LIMIT ?`,
  );
  const count = database.query<{ devices: number }>(`SELECT count(*) AS devices FROM device`);
  const remove = database.command(`DELETE FROM device WHERE device_id = ?`);
  const decommission = database.command(`UPDATE device SET decommissioned_at = ? WHERE device_id = ?`);
  const saveInventory = database.command(
    `UPDATE device SET
       man = coalesce(?, man), mod = coalesce(?, mod), dm_v = coalesce(?, dm_v), lang = coalesce(?, lang),
       fw_v = coalesce(?, fw_v), sw_v = coalesce(?, sw_v), hw_v = coalesce(?, hw_v),
       detail_at = coalesce(?, detail_at), last_seen_at = ?
     WHERE key = ?`,
  );

  function noted(device: Device | undefined): Device | undefined {
    if (device) recent.put(device);
    return device;
  }

  return {
    add: (devices) =>
      database.write(() => {
        for (const { deviceId, client, server, notify, notificationVersion, ...limits } of devices) {
          const added = add(
            deviceId,
            client.scheme,
            client.name,
            client.digest,
            client.password ?? null,
            client.nonce,
            server.scheme,
            server.name,
            server.digest,
            server.password ?? null,
            server.nonce,
            notify ?? null,
            notificationVersion,
            limits.maxMsgBytes ?? null,
            limits.maxObjBytes ?? null,
          );
          if (added === 0) throw new DmError('DEVICE_EXISTS', `there is an account of device ${deviceId} already`);
        }
      }),
    byDeviceId: (deviceId) =>
      database.read(() => recent.byDeviceId(deviceId) ?? noted(deviceOf(byDeviceId.first(deviceId)))),
    byKey: (key) => database.read(() => recent.byKey(key) ?? noted(deviceOf(byKey.first(key)))),
    list: (after, limit, query) =>
      database.read(() => {
        const rows = query === undefined ? list.all(after, limit) : search.all(after, query, limit);
        return rows.map((row) => deviceOf(row));
      }),
    count: () => database.read(() => count.first()?.devices ?? 0),
    remove: (deviceId) =>
      database.write(() => {
        recent.clear();
        return remove(deviceId) > 0;
      }),
    ...createSecrets(database, recent),
    decommission: (deviceId, at) =>
      database.write(() => {
        recent.clear();
        return decommission(at, deviceId) > 0;
      }),
    saveInventory: (key, { man, mod, dmV, lang, fwV, swV, hwV, detailAt }, seenAt) =>
      database.write(() => {
        recent.forget(key);
        const values = [man, mod, dmV, lang, fwV, swV, hwV, detailAt].map((value) => value ?? null);
        saveInventory(...values, seenAt, key);
      }),
  };
}

function deviceOf(row: DeviceRow): Device;
function deviceOf(row: DeviceRow | undefined): Device | undefined;
function deviceOf(row: DeviceRow | undefined): Device | undefined {
  return (
    row && {
      key: row.key,
      deviceId: row.device_id,
      client: {
        scheme: row.client_scheme,
        name: row.client_name,
        digest: row.client_digest,
        password: row.client_password ?? undefined,
        nonce: row.client_nonce,
      },
      server: {
        scheme: row.server_scheme,
        name: row.server_name,
        digest: row.server_digest,
        password: row.server_password ?? undefined,
        nonce: row.server_nonce,
      },
      previousServerNonce: row.previous_server_nonce,
      notify: row.notify ?? undefined,
      notificationVersion: row.notification_version,
      maxMsgBytes: row.max_msg_bytes ?? undefined,
      maxObjBytes: row.max_obj_bytes ?? undefined,
      former: formerOf(row),
      decommissionedAt: row.decommissioned_at ?? undefined,
      inventory: {
        man: row.man ?? undefined,
        mod: row.mod ?? undefined,
        dmV: row.dm_v ?? undefined,
        lang: row.lang ?? undefined,
        fwV: row.fw_v ?? undefined,
        swV: row.sw_v ?? undefined,
        hwV: row.hw_v ?? undefined,
        detailAt: row.detail_at ?? undefined,
      },
      lastSeenAt: row.last_seen_at ?? undefined,
    }
  );
}
