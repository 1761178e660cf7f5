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
    this.#count(idOf({ kind: 'answer', key: '', value: deResult }));
    for (const facet of facetsOf(deResult)) this.#count(idOf(facet));
  }

  /** What is kept and does not agree with the members. Digest and clusters count where the run has them. */
  differences({ run, clusters, alerts }: KeptAggregate): readonly Difference[] {
    const counts = countsFrom(this.#counts);
    const found = [...this.#countDifferences(run.counts, counts), ...alertDifferences(run, alerts, counts)];
    if (run.digest === undefined) return found;
    return [...found, ...difference('digest', run.digest, this.#digest), ...this.#clusterDifferences(clusters)];
  }

  #count(id: string): void {
    this.#clusters.set(id, (this.#clusters.get(id) ?? 0) + 1);
  }

  #countDifferences(kept: Counts, recomputed: Counts): readonly Difference[] {
    return (['targets', ...OUTCOMES] as const).flatMap((name) =>
      difference(`count ${name}`, String(kept[name]), String(recomputed[name])),
    );
  }

  #clusterDifferences(clusters: KeptAggregate['clusters']): readonly Difference[] {
    if (!clusters) return [];
    const kept = new Map(clusters.map((cluster) => [idOf(cluster), cluster.members]));
    const ids = new Set([...kept.keys(), ...this.#clusters.keys()]);
    return [...ids].flatMap((id) => {
      const [members, recomputed] = [kept.get(id), this.#clusters.get(id)];
      return members === recomputed
        ? []
        : difference(`cluster ${nameOf(id)}`, members?.toString(), recomputed?.toString());
    });
  }
}

/** An alert that is older than the last change of the aggregate told what was true then; that of the quorum tells no end. */
function alertDifferences(
  run: KeptAggregate['run'],
  alerts: KeptAggregate['alerts'],
  counts: Counts,
): readonly Difference[] {
  const recomputed = String(alertData(counts, run.state));
  const last = alerts.at(-1);
  const hasEnd = alerts.some(({ data }) => data !== alertData(counts, 'running'));
  const isTold = run.endedAt !== undefined && run.serverId !== undefined;
  if (isTold && !hasEnd) return difference('alert', last?.data.toString(), recomputed);
  return last?.generation === run.generation ? difference('alert', String(last.data), recomputed) : [];
}

/** Tells clusters apart; whole answers by their SHA-256: they can be large. */
function idOf({ kind, key, value }: Pick<Cluster, 'kind' | 'key' | 'value'> | Facet): string {
  const said = kind === 'answer' ? createHash('sha256').update(value).digest('hex') : value;
  return JSON.stringify([kind, key, said]);
}

/** The same for people. */
function nameOf(id: string): string {
  const [kind = '', key = '', said = ''] = JSON.parse(id) as readonly string[];
  return kind === 'answer' ? `answer sha256:${said}` : `${kind} ${key} = ${said}`;
}

function difference(what: string, kept = NOTHING, recomputed = NOTHING): readonly Difference[] {
  return kept === recomputed ? [] : [{ what, kept, recomputed }];
}
