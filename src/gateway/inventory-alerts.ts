import type { EpochMs } from '../fanout/store.ts';
import { encodeSyncBody } from '../fanout/sync-body.ts';
import { ALERT } from '../protocol/message/codes.ts';
import type { DeviceAlertStore } from '../store/device-alerts.ts';
import type { Device } from '../store/devices.ts';

/** What the inventory tells: a device came for the first time, or will not come any more. [GWMO] */
const TYPES = {
  attached: 'urn:oma:at:oma-gwmo:deviceattached:1.0',
  detached: 'urn:oma:at:oma-gwmo:devicedetached:1.0',
} as const;

interface InventoryAlertPorts {
  readonly deviceAlerts: Pick<DeviceAlertStore, 'add'>;
  /** DM Servers that want to know. */
  readonly toldTo: readonly string[];
  /** Alerts for this server were put into the outbox. */
  readonly alertReady: (serverId: string) => void;
  readonly now: () => EpochMs;
}

/** Tells DM Servers of changes of the inventory; durable in their outboxes when the promise resolves. [FANOUT 3] */
export interface InventoryAlerts {
  /** The device has opened an authenticated session: its first one attaches it. */
  seen(device: Device): Promise<void>;
  /** The account is being decommissioned: a device that was attached is so no more. */
  gone(device: Device): Promise<void>;
}

/**
 * Nothing is kept where nobody wants to know.
 *
 * Choice: Data is the DeviceID, with Format chr and Mark informational; the node of a detached device is gone.
 */
export function createInventoryAlerts({ deviceAlerts, toldTo, alertReady, now }: InventoryAlertPorts): InventoryAlerts {
  async function tell({ key: deviceKey, deviceId }: Device, what: keyof typeof TYPES): Promise<void> {
    if (toldTo.length === 0) return;
    const meta = { type: TYPES[what], format: 'chr', mark: 'informational' };
    const alert = encodeSyncBody([
      { kind: 'Alert', cmdId: '1', code: ALERT.generic, items: [{ meta, data: deviceId }] },
    ]);
    await deviceAlerts.add([{ deviceKey, deviceId, at: now(), alert }], toldTo);
    for (const serverId of toldTo) alertReady(serverId);
  }

  return {
    async seen(device) {
      if (device.lastSeenAt === undefined) await tell(device, 'attached');
    },
    async gone(device) {
      if (device.lastSeenAt !== undefined && device.decommissionedAt === undefined) await tell(device, 'detached');
    },
  };
}
