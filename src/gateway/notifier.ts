import type { Notifier } from '../fanout/engine.ts';
import type { Target } from '../fanout/store.ts';
import { encodeNotification, RESET_NONCES } from '../protocol/notification/notification.ts';
import type { Device, DeviceStore, StoredCredential } from '../store/devices.ts';
import type { NotificationSender } from '../transport/notification-sender.ts';
import type { GatewayLog } from './gateway.ts';

/** What notifications need from the rest of the gateway. */
interface NotifierPorts {
  readonly devices: Pick<DeviceStore, 'byKey'>;
  /** Sends to any address that an account can have. */
  readonly sender: NotificationSender;
  /** SessionID of the session that is open with this device. */
  openSessionId(deviceKey: number): string | undefined;
  /** A number from 1 to 65,535 that nobody could have foreseen. */
  newSessionNumber(): number;
  /** Put the DeviceID into the vendor-specific body. */
  readonly deviceIdInBody: boolean;
  now(): number;
  readonly log: GatewayLog;
}

/**
 * Tells devices by package #0 that commands wait. From a target's second attempt on the nonces may have drifted apart:
 * then it goes out under each nonce the device may have, with one session id, for which a device starts one session.
 * So it does under the secret before a rotation while that is in its grace.
 * [FANOUT 8]
 */
export function createNotifier(ports: NotifierPorts): Notifier {
  async function notify(target: Target): Promise<'sent' | 'refused'> {
    const device = target.deviceKey === undefined ? undefined : await ports.devices.byKey(target.deviceKey);
    if (device?.notify === undefined || device.decommissionedAt !== undefined) return 'refused';
    const { notify: address } = device;
    const sessionNumber = newSessionNumber(device.key);
    const datagrams = signaturesFor(device, target.attempts, ports.now()).map(({ digest, nonce }) =>
      encodeNotification(
        {
          version: device.notificationVersion,
          uiMode: 'background',
          initiator: 'server',
          sessionId: sessionNumber,
          serverId: device.server.name,
          vendor: ports.deviceIdInBody ? Buffer.from(device.deviceId) : undefined,
        },
        digest,
        nonce,
      ),
    );
    const sent = await Promise.all(datagrams.map((datagram) => ports.sender.send(address, datagram)));
    return sent.includes('sent') ? 'sent' : 'refused';
  }

  function newSessionNumber(deviceKey: number): number {
    const open = ports.openSessionId(deviceKey);
    for (;;) {
      const number = ports.newSessionNumber();
      if (number.toString(16).toUpperCase() !== open) return number;
    }
  }

  return {
    async notify(target) {
      try {
        return await notify(target);
      } catch (error) {
        ports.log.error('device could not be notified', { deviceId: target.deviceId, err: error });
        return 'refused';
      }
    },
  };
}

/** What a notification is signed with, one after the other. */
function signaturesFor(
  { server, previousServerNonce, former }: Device,
  attempts: number,
  now: number,
): readonly Pick<StoredCredential, 'digest' | 'nonce'>[] {
  if (attempts < 2) return [server];
  const sign = (digest: string, nonces: readonly Uint8Array[]) => nonces.map((nonce) => ({ digest, nonce }));
  return [
    ...sign(server.digest, [server.nonce, previousServerNonce, ...RESET_NONCES]),
    ...(former && former.until > now ? sign(former.server.digest, [former.server.nonce, ...RESET_NONCES]) : []),
  ];
}
