import { generateAccounts, readAccounts, withNotifyAddresses, writeAccounts } from '../device/accounts.ts';
import { openExecLog } from '../device/exec-log.ts';
import { assignFaults, type FaultShare, parseFaults } from '../device/faults.ts';
import { Fleet } from '../device/fleet.ts';
import type { FleetCounts } from '../device/fleet-counts.ts';
import { parseLacks } from '../device/lacks.ts';
import { RawFleet } from '../device/raw/raw-fleet.ts';
import { DmError } from '../protocol/errors.ts';
import type { AccountLine } from '../store/account-line.ts';
import { createDmHttpClient, type DmConnection } from '../transport/http-client.ts';
import { openTrace } from '../transport/trace.ts';
import { parseUdpAddress } from '../transport/udp-address.ts';
import { listenUdp, type UdpListener } from '../transport/udp-listener.ts';

export type { FleetCounts } from '../device/fleet-counts.ts';

const DEFAULT_COUNT = 25;
/** Sockets opened because accounts of a file name them. */
const MAX_SOCKETS = 64;
/** Kept-alive connections to the gateway where the devices share them. */
const SHARED_CONNECTIONS = 128;

/** What `dmgw devices` is told. */
export interface DevicesOptions {
  readonly dmUrl: string;
  /** Devices; of an accounts file the first so many. */
  readonly count?: number;
  /** Accounts file; undefined: accounts are made from the seed. */
  readonly accounts?: string;
  readonly encoding: 'xml' | 'wbxml' | 'mixed';
  /** For accounts made from the seed. */
  readonly auth?: 'basic' | 'md5' | 'mac' | 'mixed';
  readonly serverId: string;
  readonly faults?: string;
  readonly lacks?: string;
  readonly lacksNodes: string;
  readonly seed: number;
  /** `udp://HOST:PORT`, for all devices in turns; false: they poll; undefined: where the accounts say, or a free port. */
  readonly listen?: readonly string[] | false;
  /** In seconds; 0: devices that are not notified stay silent. */
  readonly poll: number;
  readonly connections: 'shared' | 'per-session';
  /** `raw`: devices that answer from templates and execute nothing, to put load on a gateway. */
  readonly client: 'raw' | 'undici';
  readonly maxSessions: number;
  readonly writeAccounts?: string;
  readonly trace?: string;
  /** Directory where each device keeps what it executes. */
  readonly execLog?: string;
}

/** A fleet that is up. */
export interface RunningDevices {
  /** Where it listens for notifications, `udp://host:port`. */
  readonly addresses: readonly string[];
  counts(): FleetCounts;
  close(): Promise<void>;
}

/**
 * Opens the sockets, reads or makes the accounts, writes them where asked, and lets the fleet go. `warn` takes what a
 * person should see. Throws `DmError`; what was opened is closed again.
 */
