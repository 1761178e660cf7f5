import type { Clock } from '../fanout/engine.ts';
import type { AclValues, NodeValues, PropertyValues } from '../store/nodes.ts';
import { allows, formatAcl, ofServers, parseAcl } from '../tree/acl.ts';
import { formatLocUri, parseLocUri } from '../tree/loc-uri.ts';
import type { PropertyMap } from '../tree/kept-properties.ts';
import type { Path } from '../tree/management-object.ts';
import type { AclStore, NodeMap } from '../tree/node-map.ts';
import { createTree, type Tree } from '../tree/tree.ts';
import type { AuditNote } from './audit-trail.ts';
import type { GatewaySetup } from './gateway.ts';
import { createDevDetail, createDevInfo } from './objects/dev-info.ts';
import { createDeviceInventory } from './objects/device-inventory.ts';
import { createDmAcc } from './objects/dm-acc.ts';
import { createFanOut } from './objects/fan-out.ts';
import { createGwConfig } from './objects/gw-config.ts';
import { createResults } from './objects/results.ts';
import { runOfResults } from './objects/results-url.ts';
import { runOfNode } from './objects/run-nodes.ts';
import type { MakePlan } from './planning.ts';
import type { RunControl } from './run-control.ts';

/** What the tree is made from. */
type GatewayTreeSetup = Pick<GatewaySetup, 'id' | 'store' | 'servers' | 'fanOut'> & {
  readonly version: string;
  readonly maxObjBytes: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly control: RunControl;
  readonly makePlan: MakePlan;
  readonly note: AuditNote;
};

/**
 * The gateway's management tree, as its DM Servers see it; each of them has every right at the root, and alone those on
 * its runs and their results. [FANOUT 3]
 */
export function createGatewayTree({ store, servers, fanOut, ...setup }: GatewayTreeSetup): Tree {
  const fanOutRoots = fanOut.roots.map((root) => parseLocUri(root).path);
  const runOf = (path: Path) => fanOutRoots.map((root) => runOfNode(path, root)).find((run) => run !== undefined);
  const tree: Tree = createTree({
    objects: [
      createDevInfo(setup.id),
      createDevDetail(setup.version),
      createDmAcc(servers),
      createGwConfig(store.groups),
      createDeviceInventory(store.devices),
      createResults(store.fanOut, (run, { serverId }) => setup.note(serverId, 'run.delete', `run ${run}`)),
      ...fanOut.roots.map((root) =>
        createFanOut(root, {
          nodes: store.nodes,
          groups: store.groups,
          mayGet: async (path, { serverId }) => allows(await tree.effectiveAcl(path), 'Get', serverId),
          fanOut: store.fanOut,
          control: setup.control,
          makePlan: setup.makePlan,
          policy: fanOut.policy,
          maxObjBytes: setup.maxObjBytes,
          now: () => setup.clock.now(),
        }),
      ),
    ],
    acls: ownedRuns(
      stored(store.nodes.acls),
      store.fanOut,
      servers.map(({ id }) => id),
      (path) => runOfResults(path) ?? runOf(path),
    ),
    properties: { store: countedIn(store.nodes.properties), now: () => setup.clock.now() },
    rootAcl: everyRight(servers.map(({ id }) => id)),
  });
  return tree;
}

/**
 * Takes DM Servers that are no longer configured out of all ACLs: nobody else who gets such a ServerID later has their
 * rights. [TND 7.7.1]
 */
export async function forgetFormerServers(acls: AclValues, serverIds: readonly string[]): Promise<void> {
  const changed = (await acls.all()).flatMap(({ locUri, acl }) => {
    const left = formatAcl(ofServers(parseAcl(acl), serverIds));
    return left === acl ? [] : [{ locUri, left }];
  });
  await Promise.all(changed.map(({ locUri, left }) => acls.set(locUri, left === '' ? undefined : left)));
}

/** Empty without servers: then nobody has any right. [TND 7.7.1] */
function everyRight(serverIds: readonly string[]): string {
  if (serverIds.length === 0) return '';
  return ['Add', 'Delete', 'Exec', 'Get', 'Replace'].map((command) => `${command}=${serverIds.join('+')}`).join('&');
}

/**
 * The root of a run's results and the node that steers it have the ACL that gives them to the server that started the
 * run, until that server writes another one. A run of nobody, or of a server that is no more, is everybody's. [FANOUT 8]
 */
function ownedRuns(
  acls: AclStore,
  fanOut: Pick<GatewaySetup['store']['fanOut'], 'run'>,
  serverIds: readonly string[],
  runAt: (path: Path) => number | undefined,
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
      const run = serverIds.length > 1 ? runAt(path) : undefined;
      return (await acls.get(path)) ?? (run === undefined ? undefined : aclOf(run));
    },
    set: (path, acl) => acls.set(path, acl),
    forget: (path) => acls.forget(path),
    move: (from, to) => acls.move(from, to),
  };
}

/** Kept by LocURI. */
function stored<T>(values: NodeValues<T>): NodeMap<T> {
  return {
    get: (path) => values.get(formatLocUri(path)),
    set: (path, value) => values.set(formatLocUri(path), value),
    forget: (path) => values.forget(formatLocUri(path)),
    move: (from, to) => values.move(formatLocUri(from), formatLocUri(to)),
  };
}

function countedIn(values: PropertyValues): PropertyMap {
  return { ...stored(values), count: (path, at) => values.count(formatLocUri(path), at) };
}
