import type { Cluster, Ending } from '../../src/fanout/store.ts';

type RunCluster = Cluster & { readonly run: number };

/** Clusters of equal answers and facets in their plainest form. Whole answers and facets are numbered apart. */
export class MemoryClusters {
  #clusters: RunCluster[] = [];

  /** Puts the answer of a member in, or takes it out. */
  move(run: number, { deResult, facets }: Pick<Ending, 'deResult' | 'facets'>, by: 1 | -1): void {
    for (const said of [{ kind: 'answer' as const, key: '', value: deResult }, ...facets]) {
      const known = this.#clusters.find((cluster) => cluster.run === run && isEqual(cluster, said));
      const moved = known ?? { ...said, run, id: this.#nextId(said.kind), members: 0 };
      const others = this.#clusters.filter((cluster) => cluster !== known);
      const members = moved.members + by;
      this.#clusters = members === 0 ? others : [...others, { ...moved, members }];
    }
  }

  of(run: number, kind: Cluster['kind'], limit: number): readonly Cluster[] {
    const ofKind = this.#clusters
      .filter((cluster) => cluster.run === run && cluster.kind === kind)
      .sort((a, b) => b.members - a.members || a.id - b.id);
    return ofKind
      .filter(({ key }, index) => ofKind.slice(0, index).filter((larger) => larger.key === key).length < limit)
      .map(({ run: _run, ...cluster }) => cluster);
  }

  runDeleted(run: number): void {
    this.#clusters = this.#clusters.filter((cluster) => cluster.run !== run);
  }

  #nextId(kind: Cluster['kind']): number {
    const alike = this.#clusters.filter((cluster) => (cluster.kind === 'answer') === (kind === 'answer'));
    return Math.max(0, ...alike.map(({ id }) => id)) + 1;
  }
}

function isEqual(
  one: Pick<Cluster, 'kind' | 'key' | 'value'>,
  other: Pick<Cluster, 'kind' | 'key' | 'value'>,
): boolean {
  return one.kind === other.kind && one.key === other.key && one.value === other.value;
}
