import type { Encoding } from '../../protocol/codec.ts';
import { notificationAddressee } from '../../protocol/notification/notification.ts';
import type { AccountLine } from '../../store/account-line.ts';
import { WorkQueue } from '../work-queue.ts';
import { RawConnections } from './raw-http.ts';
import { RawDevice } from './raw-device.ts';
import { createRawMessages, type RawMessages } from './raw-messages.ts';

/** What a fleet of raw devices is like. */
export interface RawFleetSetup {
  readonly dmUrl: string;
  readonly accounts: readonly AccountLine[];
  /** `mixed`: the devices take turns. */
  readonly encoding: Encoding | 'mixed';
  readonly connections: 'shared' | 'per-session';
  /** Sessions at a time, and with it connections; the others wait for their turn. */
  readonly maxSessions: number;
  /** Devices that never react to a notification, by their place in `accounts`. */
  readonly isSilent: (index: number) => boolean;
}

/** What a fleet has done so far. */
export interface RawFleetCounts {
  readonly notified: number;
  /** Sessions that ended well. */
  readonly sessions: number;
  readonly failures: number;
  /** The first few failures. */
  readonly reasons: readonly string[];
  /** By exchange of a session: how many there were, and octets of all their bodies. */
  readonly exchanges: readonly ExchangeSums[];
}

/** Exchanges at the same place of a session, added up. */
export interface ExchangeSums {
  count: number;
  bytesUp: number;
  bytesDown: number;
}

interface PendingSession {
  readonly device: RawDevice;
  readonly reason: 1200 | 1201;
  readonly sessionId: string;
}

const MAX_REASONS = 5;
const MAX_SESSION_NUMBER = 0xffff;

/** Many raw devices in one process. It opens no UDP socket: datagrams are handed to it. */
export class RawFleet {
  readonly #devices = new Map<string, RawDevice>();
  readonly #silent = new Set<string>();
  readonly #connections: RawConnections;
  readonly #queue: WorkQueue<PendingSession>;
  readonly #path: string;
  readonly #exchanges: ExchangeSums[] = [];
  readonly #reasons: string[] = [];
  #notified = 0;
  #sessions = 0;
  #failures = 0;
  #ownSessions = 0;

  private constructor(setup: RawFleetSetup) {
    const { hostname, port, pathname } = new URL(setup.dmUrl);
    this.#path = pathname;
    this.#connections = new RawConnections({ host: hostname, port: Number(port) }, setup.connections);
    this.#queue = new WorkQueue(setup.maxSessions, (pending) => this.#run(pending));
  }

  /** Makes the devices. Throws `DmError` RAW_DEVICE_ID. */
  static async create(setup: RawFleetSetup): Promise<RawFleet> {
    const fleet = new RawFleet(setup);
    const messages = new Map<string, RawMessages>();
    for (const [index, account] of setup.accounts.entries()) {
      const encoding = setup.encoding === 'mixed' ? (index % 2 === 0 ? 'xml' : 'wbxml') : setup.encoding;
      const { scheme, serverScheme, serverId } = account;
      const kind = JSON.stringify([encoding, scheme, serverScheme, serverId]);
      const shared =
        messages.get(kind) ??
        (await createRawMessages({ encoding, scheme, serverScheme, serverId, dmUrl: setup.dmUrl }));
      messages.set(kind, shared);
      fleet.#devices.set(account.deviceId, new RawDevice(shared, account));
      if (setup.isSilent(index)) fleet.#silent.add(account.deviceId);
    }
    return fleet;
  }

  /** Takes in a datagram; the DeviceID in its vendor-specific body says whose it is. [FANOUT 8] */
  receive(datagram: Uint8Array): void {
    const device = this.#devices.get(notificationAddressee(datagram) ?? '');
    if (device === undefined || this.#silent.has(device.id)) return;
    const sessionId = device.acceptNotification(datagram);
    if (sessionId === undefined) return;
    this.#notified += 1;
    this.#queue.push({ device, reason: 1200, sessionId });
  }

  /** Each device opens a session by itself. Resolves when all have ended. */
  async pollAll(): Promise<void> {
    for (const device of this.#devices.values()) {
      this.#ownSessions = (this.#ownSessions % MAX_SESSION_NUMBER) + 1;
      this.#queue.push({ device, reason: 1201, sessionId: this.#ownSessions.toString(16).toUpperCase() });
    }
    await this.#queue.idle();
  }

  counts(): RawFleetCounts {
    return {
      notified: this.#notified,
      sessions: this.#sessions,
      failures: this.#failures,
      reasons: this.#reasons,
      exchanges: this.#exchanges,
    };
  }

  /** Forgets the sessions that wait and resolves when those that run have ended. */
  async close(): Promise<void> {
    this.#queue.drop();
    await this.#queue.idle();
    this.#connections.close();
  }

  async #run({ device, reason, sessionId }: PendingSession): Promise<void> {
    const connection = this.#connections.take();
    try {
      await device.runSession(reason, sessionId, { connection, path: this.#path, watch: this.#watch });
      this.#sessions += 1;
    } catch (error) {
      this.#failures += 1;
      if (this.#reasons.length < MAX_REASONS) this.#reasons.push(String(error));
    }
    this.#connections.give(connection);
  }

  readonly #watch = (exchange: number, bytesUp: number, bytesDown: number): void => {
    const sums = (this.#exchanges[exchange] ??= { count: 0, bytesUp: 0, bytesDown: 0 });
    sums.count += 1;
    sums.bytesUp += bytesUp;
    sums.bytesDown += bytesDown;
  };
}
