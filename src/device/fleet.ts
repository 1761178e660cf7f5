import type { EpochMs } from '../fanout/store.ts';
import type { Encoding } from '../protocol/codec.ts';
import { notificationAddressee } from '../protocol/notification/notification.ts';
import type { AccountLine } from '../store/account-line.ts';
import { SYSTEM_CLOCK } from '../transport/clock.ts';
import { Device, type DeviceSurroundings } from './device.ts';
import { assignFaults, type FaultShare } from './faults.ts';
import { FleetCounter, type FleetCounts } from './fleet-counts.ts';
import { assignLacks, type LackShare } from './lacks.ts';
import { startPolling } from './polling.ts';
import { Timers } from './timers.ts';
import { WorkQueue } from './work-queue.ts';

/** What the devices of a fleet are like. */
export interface FleetSetup {
  readonly accounts: readonly AccountLine[];
  /** `mixed`: the devices take turns. */
  readonly encoding: Encoding | 'mixed';
  readonly seed: number;
  readonly faults: readonly FaultShare[];
  readonly lacks: LackShare | undefined;
  /** Sessions that run at the same time; the others wait for their turn. */
  readonly maxSessions: number;
  /** How often a device without a notification address opens a session by itself; 0: never. */
  readonly pollIntervalMs: number;
}

/** What a fleet needs from its surroundings. */
export interface FleetPorts extends Omit<DeviceSurroundings, 'executed' | 'pause' | 'wantsSession'> {
  now(): EpochMs;
  /** A session failed inside the device: a defect, not a peer's doing. */
  crashed(deviceId: string, error: unknown): void;
}

interface PendingSession {
  readonly device: Device;
  readonly reason: 1200 | 1201;
  readonly sessionId: string;
}

/** Many simulated devices in one process. It opens no socket: datagrams are handed to it. */
export class Fleet {
  readonly #devices = new Map<string, Device>();
  /** By notification address: its only device; undefined where several share it. */
  readonly #onlyAt = new Map<string, Device | undefined>();
  readonly #pollers: Device[] = [];
  /** Devices with a session of their own that waits or runs. */
  readonly #ownPending = new Set<Device>();
  readonly #queue: WorkQueue<PendingSession>;
  readonly #timers: Timers;
  readonly #counter: FleetCounter;
  readonly #ports: FleetPorts;
  readonly #stopPolling: () => void;

  /** Throws `DmError` USAGE_FAULTS where the fleet is too small for its faults. */
  constructor(setup: FleetSetup, ports: FleetPorts) {
    this.#ports = ports;
    this.#counter = new FleetCounter(setup.accounts.length);
    this.#timers = new Timers(ports.clock ?? SYSTEM_CLOCK);
    this.#queue = new WorkQueue(setup.maxSessions, (pending) => this.#run(pending));
    this.#createDevices(setup);
    this.#stopPolling = startPolling(this.#pollers.length, setup.pollIntervalMs, (index) => {
      const device = this.#pollers[index];
      if (device) this.#openOwn(device);
    });
  }

  /**
   * Takes in a datagram that came to `address`. The DeviceID in its vendor-specific body says whose it is; without one
   * it is for the only device with that address. What no device accepts is ignored. [NOTI 6]
   */
  receive(datagram: Uint8Array, address: string): void {
    const device = this.#addressee(datagram, address);
    const sessionId = device?.acceptNotification(datagram);
    if (device === undefined || sessionId === undefined) return;
    this.#counter.notified(device);
    this.#queue.push({ device, reason: 1200, sessionId });
  }

  counts(): FleetCounts {
    return this.#counter.counts();
  }

  /** Has no device come by itself any more, forgets the sessions that wait and resolves when those that run have ended. */
  async close(): Promise<void> {
    this.#stopPolling();
    this.#timers.end();
    this.#queue.drop();
    await this.#queue.idle();
  }

  #createDevices({ accounts, encoding, seed, faults, lacks }: FleetSetup): void {
    const surroundings: DeviceSurroundings = {
      ...this.#ports,
      executed: (device, commands) => this.#counter.executed(device, commands, this.#ports.now()),
      clock: this.#timers,
      pause: (delayMs) => this.#queue.waitOutside(this.#timers.wait(delayMs)),
      wantsSession: (device) => this.#openOwn(device),
    };
    const faulty = assignFaults(seed, accounts.length, faults);
    const lacking = lacks && assignLacks(seed, accounts.length, lacks.percent);
    for (const [index, account] of accounts.entries()) {
      const device = new Device(surroundings, {
        account,
        encoding: encoding === 'mixed' ? ((index + seed) % 2 === 0 ? 'xml' : 'wbxml') : encoding,
        fault: faulty.get(index),
        seed,
        lacks: lacks && lacking?.has(index) ? lacks.locUris : [],
      });
      this.#devices.set(account.deviceId, device);
      if (account.notify !== undefined) {
        this.#onlyAt.set(account.notify, this.#onlyAt.has(account.notify) ? undefined : device);
      } else if (!device.isSilent) {
        this.#pollers.push(device);
      }
    }
  }

  /** Only as much of an unverified datagram is believed as is needed to find who can verify it. */
  #addressee(datagram: Uint8Array, address: string): Device | undefined {
    const named = notificationAddressee(datagram);
    if (named !== undefined) return this.#devices.get(named);
    const only = this.#onlyAt.get(address);
    if (only !== undefined || this.#devices.size > 1) return only;
    return this.#devices.values().next().value;
  }

  /** One at a time: a second one would have nothing else to say. */
  #openOwn(device: Device): void {
    if (this.#ownPending.has(device)) return;
    this.#ownPending.add(device);
    this.#queue.push({ device, reason: 1201, sessionId: device.newSessionId() });
  }

  async #run({ device, reason, sessionId }: PendingSession): Promise<void> {
    try {
      this.#counter.ended(await device.runSession(reason, sessionId));
    } catch (error) {
      this.#ports.crashed(device.id, error);
    } finally {
      if (reason === 1201) this.#ownPending.delete(device);
    }
  }
}
