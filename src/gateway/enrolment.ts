import type { FanOutEngine } from '../fanout/engine.ts';
import type { EpochMs } from '../fanout/store.ts';
import { digestOf } from '../protocol/auth/digest.ts';
import type { AuthScheme } from '../protocol/auth/principal.ts';
import { DmError } from '../protocol/errors.ts';
import type { Device, DeviceStore, NewDevice, NewSecrets, StoredCredential } from '../store/devices.ts';
import { type DeviceProfile, dmAccOf, w7Of } from './device-profile.ts';
import type { GatewayLog } from './gateway.ts';
import type { InventoryAlerts } from './inventory-alerts.ts';

interface EnrolmentPorts {
  readonly gatewayId: string;
  readonly devices: DeviceStore;
  readonly engine: Pick<FanOutEngine, 'deviceGone'>;
  readonly inventoryAlerts: Pick<InventoryAlerts, 'gone'>;
  /** Where the devices are told to post to, unless a request says otherwise. */
  gatewayUrl(): string;
  /** Octets nobody could have foreseen. */
  randomBytes(length: number): Uint8Array;
  now(): EpochMs;
  readonly log: GatewayLog;
}

/** An account that is made together with its secrets. */
export interface NewAccount {
  readonly userName?: string | undefined;
  readonly scheme: AuthScheme;
  readonly serverId?: string | undefined;
  readonly serverScheme: AuthScheme;
  readonly notify?: string | undefined;
  readonly notificationVersion: number;
  readonly maxMsgBytes?: number | undefined;
  readonly maxObjBytes?: number | undefined;
}

interface RotateRequest {
  /** How long the secrets before stay good if the device does not use the new ones. */
  readonly graceMs: number;
  /** What the profile says the device is to post to. */
  readonly gatewayUrl?: string | undefined;
}

interface BootstrapRequest extends RotateRequest {
  readonly create?: NewAccount | undefined;
  /** The DeviceID goes to new hardware: nothing of the one before counts. */
  readonly move?: boolean | undefined;
}

/** What is handed out once: the documents hold the plain secrets. */
export interface Enrolled {
  readonly deviceId: string;
  readonly gatewayUrl: string;
  /** Until when the secrets before are good too; undefined: there are none, or they are no longer. */
  readonly graceUntil: EpochMs | undefined;
  readonly dmAcc: string;
  readonly w7: string;
}

/**
 * Gives devices their secrets and takes them away. Throws `DmError` DEVICE_UNKNOWN, DEVICE_EXISTS or
 * DEVICE_DECOMMISSIONED. [FANOUT 8]
 */
export interface Enrolment {
  bootstrap(deviceId: string, request: BootstrapRequest): Promise<Enrolled>;
  rotate(deviceId: string, request: RotateRequest): Promise<Enrolled>;
  /** Answers how many members of runs became `unreachable`. `purge`: the account is forgotten altogether. */
  remove(deviceId: string, options: { readonly purge: boolean }): Promise<number>;
}

/** Octets of a secret and of a nonce. Peer: libdmclient drops nonces whose length modulo 3 is 2. */
const SECRET_BYTES = 16;

