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
  /** `udp://host:port`, or the `http(s)://…` of a push gateway; undefined: the device polls. */
  readonly notify: string | undefined;
  /** Version field of its notifications: 10, 11 or 12. */
  readonly notificationVersion: number;
  /** What the device can take where it does not tell it itself. */
  readonly maxMsgBytes?: number | undefined;
  readonly maxObjBytes?: number | undefined;
}

/** New secrets of an account and their first nonces; names and schemes stay. */
export interface NewSecrets {
  readonly client: Pick<StoredCredential, 'digest' | 'password' | 'nonce'>;
  readonly server: Pick<StoredCredential, 'digest' | 'password' | 'nonce'>;
}

/** Secrets that a rotation replaced: still good until `until`, or until the device has used the new one. [FANOUT 8] */
export interface FormerSecrets {
  readonly client: StoredCredential;
  readonly server: StoredCredential;
  readonly until: EpochMs;
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
  readonly former: FormerSecrets | undefined;
  /** Since when the account is only remembered: its device is answered like one nobody knows. */
  readonly decommissionedAt: EpochMs | undefined;
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
  /** A direction that did not change is absent. They belong to the secrets of `clientDigest`; without it to the newest. */
  saveNonces(
    key: number,
    nonces: { client?: Uint8Array | undefined; server?: Uint8Array | undefined },
    clientDigest?: string,
  ): Promise<void>;
  /**
   * Secrets with a grace: the ones before stay good until `grace.until`. Those that were still in their grace at
   * `grace.now` outlast the ones no device has used. False: there is no such account, or it is decommissioned.
   */
  rotateSecrets(deviceId: string, secrets: NewSecrets, grace: { now: EpochMs; until: EpochMs }): Promise<boolean>;
  /** Another device takes the DeviceID over: nothing of the one before counts, and its inventory is forgotten. */
  moveDevice(deviceId: string, secrets: NewSecrets): Promise<boolean>;
  /** The device has proved itself by the secrets of `clientDigest`: if they are the newest, those before are forgotten. */
  noteSecretUsed(key: number, clientDigest: string): Promise<void>;
  /** False: there is no such account. */
  decommission(deviceId: string, at: EpochMs): Promise<boolean>;
  /** Overwrites the values that are given. */
  saveInventory(key: number, inventory: Inventory, seenAt: EpochMs): Promise<void>;
}
