import type { AuthScheme } from '../protocol/auth/principal.ts';
import type { EpochMs } from '../fanout/store.ts';

/** One direction of authentication as it is kept. No plain secret but where basic has to be sent. */
export interface StoredCredential {
  readonly scheme: AuthScheme;
  readonly name: string;
  /** B64(H(name:password)). */
  readonly digest: string;
  readonly password: string | undefined;
  readonly nonce: Uint8Array;
}

/** An account of a device behind the gateway. */
export interface NewDevice {
  /** DevInfo/DevId, and the Source LocURI of its messages. */
  readonly deviceId: string;
  /** How the device proves itself to the gateway. */
  readonly client: StoredCredential;
  /** How the gateway proves itself to the device, and signs notifications; the name is its ServerID. */
  readonly server: StoredCredential;
  /** `udp://host:port`; undefined: the device polls. */
  readonly notify: string | undefined;
  /** Version field of its notifications, 11 or 12. */
  readonly notificationVersion: number;
}

/** Values of DevInfo and DevDetail that real sessions brought. */
export interface Inventory {
  readonly man?: string | undefined;
  readonly mod?: string | undefined;
  readonly dmV?: string | undefined;
  readonly lang?: string | undefined;
  readonly fwV?: string | undefined;
  readonly swV?: string | undefined;
  readonly hwV?: string | undefined;
  /** When FwV, SwV and HwV were last asked for. */
  readonly detailAt?: EpochMs | undefined;
}

export interface Device extends NewDevice {
  readonly key: number;
  /** Nonce before `server.nonce`: a device that lost the last answer still has it. */
  readonly previousServerNonce: Uint8Array;
  readonly inventory: Inventory;
  readonly lastSeenAt: EpochMs | undefined;
}

/** Device accounts. Writes are durable when their promise resolves. */
export interface DeviceStore {
  /** Adds all or none; an account that is there already is a `DmError` DEVICE_EXISTS that names it. */
  add(devices: readonly NewDevice[]): Promise<void>;
  byDeviceId(deviceId: string): Promise<Device | undefined>;
  byKey(key: number): Promise<Device | undefined>;
  /** Devices with `key > after`, in order of key; `query` is a part of the DeviceID. */
  list(after: number, limit: number, query?: string): Promise<readonly Device[]>;
  count(): Promise<number>;
  remove(deviceId: string): Promise<boolean>;
  /** A direction that did not change is absent. */
  saveNonces(key: number, nonces: { client?: Uint8Array | undefined; server?: Uint8Array | undefined }): Promise<void>;
  /** Overwrites the values that are given. */
  saveInventory(key: number, inventory: Inventory, seenAt: EpochMs): Promise<void>;
}