/** Enrolment of the devices of one gateway. Of what it makes only digests are kept. */
export function createEnrolment(ports: EnrolmentPorts): Enrolment {
  const { devices, log } = ports;

  async function known(deviceId: string): Promise<Device> {
    const device = await devices.byDeviceId(deviceId);
    if (device) return device;
    throw new DmError('DEVICE_UNKNOWN', `there is no account of device ${deviceId}`);
  }

  function freshCredential({ scheme, name }: Pick<StoredCredential, 'scheme' | 'name'>) {
    const secret = Buffer.from(ports.randomBytes(SECRET_BYTES)).toString('base64url');
    return { scheme, name, secret, nonce: ports.randomBytes(SECRET_BYTES) };
  }

  function profileOf(
    { client, server }: Record<'client' | 'server', Pick<StoredCredential, 'scheme' | 'name'>>,
    gatewayUrl = ports.gatewayUrl(),
  ): DeviceProfile {
    const credentials = { client: freshCredential(client), server: freshCredential(server) };
    return { ...credentials, gatewayName: ports.gatewayId, gatewayUrl };
  }

  function enrolled(deviceId: string, profile: DeviceProfile, graceUntil: EpochMs | undefined): Enrolled {
    return { deviceId, gatewayUrl: profile.gatewayUrl, graceUntil, dmAcc: dmAccOf(profile), w7: w7Of(profile) };
  }

  async function create(deviceId: string, account: NewAccount, gatewayUrl: string | undefined): Promise<Enrolled> {
    // A user name must not hold a colon: in H(name:secret) nobody could tell where it ends. [SEC 5.3]
    const { userName = deviceId.replaceAll(':', '-'), serverId = ports.gatewayId } = account;
    const profile = profileOf(
      {
        client: { scheme: account.scheme, name: userName },
        server: { scheme: account.serverScheme, name: serverId },
      },
      gatewayUrl,
    );
    const { client, server } = kept(profile);
    const device: NewDevice = {
      deviceId,
      client: { ...client, scheme: account.scheme, name: userName },
      server: { ...server, scheme: account.serverScheme, name: serverId },
      notify: account.notify,
      notificationVersion: account.notificationVersion,
      maxMsgBytes: account.maxMsgBytes,
      maxObjBytes: account.maxObjBytes,
    };
    await devices.add([device]);
    log.info('device was enrolled', { deviceId });
    return enrolled(deviceId, profile, undefined);
  }

  async function move(deviceId: string, gatewayUrl: string | undefined): Promise<Enrolled> {
    const profile = profileOf(await known(deviceId), gatewayUrl);
    if (!(await devices.moveDevice(deviceId, kept(profile)))) await known(deviceId);
    log.info('device moved to new hardware', { deviceId });
    return enrolled(deviceId, profile, undefined);
  }

  async function rotate(deviceId: string, { graceMs, gatewayUrl }: RotateRequest): Promise<Enrolled> {
    const profile = profileOf(await known(deviceId), gatewayUrl);
    const now = ports.now();
    const until = now + graceMs;
    if (!(await devices.rotateSecrets(deviceId, kept(profile), { now, until }))) {
      await known(deviceId);
      throw new DmError(
        'DEVICE_DECOMMISSIONED',
        `device ${deviceId} is decommissioned; bootstrap it as a move to take it up again`,
      );
    }
    log.info('secrets of a device were rotated', { deviceId, graceMs });
    return enrolled(deviceId, profile, graceMs > 0 ? until : undefined);
  }

  return {
    bootstrap(deviceId, request) {
      if (request.create) return create(deviceId, request.create, request.gatewayUrl);
      return request.move ? move(deviceId, request.gatewayUrl) : rotate(deviceId, request);
    },
    rotate,
    async remove(deviceId, { purge }) {
      const device = await known(deviceId);
      // First no run takes it up any more, then what waits is settled.
      await Promise.all([devices.decommission(deviceId, ports.now()), ports.inventoryAlerts.gone(device)]);
      const unreachable = await ports.engine.deviceGone(device.key);
      if (purge) await devices.remove(deviceId);
      log.info(purge ? 'device was removed' : 'device was decommissioned', { deviceId, unreachable });
      return unreachable;
    },
  };
}

/** What is kept of the secrets: digests, and a plain one only where the gateway itself must send basic. */
function kept({ client, server }: DeviceProfile): NewSecrets {
  return {
    client: { digest: digestOf(client.name, client.secret), password: undefined, nonce: client.nonce },
    server: {
      digest: digestOf(server.name, server.secret),
      password: server.scheme === 'basic' ? server.secret : undefined,
      nonce: server.nonce,
    },
  };
}
