import { createHash } from 'node:crypto';
import { alertData } from './aggregate.ts';
import { EMPTY_DIGEST, moveDigest } from './digest.ts';
import { facetsOf } from './facets.ts';
import { type Counts, countsFrom, type Outcome, OUTCOMES } from './outcome.ts';
import type { Cluster, Facet, Member, PendingAlert, Run } from './store.ts';

/** Something that is kept of a run and that its members do not add up to. */
export interface Difference {
  /** `count succeeded`, `digest`, `cluster status 1 Get = 200`, `alert` and the like. */
  readonly what: string;
  readonly kept: string;
  readonly recomputed: string;
}

/** What is kept of a run besides its members. */
export interface KeptAggregate {
  readonly run: Pick<Run, 'counts' | 'digest' | 'generation' | 'state' | 'endedAt' | 'serverId'>;
  /** All of all kinds; undefined where none are kept. */
  readonly clusters: readonly Cluster[] | undefined;
  /** Alerts of the run, oldest first. */
  readonly alerts: readonly Pick<PendingAlert, 'data' | 'generation'>[];
}

const NOTHING = 'none';

/** The aggregate of a run made anew, member by member. It holds one number for each cluster, and no answer. [FANOUT 3] */
export class Verification {
  readonly #counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  readonly #clusters = new Map<string, number>();
  readonly #withClusters: boolean;
  #digest = EMPTY_DIGEST;
  #members = 0;

  /** Without clusters no DeResult is read: it may be one that this program has not written. */
  constructor(withClusters = true) {
    this.#withClusters = withClusters;
  }

  get members(): number {
    return this.#members;
  }

  add({ n, deviceId, outcome, deResult }: Pick<Member, 'n' | 'deviceId' | 'outcome' | 'deResult'>): void {
    this.#members += 1;
    this.#counts[outcome] += 1;
    if (outcome === 'pending' || deResult === undefined) return;
    this.#digest = moveDigest(this.#digest, { n, deviceId, deResult }, 'in');
    if (!this.#withClusters) return;
    this.#count(nameOf({ kind: 'answer', key: '', value: deResult }));
    for (const facet of facetsOf(deResult)) this.#count(nameOf(facet));
  }

  /** What is kept and does not agree with the members. Digest and clusters count where the run has them. */
  differences({ run, clusters, alerts }: KeptAggregate): readonly Difference[] {
    const counts = countsFrom(this.#counts);
    const found = [...this.#countDifferences(run.counts, counts), ...alertDifferences(run, alerts, counts)];
    if (run.digest === undefined) return found;
    return [...found, ...difference('digest', run.digest, this.#digest), ...this.#clusterDifferences(clusters)];
  }

  #count(name: string): void {
    this.#clusters.set(name, (this.#clusters.get(name) ?? 0) + 1);
  }

  #countDifferences(kept: Counts, recomputed: Counts): readonly Difference[] {
    return (['targets', ...OUTCOMES] as const).flatMap((name) =>
      difference(`count ${name}`, String(kept[name]), String(recomputed[name])),
    );
  }

  #clusterDifferences(clusters: KeptAggregate['clusters']): readonly Difference[] {
    if (!clusters) return [];
    const kept = new Map(clusters.map((cluster) => [nameOf(cluster), cluster.members]));
    const names = new Set([...kept.keys(), ...this.#clusters.keys()]);
    return [...names].flatMap((name) => {
      const recomputed = this.#clusters.get(name);
      return difference(`cluster ${name}`, kept.get(name)?.toString(), recomputed?.toString());
    });
  }
}

/** An alert that is older than the last change of the aggregate told what was true then. */
function alertDifferences(
  run: KeptAggregate['run'],
  alerts: KeptAggregate['alerts'],
  counts: Counts,
): readonly Difference[] {
  const last = alerts.at(-1);
  const isTold = run.endedAt !== undefined && run.serverId !== undefined;
  if (!last) return isTold ? difference('alert', undefined, String(alertData(counts, run.state))) : [];
  if (last.generation !== run.generation) return [];
  return difference('alert', String(last.data), String(alertData(counts, run.state)));
}

/** A whole answer is named by its SHA-256: it can be large. */
function nameOf({ kind, key, value }: Pick<Cluster, 'kind' | 'key' | 'value'> | Facet): string {
  if (kind !== 'answer') return `${kind} ${key} = ${value}`;
  return `answer sha256:${createHash('sha256').update(value).digest('hex')}`;
}

function difference(what: string, kept = NOTHING, recomputed = NOTHING): readonly Difference[] {
  return kept === recomputed ? [] : [{ what, kept, recomputed }];
}
