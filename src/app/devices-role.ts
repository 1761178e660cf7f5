import { generateAccounts, readAccounts, writeAccounts } from '../device/accounts.ts';
import { parseFaults } from '../device/faults.ts';
import { Fleet } from '../device/fleet.ts';
import type { FleetCounts } from '../device/fleet-counts.ts';
import { parseLacks } from '../device/lacks.ts';
import { DmError } from '../protocol/errors.ts';
import type { AccountLine } from '../store/account-line.ts';

export type { FleetCounts } from '../device/fleet-counts.ts';

const DEFAULT_COUNT = 25;
/** Addresses taken from an accounts file; a fleet that needs more says so with `listen`. */
const MAX_SOCKETS = 64;

/** What `dmgw devices` is told. */
export interface DevicesOptions {
  readonly dmUrl: string;
  /** Devices; of an accounts file the first so many. */
  readonly count?: number;
  /** Accounts file; undefined: accounts are made from the seed. */
  readonly accounts?: string;
  readonly encoding: 'xml' | 'wbxml' | 'mixed';
  /** For accounts made from the seed. */
  readonly auth?: 'basic' | 'md5' | 'mixed';
  readonly serverId: string;
  readonly faults?: string;
  readonly lacks?: string;
  readonly lacksNodes: string;
  readonly seed: number;
  /** `udp://HOST:PORT`; undefined: where the accounts say, or a free port for accounts made from the seed. */
  readonly listen?: readonly string[];
  /** In seconds; 0: devices that are not notified stay silent. */
  readonly poll: number;
  readonly connections: 'shared' | 'per-session';
  readonly maxSessions: number;
  readonly writeAccounts?: string;
  readonly trace?: string;
}

/** A fleet that is up. */
export interface RunningDevices {
  /** Where it listens for notifications, `udp://host:port`. */
  readonly addresses: readonly string[];
  counts(): FleetCounts;
  close(): Promise<void>;
}