export async function openDevices(options: DevicesOptions, warn: (line: string) => void): Promise<RunningDevices> {
  checkUsage(options);
  const faults = options.faults === undefined ? [] : parseFaults(options.faults);
  if (options.client === 'raw') checkRaw(options, faults);
  const lacks = options.lacks === undefined ? undefined : parseLacks(options.lacks, options.lacksNodes);
  const known = await accountsOf(options);
  const wanted = addressesOf(options, known);

  const execLog = options.execLog === undefined ? undefined : await openExecLog(options.execLog, Date.now);
  const trace = options.trace === undefined ? undefined : await openTrace(options.trace, 'device');
  const client = createDmHttpClient({ connections: SHARED_CONNECTIONS, trace });
  const shared: DmConnection = { exchange: client.exchange, close: () => Promise.resolve() };
  const listeners: UdpListener[] = [];
  let fleet: Pick<Fleet, 'receive' | 'counts' | 'close'> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
    await fleet?.close();
    await client.close();
    await trace?.close();
  };
  try {
    for (const text of wanted) {
      const listener = await listenUdp({
        ...parseUdpAddress(text),
        trace,
        handle: (datagram) => fleet?.receive(datagram, listener.address),
        onError: (error) => warn(`${text}: ${String(error)}`),
      });
      listeners.push(listener);
    }
    const addresses = listeners.map((listener) => listener.address);
    const accounts =
      options.accounts !== undefined && options.listen === undefined ? known : withNotifyAddresses(known, addresses);
    if (options.writeAccounts !== undefined) await writeAccounts(options.writeAccounts, accounts);
    const running =
      options.client === 'raw'
        ? await openRawFleet(options, accounts, faults)
        : new Fleet(
            { ...options, accounts, faults, lacks, pollIntervalMs: options.poll * 1000 },
            {
              dmUrl: options.dmUrl,
              connect: () => (options.connections === 'per-session' ? client.connect() : shared),
              now: Date.now,
              execLog,
              crashed: (deviceId, error) => warn(`${deviceId}: the session failed: ${String(error)}`),
            },
          );
    fleet = running;
    return { addresses, counts: () => running.counts(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Raw devices are notified through shared sockets and do one thing well: what else is asked of them is refused. */
async function openRawFleet(
  options: DevicesOptions,
  accounts: readonly AccountLine[],
  faults: readonly FaultShare[],
): Promise<Pick<Fleet, 'receive' | 'counts' | 'close'>> {
  const faulty = assignFaults(options.seed, accounts.length, faults);
  const fleet = await RawFleet.create({ ...options, accounts, isSilent: (index) => faulty.has(index) });
  return {
    receive: (datagram) => fleet.receive(datagram),
    counts() {
      const { notified, sessions, failures, exchanges } = fleet.counts();
      return {
        devices: accounts.length,
        devicesNotified: notified,
        devicesExecuted: 0,
        commandsExecuted: 0,
        firstExecutedAt: undefined,
        lastExecutedAt: undefined,
        sessions: sessions + failures,
        answered: exchanges[1]?.count ?? 0,
        outcomes: { completed: sessions, unreachable: failures },
      };
    },
    close: () => fleet.close(),
  };
}

/** What raw devices cannot do. Throws `DmError` USAGE_CLIENT. */
function checkRaw(options: DevicesOptions, faults: readonly FaultShare[]): void {
  const refused = [
    faults.some(({ kind }) => kind !== 'silent') && '--faults other than silent',
    options.lacks !== undefined && '--lacks',
    options.execLog !== undefined && '--exec-log',
    options.trace !== undefined && '--trace',
    options.listen === false && '--no-listen',
  ].find((what) => what !== false);
  if (refused !== undefined) throw new DmError('USAGE_CLIENT', `--client raw does not go with ${refused}`);
}

/** Secrets made from a seed are known to everyone who knows the seed. */
function checkUsage({ dmUrl, accounts, auth, listen }: DevicesOptions): void {
  const url = URL.canParse(dmUrl) ? new URL(dmUrl) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new DmError('USAGE_DM_URL', `--dm-url: "${dmUrl}" is no http or https URL`);
  }
  const wrong = (listen || []).find((address) => !/^udp:\/\/[^/]+:\d{1,5}$/.test(address));
  if (wrong !== undefined) throw new DmError('USAGE_LISTEN', `--listen: "${wrong}" is not udp://HOST:PORT`);
  if (accounts === undefined) {
    const elsewhere = [dmUrl, ...(listen || [])].find((address) => !isLoopback(address));
    if (elsewhere === undefined) return;
    throw new DmError(
      'USAGE_ACCOUNTS',
      `accounts made from a seed are for loopback, not for ${elsewhere}: give --accounts`,
    );
  }
  if (auth !== undefined)
    throw new DmError('USAGE_AUTH', '--auth is for accounts made from the seed, not for --accounts');
}

function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

async function accountsOf(options: DevicesOptions): Promise<readonly AccountLine[]> {
  const { accounts: file, count, auth = 'mixed' } = options;
  if (file === undefined) return generateAccounts({ ...options, auth, count: count ?? DEFAULT_COUNT });
  const accounts = await readAccounts(file);
  if (count === undefined || count <= accounts.length) return accounts.slice(0, count);
  throw new DmError('USAGE_COUNT', `--count is ${count}, but ${file} has ${accounts.length} accounts`);
}

/** Where to listen: as told, else where the accounts of a file say, else on a free port. */
function addressesOf({ accounts: file, listen }: DevicesOptions, accounts: readonly AccountLine[]): readonly string[] {
  if (listen !== undefined) return listen || [];
  if (file === undefined) return ['udp://127.0.0.1:0'];
  const addresses = [...new Set(accounts.flatMap(({ notify }) => notify ?? []))];
  if (addresses.length <= MAX_SOCKETS) return addresses;
  throw new DmError(
    'USAGE_LISTEN',
    `the accounts name ${addresses.length} addresses, at most ${MAX_SOCKETS} are opened: give --listen`,
  );
}
