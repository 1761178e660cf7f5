import { DEVICE_TEMPLATES } from '../../src/device/device-tree.ts';
import { DEV_DETAIL_NODES, DEV_INFO_NODES } from '../../src/gateway/objects/dev-info.ts';
import { DEVICE_INVENTORY_NODES } from '../../src/gateway/objects/device-inventory.ts';
import { DM_ACC_NODES } from '../../src/gateway/objects/dm-acc.ts';
import { FAN_OUT_NODES } from '../../src/gateway/objects/fan-out.ts';
import { GW_CONFIG_NODES } from '../../src/gateway/objects/gw-config.ts';
import { RESULTS_NODES } from '../../src/gateway/objects/results.ts';
import type { ObjectDescription } from '../../src/tree/description.ts';
import { INBOX_NODES } from '../../src/tree/inbox.ts';
import type { Path } from '../../src/tree/management-object.ts';
import { descriptionOf } from '../../src/tree/object-template.ts';

/** An object that somebody has in his tree, and the table behind it. */
export interface DescribedObject {
  readonly name: string;
  readonly root: Path;
  readonly nodes: ObjectDescription;
}

/** All objects of the gateway. */
export const GATEWAY_OBJECTS: readonly DescribedObject[] = [
  { name: 'Fan-Out MO', root: ['SCM'], nodes: FAN_OUT_NODES },
  { name: 'Results', root: ['SCR'], nodes: RESULTS_NODES },
  { name: 'Gateway Config MO', root: ['GwConfig'], nodes: GW_CONFIG_NODES },
  { name: 'Device Inventory MO', root: ['GwDeviceInventory'], nodes: DEVICE_INVENTORY_NODES },
  { name: 'DMAcc', root: ['DMAcc'], nodes: DM_ACC_NODES },
  { name: 'DevInfo', root: ['DevInfo'], nodes: DEV_INFO_NODES },
  { name: 'DevDetail', root: ['DevDetail'], nodes: DEV_DETAIL_NODES },
];

/** All objects of a simulated device. */
export const DEVICE_OBJECTS: readonly DescribedObject[] = [
  ...Object.entries(DEVICE_TEMPLATES).map(([name, template]) => ({
    name,
    root: template.root,
    nodes: descriptionOf(template),
  })),
  { name: 'Inbox', root: ['Inbox'], nodes: INBOX_NODES },
];
