import type { AuthScheme } from '../../protocol/auth/principal.ts';
import type { DeviceStore, FormerSecrets } from '../devices.ts';
import type { Database } from './database.ts';
import type { RecentDevices } from './recent-devices.ts';

/** The columns of secrets that a rotation replaced, and those that did not change with it. */
export interface FormerRow {
  readonly client_scheme: AuthScheme;
  readonly client_name: string;
  readonly server_scheme: AuthScheme;
  readonly server_name: string;
  readonly former_client_digest: string | null;
  readonly former_client_password: string | null;
  readonly former_client_nonce: Uint8Array | null;
  readonly former_server_digest: string | null;
  readonly former_server_password: string | null;
  readonly former_server_nonce: Uint8Array | null;
  readonly former_until: number | null;
}

const SECRET_COLUMNS = [
  'client_digest',
  'client_password',
  'client_nonce',
  'server_digest',
  'server_password',
  'server_nonce',
] as const;
const SET_SECRETS = `${SECRET_COLUMNS.map((column, at) => `${column} = ?${at + 1}`).join(', ')},
  previous_server_nonce = x''`;
const NO_FORMER = `${SECRET_COLUMNS.map((column) => `former_${column} = NULL`).join(', ')}, former_until = NULL`;

/** Nonces and secrets of device accounts, in SQLite. */
export function createSecrets(
  database: Database,
  recent: RecentDevices,
): Pick<DeviceStore, 'saveNonces' | 'rotateSecrets' | 'moveDevice' | 'noteSecretUsed'> {
  // What stands on the right of a SET are the values from before.
  const saveNonces = database.command(
    `UPDATE device SET client_nonce = coalesce(?1, client_nonce), server_nonce = coalesce(?2, server_nonce),
       previous_server_nonce = iif(?2 IS NULL, previous_server_nonce, server_nonce)
     WHERE key = ?3 AND client_digest = coalesce(?4, client_digest)`,
  );
  const saveFormerNonces = database.command(
    `UPDATE device SET former_client_nonce = coalesce(?1, former_client_nonce),
       former_server_nonce = coalesce(?2, former_server_nonce)
     WHERE key = ?3 AND former_client_digest = ?4`,
  );
  const rotate = database.command(
    `UPDATE device SET ${SECRET_COLUMNS.map(
      (column) => `former_${column} = iif(former_until > ?9, former_${column}, ${column})`,
    ).join(', ')}, former_until = ?8, ${SET_SECRETS} WHERE device_id = ?7 AND decommissioned_at IS NULL`,
  );
  const move = database.command(
    `UPDATE device SET ${SET_SECRETS}, ${NO_FORMER}, decommissioned_at = NULL, last_seen_at = NULL, detail_at = NULL,
       man = NULL, mod = NULL, dm_v = NULL, lang = NULL, fw_v = NULL, sw_v = NULL, hw_v = NULL
     WHERE device_id = ?7`,
  );
  const forgetFormer = database.command(`UPDATE device SET ${NO_FORMER} WHERE key = ? AND client_digest = ?`);

  return {
    saveNonces: (key, { client, server }, clientDigest) =>
      database.write(() => {
        recent.forget(key);
        const isNewest = saveNonces(client ?? null, server ?? null, key, clientDigest ?? null) > 0;
        if (!isNewest && clientDigest !== undefined) {
          saveFormerNonces(client ?? null, server ?? null, key, clientDigest);
        }
      }),
    rotateSecrets: (deviceId, secrets, { now, until }) =>
      database.write(() => {
        recent.clear();
        return rotate(...values(secrets), deviceId, until, now) > 0;
      }),
    moveDevice: (deviceId, secrets) =>
      database.write(() => {
        recent.clear();
        return move(...values(secrets), deviceId) > 0;
      }),
    noteSecretUsed: (key, clientDigest) =>
      database.write(() => {
        recent.forget(key);
        forgetFormer(key, clientDigest);
      }),
  };
}

function values({ client, server }: Parameters<DeviceStore['moveDevice']>[1]) {
  return [client, server].flatMap(({ digest, password, nonce }) => [digest, password ?? null, nonce]);
}

export function formerOf(row: FormerRow): FormerSecrets | undefined {
  const { former_client_digest, former_client_nonce, former_server_digest, former_server_nonce, former_until } = row;
  if (former_client_digest === null || former_server_digest === null || former_until === null) return undefined;
  return {
    client: {
      scheme: row.client_scheme,
      name: row.client_name,
      digest: former_client_digest,
      password: row.former_client_password ?? undefined,
      nonce: former_client_nonce ?? new Uint8Array(),
    },
    server: {
      scheme: row.server_scheme,
      name: row.server_name,
      digest: former_server_digest,
      password: row.former_server_password ?? undefined,
      nonce: former_server_nonce ?? new Uint8Array(),
    },
    until: former_until,
  };
}
