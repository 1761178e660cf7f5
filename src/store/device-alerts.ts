import type { EpochMs } from '../fanout/store.ts';

/** A Client Event or Generic Alert of a device. */
export interface NewDeviceAlert {
  /** Key of the device account. */
  readonly deviceKey: number;
  readonly deviceId: string;
  readonly at: EpochMs;
  /** A canonical SyncBody. */
  readonly alert: string;
}

export interface DeviceAlert extends NewDeviceAlert {
  readonly id: number;
}

/** A device's alert that a DM Server is to get and has not accepted yet. */
export interface ForwardedAlert extends DeviceAlert {
  readonly serverId: string;
  readonly attempts: number;
  readonly dueAt: EpochMs;
}

/** Alerts of devices, and which DM Servers are still to get them. Writes are durable when their promise resolves. */
export interface DeviceAlertStore {
  /** Keeps alerts, each to be passed on to these DM Servers. */
  add(alerts: readonly NewDeviceAlert[], serverIds: readonly string[]): Promise<void>;
  /** Alerts with `id < before`, newest first; of all devices or of one. */
  list(before: number | undefined, limit: number, deviceId?: string): Promise<readonly DeviceAlert[]>;
  /** Alerts that this server is to get and that are due, oldest first. */
  due(serverId: string, now: EpochMs, limit: number): Promise<readonly ForwardedAlert[]>;
  /** When the next alert for this server is due; undefined: there is none. */
  nextDueAt(serverId: string): Promise<EpochMs | undefined>;
  /** The server has it, or refused it for good. */
  forwarded(id: number, serverId: string): Promise<void>;
  deferred(id: number, serverId: string, dueAt: EpochMs): Promise<void>;
  /** Forgets at most `limit` alerts that are older than `before`, or not among the newest `keep`; none that waits to be passed on. */
  prune(before: EpochMs, keep: number, limit: number): Promise<number>;
}
