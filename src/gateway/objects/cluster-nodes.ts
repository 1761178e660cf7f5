import type { Cluster, FanOutStore, Member } from '../../fanout/store.ts';
import { pagesOf } from '../../store/pages.ts';
import type { Behaviours, NodeRow, NodeTable } from './node-table.ts';
import { numberOfResults } from './results-url.ts';

const PAGE = 500;
/** Clusters of a run that are listed; the others can be read by the API. */
const MAX_CLUSTERS = 1_000;
/** DeviceIDs in one Devices. */
const MAX_DEVICES = 1_000;
const READ_ONLY = { access: ['Get'], occurrence: 'One' } as const satisfies Partial<NodeRow>;

/** `Ext/Clusters` of the results of a run: equal answers folded together. [FANOUT 3] */
export const CLUSTER_NODES = {
  'Results/*/Ext/Clusters': { format: 'node', ...READ_ONLY },
  'Results/*/Ext/Clusters/*': { format: 'node', access: ['Get'], occurrence: 'ZeroOrMore' },
  'Results/*/Ext/Clusters/*/Count': { format: 'int', ...READ_ONLY },
  'Results/*/Ext/Clusters/*/DeResult': { format: 'xml', type: 'text/xml', ...READ_ONLY },
  'Results/*/Ext/Clusters/*/Devices': { format: 'chr', ...READ_ONLY },
} as const satisfies NodeTable;

type ClusterReads = Pick<FanOutStore, 'clusters' | 'cluster' | 'clusterMembers'>;

/**
 * The clusters of a run, the largest first. The name of one stays while its size and its place among the others change,
 * so that a DM Server can read them one after the other while answers arrive. Devices lists DeviceIDs, one a line.
 */
export function createClusterNodes(fanOut: ClusterReads): Behaviours<typeof CLUSTER_NODES> {
  type Names = readonly [string, string];

  async function clusterAt([runName, name]: Names): Promise<(Cluster & { readonly run: number }) | undefined> {
    const run = numberOfResults(runName);
    if (run === undefined || !/^[1-9]\d{0,14}$/.test(name)) return undefined;
    const cluster = await fanOut.cluster(run, Number(name));
    return cluster && { ...cluster, run };
  }

  async function devicesOf(names: Names): Promise<string | undefined> {
    const cluster = await clusterAt(names);
    if (!cluster) return undefined;
    const devices: string[] = [];
    const members = pagesOf(PAGE, (last: Pick<Member, 'n' | 'deviceId'> | undefined) =>
      fanOut.clusterMembers(cluster.run, cluster.id, last?.n ?? 0, PAGE),
    );
    for await (const { deviceId } of members) {
      devices.push(deviceId);
      if (devices.length === MAX_DEVICES) break;
    }
    return devices.join('\n');
  }

  return {
    'Results/*/Ext/Clusters/*': {
      exists: async (names) => (await clusterAt(names)) !== undefined,
      async *list([runName]) {
        const run = numberOfResults(runName);
        if (run === undefined) return;
        for (const { id } of await fanOut.clusters(run, 'answer', MAX_CLUSTERS)) yield String(id);
      },
    },
    'Results/*/Ext/Clusters/*/Count': {
      read: async (names) => (await clusterAt(names))?.members.toString(),
    },
    'Results/*/Ext/Clusters/*/DeResult': { read: async (names) => (await clusterAt(names))?.value },
    'Results/*/Ext/Clusters/*/Devices': { read: devicesOf },
  };
}
