import type { Device, DeviceStore, Inventory } from '../../store/devices.ts';
import { pagesOf } from '../../store/pages.ts';
import type { ManagementObject, Path } from '../../tree/management-object.ts';
import { type NodeRow, type NodeTable, tableObject } from './node-table.ts';
import { utcTime } from './utc-time.ts';

/** Path of the node that holds the devices, from the tree's root; each is named by the key of its account. */
export const DEVICE_INVENTORY: Path = ['GwDeviceInventory'];
const PAGE = 500;
const READ_ONLY_TEXT = { format: 'chr', access: ['Get'], occurrence: 'One' } as const satisfies NodeRow;
/** A value that only a session with the device can bring. */
const LEARNED_TEXT = { ...READ_ONLY_TEXT, occurrence: 'ZeroOrOne' } as const satisfies NodeRow;

/** Device Inventory MO: what real sessions said of the devices. [FANOUT 3] */
export const DEVICE_INVENTORY_NODES = {
  '': { format: 'node', type: 'urn:oma:mo:oma-gwmo-deviceinventory:1.1', access: ['Get'], occurrence: 'One' },
  '*': { format: 'node', access: ['Get'], occurrence: 'ZeroOrMore' },
  '*/DeviceID': READ_ONLY_TEXT,
  '*/Man': LEARNED_TEXT,
  '*/Mod': LEARNED_TEXT,
  '*/DmV': LEARNED_TEXT,
  '*/Lang': LEARNED_TEXT,
  '*/Ext': { format: 'node', access: ['Get'], occurrence: 'One' },
  '*/Ext/FwV': LEARNED_TEXT,
  '*/Ext/SwV': LEARNED_TEXT,
  '*/Ext/HwV': LEARNED_TEXT,
  '*/Ext/State': READ_ONLY_TEXT,
  '*/Ext/LastSeen': LEARNED_TEXT,
} as const satisfies NodeTable;

/** The device accounts as the DM Server sees them; a device is known by the key of its account. */
export function createDeviceInventory(devices: Pick<DeviceStore, 'byKey' | 'list'>): ManagementObject {
  const value = (select: (device: Device) => string | undefined) => ({
    async read([key]: readonly [string]) {
      const device = await byName(key);
      return device && select(device);
    },
  });
  const learned = (field: Exclude<keyof Inventory, 'detailAt'>) => value(({ inventory }) => inventory[field]);

  async function byName(name: string): Promise<Device | undefined> {
    const device = /^[1-9]\d{0,14}$/.test(name) ? await devices.byKey(Number(name)) : undefined;
    return device?.decommissionedAt === undefined ? device : undefined;
  }

  return tableObject(DEVICE_INVENTORY, DEVICE_INVENTORY_NODES, {
    '*': {
      exists: async ([key]) => (await byName(key)) !== undefined,
      async *list() {
        const all = pagesOf(PAGE, (last: Device | undefined) => devices.list(last?.key ?? 0, PAGE));
        for await (const { key, decommissionedAt } of all) if (decommissionedAt === undefined) yield String(key);
      },
    },
    '*/DeviceID': value(({ deviceId }) => deviceId),
    '*/Man': learned('man'),
    '*/Mod': learned('mod'),
    '*/DmV': learned('dmV'),
    '*/Lang': learned('lang'),
    '*/Ext/FwV': learned('fwV'),
    '*/Ext/SwV': learned('swV'),
    '*/Ext/HwV': learned('hwV'),
    '*/Ext/State': value(({ lastSeenAt }) => (lastSeenAt === undefined ? 'registered' : 'attached')),
    '*/Ext/LastSeen': value(({ lastSeenAt }) => utcTime(lastSeenAt)),
  });
}
