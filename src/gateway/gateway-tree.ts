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
import { createResults, runOfResults } from './objects/results.ts';

/** What the tree is made from. */
type GatewayTreeSetup = Pick<GatewaySetup, 'id' | 'store' | 'servers' | 'fanOut'> & {
  readonly version: string;
  readonly maxObjBytes: number;
  readonly startRun: FanOutEngine['startRun'];
};

/**
 * The gateway's management tree, as its DM Servers see it; each of them has every right at the root, and alone those on
 * the results of its runs. [FANOUT 3]
 */
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
    acls: ownedResults(
      storedAcls(store.nodes),
      store.fanOut,
      servers.map(({ id }) => id),
    ),
    rootAcl: everyRight(servers.map(({ id }) => id)),
  });
  return tree;
}

/** Empty without servers: then nobody has any right. [TND 7.7.1] */
function everyRight(serverIds: readonly string[]): string {
  if (serverIds.length === 0) return '';
  return ['Add', 'Delete', 'Exec', 'Get', 'Replace'].map((command) => `${command}=${serverIds.join('+')}`).join('&');
}

/**
 * The root of a run's results has the ACL that gives it to the server that started the run, until that server writes
 * another one. A run of nobody, or of a server that is no more, is everybody's. [FANOUT 8]
 */
function ownedResults(
  acls: AclStore,
  fanOut: Pick<GatewaySetup['store']['fanOut'], 'run'>,
  serverIds: readonly string[],
): AclStore {
  /** Results are read node by node: the run that was asked for last, and its ACL. */
  let last: { readonly run: number; readonly acl: string | undefined } | undefined;

  async function aclOf(number: number): Promise<string | undefined> {
    if (last?.run === number) return last.acl;
    const run = await fanOut.run(number);
    if (!run) return undefined;
    const isKnown = run.serverId !== undefined && serverIds.includes(run.serverId);
    last = { run: number, acl: isKnown ? everyRight([run.serverId]) : undefined };
    return last.acl;
  }

  return {
    async get(path) {
      const run = serverIds.length > 1 ? runOfResults(path) : undefined;
      return (await acls.get(path)) ?? (run === undefined ? undefined : aclOf(run));
    },
    set: (path, acl) => acls.set(path, acl),
    forget: (path) => acls.forget(path),
  };
}

function storedAcls(nodes: NodeStore): AclStore {
  return {
    get: (path) => nodes.readAcl(formatLocUri(path)),
    set: (path, acl) => nodes.writeAcl(formatLocUri(path), acl),
    forget: (path) => nodes.forgetAcls(formatLocUri(path)),
  };
}
