import type { NodeStore } from '../store/nodes.ts';
import { formatLocUri } from '../tree/loc-uri.ts';
import { DEVICE_GROUPS } from './objects/gw-config.ts';

/** What was kept of a node below `DeviceGroups`, and of those below it, goes with the node when no DM Server deletes it. [TND 7.7] */
export async function forgetGroupNode(
  { acls, properties }: Pick<NodeStore, 'acls' | 'properties'>,
  ...path: readonly string[]
): Promise<void> {
  const locUri = formatLocUri([...DEVICE_GROUPS, ...path]);
  await Promise.all([acls.forget(locUri), properties.forget(locUri)]);
}
