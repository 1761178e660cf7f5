import { Device } from '../src/device/device.ts';
import type { ExchangeSums, RawFleetCounts, RawFleetSetup } from '../src/device/raw/raw-fleet.ts';
import { WorkQueue } from '../src/device/work-queue.ts';
import { notificationAddressee } from '../src/protocol/notification/notification.ts';
import { createDmHttpClient, type DmConnection, type DmHttpClient } from '../src/transport/http-client.ts';
import { SHARED_CONNECTIONS } from './fleet-limits.ts';

interface PendingSession {
  readonly device: Device;
  readonly reason: 1200 | 1201;
  readonly sessionId: string;
}

/** The devices of the simulator, whole, with its usual HTTP client; told and counted like raw ones. */
export class UndiciFleet {
  readonly #devices = new Map<string, Device>();
  readonly #client: DmHttpClient = createDmHttpClient({ connections: SHARED_CONNECTIONS });
  readonly #queue: WorkQueue<PendingSession>;
  readonly #counts: { notified: number; sessions: number; failures: number } = {
    notified: 0,
    sessions: 0,
    failures: 0,
  };
  readonly #reasons: string[] = [];
  readonly #exchanges: ExchangeSums[] = [];

  constructor({ dmUrl, accounts, encoding, connections, maxSessions, isSilent }: RawFleetSetup) {
    const connect = (): DmConnection => this.#counting(connections === 'shared' ? undefined : this.#client.connect());
    for (const [index, account] of accounts.entries()) {
      const own = encoding === 'mixed' ? (index % 2 === 0 ? 'xml' : 'wbxml') : encoding;
      const fault = isSilent(index) ? 'silent' : undefined;
      this.#devices.set(account.deviceId, new Device({ dmUrl, connect }, { account, encoding: own, fault }));
    }
    this.#queue = new WorkQueue(maxSessions, (pending) => this.#run(pending));
  }

  receive(datagram: Uint8Array): void {
    const device = this.#devices.get(notificationAddressee(datagram) ?? '');
    const sessionId = device?.acceptNotification(datagram);
    if (device === undefined || sessionId === undefined) return;
    this.#counts.notified += 1;
    this.#queue.push({ device, reason: 1200, sessionId });
  }

  async pollAll(): Promise<void> {
    for (const device of this.#devices.values()) {
      this.#queue.push({ device, reason: 1201, sessionId: device.newSessionId() });
    }
    await this.#queue.idle();
  }

  counts(): RawFleetCounts {
    return { ...this.#counts, reasons: this.#reasons, exchanges: this.#exchanges };
  }

  async close(): Promise<void> {
    this.#queue.drop();
    await this.#queue.idle();
    await this.#client.close();
  }

  /** The connection of one session; undefined: it uses the shared ones. */
  #counting(own: DmConnection | undefined): DmConnection {
    const connection = own ?? this.#client;
    let exchange = 0;
    return {
      exchange: async (request) => {
        const response = await connection.exchange(request);
        const sums = (this.#exchanges[exchange] ??= { count: 0, bytesUp: 0, bytesDown: 0 });
        exchange += 1;
        sums.count += 1;
        sums.bytesUp += request.body.byteLength;
        sums.bytesDown += response.body.byteLength;
        return response;
      },
      close: () => own?.close() ?? Promise.resolve(),
    };
  }

  async #run({ device, reason, sessionId }: PendingSession): Promise<void> {
    const { outcome } = await device.runSession(reason, sessionId);
    if (outcome.kind === 'completed') {
      this.#counts.sessions += 1;
      return;
    }
    this.#counts.failures += 1;
    if (this.#reasons.length < 5) this.#reasons.push(`${device.id}: ${JSON.stringify(outcome)}`);
  }
}
