import type { FanOutEngine } from '../fanout/engine.ts';
import type { NodeStore } from '../store/nodes.ts';
import { allows } from '../tree/acl.ts';
import type { AclStore } from '../tree/acl-store.ts';
import { formatLocUri } from '../tree/loc-uri.ts';
import { createTree, type Tree } from '../tree/tree.ts';
import type { GatewaySetup } from './gateway.ts';
import { createDevDetail, createDevInfo } from './objects/dev-info.ts';
import { createDeviceInventory } from './objects/device-inventory.ts';
import { createDmAcc } from './objects/dm-acc.ts';
import { createFanOut } from './objects/fan-out.ts';
import { createGwConfig } from './objects/gw-config.ts';
import { createResults } from './objects/results.ts';

/** What the tree is made from. */
type GatewayTreeSetup = Pick<GatewaySetup, 'id' | 'store' | 'servers' | 'fanOut'> & {
  readonly version: string;
  readonly maxObjBytes: number;
  readonly startRun: FanOutEngine['startRun'];
};

/** The gateway's management tree, as its DM Servers see it; each of them has every right at the root. [FANOUT 3] */
export function createGatewayTree({ store, servers, fanOut, ...setup }: GatewayTreeSetup): Tree {
  const tree: Tree = createTree({
    objects: [
      createDevInfo(setup.id),
      createDevDetail(setup.version),
      createDmAcc(servers),
      createGwConfig(store.groups),
      createDeviceInventory(store.devices),
      createResults(store.fanOut),
      ...fanOut.roots.map((root) =>
        createFanOut(root, {
          nodes: store.nodes,
          groups: store.groups,
          mayGet: async (path, { serverId }) => allows(await tree.effectiveAcl(path), 'Get', serverId),
          startRun: setup.startRun,
          policy: fanOut.policy,
          maxObjBytes: setup.maxObjBytes,
        }),
      ),
    ],
    acls: storedAcls(store.nodes),
    rootAcl: rootAcl(servers.map(({ id }) => id)),
  });
  return tree;
}

/** Empty without servers: then nobody has any right. [TND 7.7.1] */
function rootAcl(serverIds: readonly string[]): string {
  if (serverIds.length === 0) return '';
  return ['Add', 'Delete', 'Exec', 'Get', 'Replace'].map((command) => `${command}=${serverIds.join('+')}`).join('&');
}

function storedAcls(nodes: NodeStore): AclStore {
  return {
    get: (path) => nodes.readAcl(formatLocUri(path)),
    set: (path, acl) => nodes.writeAcl(formatLocUri(path), acl),
    forget: (path) => nodes.forgetAcls(formatLocUri(path)),
  };
}
