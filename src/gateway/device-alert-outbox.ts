import { decodeSyncBody } from '../fanout/sync-body.ts';
import { ALERT } from '../protocol/message/codes.ts';
import type { Item } from '../protocol/message/message.ts';
import type { OutgoingAlert } from '../protocol/session/client-types.ts';
import type { DeviceAlert, DeviceAlertStore } from '../store/device-alerts.ts';
import { formatLocUri } from '../tree/loc-uri.ts';
import { DEVICE_INVENTORY } from './objects/device-inventory.ts';
import type { Outbox } from './outbox.ts';

/** The alerts of devices that a DM Server is to get. [FANOUT 6] */
export function createDeviceAlertOutbox(
  serverId: string,
  deviceAlerts: Pick<DeviceAlertStore, 'due' | 'nextDueAt' | 'forwarded' | 'deferred'>,
): Outbox {
  return {
    async waiting(dueBy, limit) {
      const alerts = await deviceAlerts.due(serverId, dueBy, limit);
      return alerts.map((alert) => ({
        ref: `device ${alert.id}`,
        alert: () => Promise.resolve(forwardedAlert(alert)),
        attempts: alert.attempts,
        accepted: () => deviceAlerts.forwarded(alert.id, serverId),
        rejected: () => deviceAlerts.forwarded(alert.id, serverId),
        deferred: (dueAt) => deviceAlerts.deferred(alert.id, serverId, dueAt),
      }));
    },
    nextDueAt: () => deviceAlerts.nextDueAt(serverId),
  };
}

/**
 * A device's alert as the gateway passes it on: a Generic Alert with Type, Format, Mark, Data and Correlator as the
 * device sent them.
 *
 * Choice: its Source is the device's node in the inventory, where DeviceID stands; the LocName is the Source that the
 * device gave, which is an address in the device's own tree.
 */
export function forwardedAlert({ deviceKey, alert }: DeviceAlert): OutgoingAlert['alert'] {
  const locUri = formatLocUri([...DEVICE_INVENTORY, String(deviceKey)]);
  const told = decodeSyncBody(alert).find((command) => command.kind === 'Alert');
  const items = (told?.items ?? []).map(({ source, meta, data }): Item => ({
    source: { locUri, locName: source?.locUri },
    meta,
    data,
  }));
  return {
    kind: 'Alert',
    code: ALERT.generic,
    ...(told?.correlator === undefined ? {} : { correlator: told.correlator }),
    items: items.length > 0 ? items : [{ source: { locUri } }],
  };
}
