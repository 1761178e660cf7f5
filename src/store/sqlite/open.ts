import { constants } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { DmError } from '../../protocol/errors.ts';
import type { GatewayStore } from '../gateway-store.ts';
import type { CommitMeter } from '../measures.ts';
import type { ServerStore } from '../server-store.ts';

import { createAuditStore } from './audit.ts';
import { NO_LOG, openCommitLog } from './commit-log.ts';
import { createCompletionStore } from './completions.ts';
import { Database } from './database.ts';
import { createDeviceAlertStore } from './device-alerts.ts';
import { createDeviceStore } from './devices.ts';
import { connect, type Connection, resultCodeOf, SQLITE } from './driver.ts';
import { openFanOutStore } from './fan-out.ts';
import { GATEWAY_SCHEMA } from './gateway-schema.ts';
import { closeLocked, lock } from './file-lock.ts';
import { createGroupStore } from './groups.ts';
import { createJobStore } from './jobs.ts';
import { gatewayMeasures, serverMeasures } from './measures.ts';
import { createMemberLines } from './members.ts';
import { migrate } from './migrations.ts';
import { createNodeStore } from './nodes.ts';
import { createPassedOnAlertStore } from './passed-on-alerts.ts';
import { createPeerNonceStore } from './peer-nonces.ts';
import { createResetNotificationStore } from './reset-notifications.ts';
import type { Schema } from './schema-upgrade.ts';
import { SERVER_SCHEMA } from './server-schema.ts';

/** A role, as its database is marked with. The numbers spell DMGW and DMSV. */
const ROLES = {
  gateway: { applicationId: 0x444d4757, schema: GATEWAY_SCHEMA },
  server: { applicationId: 0x444d5356, schema: SERVER_SCHEMA },
} as const satisfies Record<string, { applicationId: number; schema: Schema }>;

type Role = keyof typeof ROLES;

interface StoreOptions {
  readonly meter?: CommitMeter | undefined;
}

/** What the operator bounds a database with, besides. */
interface GatewayStoreOptions extends StoreOptions {
  readonly maxBytes?: number | undefined;
}

const SCHEME = 'sqlite:';
const IN_MEMORY = ':memory:';
const CACHE_KIB = 16_384;

/**
 * Opens the database of a gateway at `sqlite:PATH`, or makes it; `sqlite::memory:` is gone when it is closed. No other
 * process can use it meanwhile. With `maxBytes` the file does not grow beyond: what would make it grow is refused with
 * STORE_WRITE, its log comes on top. Throws `DmError` STORE_URL, STORE_OPEN, STORE_IN_USE, STORE_SCHEMA_NEWER.
 */
export async function openGatewayStore(
  url: string,
  { maxBytes, meter }: GatewayStoreOptions = {},
): Promise<GatewayStore> {
  const database = await openDatabase(url, 'gateway', meter);
  if (maxBytes !== undefined) database.limitSize(maxBytes);
  return {
    fanOut: await openFanOutStore(database),
    resultLines: createMemberLines(database),
    devices: createDeviceStore(database),
    deviceAlerts: createDeviceAlertStore(database),
    audit: createAuditStore(database),
    groups: createGroupStore(database),
    nodes: createNodeStore(database),
    peerNonces: createPeerNonceStore(database),
    resetNotifications: createResetNotificationStore(database),
    measure: gatewayMeasures(database),
    probe: () => database.probe(),
    close: () => database.close(),
  };
}

/** Opens the database of a DM Server, as `openGatewayStore` does that of a gateway. */
export async function openServerStore(url: string, { meter }: StoreOptions = {}): Promise<ServerStore> {
  const database = await openDatabase(url, 'server', meter);
  return {
    peerNonces: createPeerNonceStore(database),
    ...createJobStore(database),
    ...createCompletionStore(database),
    passedOnAlerts: createPassedOnAlertStore(database),
    measure: serverMeasures(database),
    probe: () => database.probe(),
    close: () => database.close(),
  };
}

async function openDatabase(url: string, role: Role, meter: CommitMeter | undefined): Promise<Database> {
  const path = pathOf(url);
  let connection: Connection | undefined;
  try {
    if (path !== IN_MEMORY) await makeFile(path);
    connection = await connect(path);
    lock(connection);
    configure(connection);
    claimFor(role, connection, path);
    await migrate(connection, ROLES[role].schema);
    return new Database(connection, path === IN_MEMORY ? NO_LOG : await openCommitLog(connection, path), meter);
  } catch (error) {
    if (connection) closeLocked(connection);
    throw error instanceof DmError ? error : openFailure(path, error);
  }
}

function pathOf(url: string): string {
  const path = url.startsWith(SCHEME) ? url.slice(SCHEME.length) : '';
  if (path !== '') return path;
  // The rest of the URL may hold a password.
  const [, scheme = 'none'] = /^([a-z][a-z0-9+.-]*):/i.exec(url) ?? [];
  throw new DmError('STORE_URL', `the store URL must be sqlite:PATH; its scheme is ${scheme}`);
}

/** The database holds digests and passwords: nobody but its owner reads it. */
async function makeFile(path: string): Promise<void> {
  const { O_CREAT, O_EXCL, O_RDWR } = constants;
  const file = await openFile(path, O_CREAT | O_EXCL | O_RDWR, 0o600).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
    throw error;
  });
  await file?.close();
}

function configure(connection: Connection): void {
  connection.exec('PRAGMA foreign_keys = ON');
  connection.exec('PRAGMA temp_store = MEMORY');
  connection.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
}

/** Marks a new database as one of this role; refuses any other. */
function claimFor(role: Role, connection: Connection, path: string): void {
  const { applicationId } = ROLES[role];
  const marked = connection.prepare('PRAGMA application_id').get() as { application_id: number };
  if (marked.application_id === applicationId) return;
  const other = Object.entries(ROLES).find(([, row]) => row.applicationId === marked.application_id);
  if (other) throw new DmError('STORE_OPEN', `${path} is the database of a ${other[0]}, not of a ${role}`);
  const { tables } = connection.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number };
  if (tables > 0 || marked.application_id !== 0) {
    throw new DmError('STORE_OPEN', `${path} is the database of another program`);
  }
  connection.exec(`PRAGMA application_id = ${applicationId}`);
}

function openFailure(path: string, cause: unknown): DmError {
  const code = resultCodeOf(cause);
  if (code === SQLITE.busy || code === SQLITE.locked) {
    return new DmError('STORE_IN_USE', `${path} is in use by another process`, { cause });
  }
  return new DmError('STORE_OPEN', `${path} cannot be opened: ${whyNotOpen(code, cause)}`, { cause });
}

function whyNotOpen(code: number | undefined, cause: unknown): string {
  if (code === SQLITE.notADatabase) return 'it is no SQLite database';
  if (code === SQLITE.cannotOpen) return 'its directory is missing or not writable, or it is no file';
  if (code === SQLITE.readOnly) return 'it cannot be written';
  const errno = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return 'its directory is missing';
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') return 'its directory is not writable';
  return cause instanceof Error ? cause.message : 'for no known reason';
}
