import { parseUdpAddress } from './udp-address.ts';
import type { UdpSender } from './udp-sender.ts';

/** One way for package #0 to reach a device. */
export interface NotificationSender {
  /**
   * `sent` says that the transport took it, not that anybody got it; `refused`, that it will not take it. Rejects when
   * the transport failed in a way that another try may mend.
   */
  send(address: string, bytes: Uint8Array): Promise<'sent' | 'refused'>;
}

/** Sends to `udp://host:port`. [NOTI 6] */
export function udpNotifications(sender: Pick<UdpSender, 'send'>): NotificationSender {
  return {
    send: (address, bytes) => {
      const { host, port } = parseUdpAddress(address);
      return sender.send(host, port, bytes);
    },
  };
}

/** Picks the sender by the scheme of the address; what no sender is there for is refused. Schemes as in `udp:`. */
export function notificationsByScheme(senders: Readonly<Record<string, NotificationSender>>): NotificationSender {
  const byScheme = new Map(Object.entries(senders));
  return {
    send: async (address, bytes) =>
      (await byScheme.get(/^[a-z]+:/i.exec(address)?.[0].toLowerCase() ?? '')?.send(address, bytes)) ?? 'refused',
  };
}
