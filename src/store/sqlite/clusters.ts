import { hash } from 'node:crypto';
import type { Cluster, FanOutStore, Facet } from '../../fanout/store.ts';
import type { Database } from './database.ts';

interface ClusterRow {
  readonly id: number;
  readonly value: string;
  readonly members: number;
}

interface FacetRow extends ClusterRow {
  readonly kind: Facet['kind'];
  readonly key: string;
}

/** Moves members between clusters; for work inside a transaction. */
export interface ClusterMoves {
  /** Puts a whole answer in, and answers the id of its text. */
  putAnswer(run: number, deResult: string): number;
  takeAnswer(id: number): void;
  putFacets(run: number, facets: readonly Facet[]): void;
  takeFacets(run: number, facets: readonly Facet[]): void;
}

/** Members that a batch puts into one facet cluster. */
interface FacetGrowth {
  readonly run: number;
  readonly facet: Facet;
  members: number;
}

/**
 * The texts of whole answers with the number of their members, and the clusters of facets. What the members of one batch
 * say alike is counted in memory and written once: four equal Status of 40 members are 4 writes, not 160.
 */
export function createClusterMoves(database: Database): ClusterMoves {
  const putAnswer = database.query<{ id: number }>(
    `INSERT INTO answer_text (run, members, hash, de_result) VALUES (?, 1, ?, ?)
     ON CONFLICT (run, hash) DO UPDATE SET members = members + 1 RETURNING id`,
  );
  const growAnswer = database.command(`UPDATE answer_text SET members = members + ? WHERE id = ?`);
  const takeAnswer = database.command(`UPDATE answer_text SET members = members - 1 WHERE id = ?`);
  const dropAnswer = database.command(`DELETE FROM answer_text WHERE id = ? AND members = 0`);
  const growFacet = database.command(
    `INSERT INTO facet_cluster (run, kind, key, value, members) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (run, kind, key, value) DO UPDATE SET members = members + excluded.members`,
  );
  const takeFacet = database.query<{ id: number }>(
    `UPDATE facet_cluster INDEXED BY facet_cluster_said SET members = members - 1
     WHERE run = ? AND kind = ? AND key = ? AND value = ? RETURNING id`,
  );
  const dropFacet = database.command(`DELETE FROM facet_cluster WHERE id = ? AND members = 0`);
  /** By run and text: those that this batch has written, with how many members are to be added. */
  const answers = new Map<string, { readonly id: number; members: number }>();
  const facets = new Map<string, FacetGrowth>();

  database.gather({
    flush() {
      for (const { id, members } of answers.values()) if (members > 0) growAnswer(members, id);
      answers.clear();
      for (const { run, facet, members } of facets.values())
        growFacet(run, facet.kind, facet.key, facet.value, members);
      facets.clear();
    },
    discard() {
      answers.clear();
      facets.clear();
    },
  });

  return {
    putAnswer(run, deResult) {
      const text = `${run} ${deResult}`;
      const known = answers.get(text);
      if (known) {
        known.members += 1;
        return known.id;
      }
      const row = putAnswer.first(run, hash('sha256', deResult, 'buffer'), deResult);
      if (!row) throw new TypeError('an answer that was just written is missing');
      answers.set(text, { id: row.id, members: 0 });
      return row.id;
    },
    takeAnswer(id) {
      database.flush();
      takeAnswer(id);
      dropAnswer(id);
    },
    putFacets(run, said) {
      for (const facet of said) {
        const { kind, key, value } = facet;
        const name = `${run} ${kind} ${key.length} ${key}${value}`;
        const known = facets.get(name);
        if (known) known.members += 1;
        else facets.set(name, { run, facet, members: 1 });
      }
    },
    takeFacets(run, said) {
      database.flush();
      for (const { kind, key, value } of said) {
        const row = takeFacet.first(run, kind, key, value);
        if (row) dropFacet(row.id);
      }
    },
  };
}

/** Clusters as they are shown. A run without a digest has none: not all of its answers are in them. */
export function createClusters(database: Database): Pick<FanOutStore, 'clusters' | 'cluster' | 'clusterMembers'> {
  const hasClusters = database.query<object>(`SELECT 1 FROM run_progress WHERE run = ? AND digest IS NOT NULL`);
  const answers = database.query<ClusterRow>(
    `SELECT id, de_result AS value, members FROM answer_text INDEXED BY answer_text_size
     WHERE run = ? ORDER BY members DESC, id LIMIT ?`,
  );
  const facets = database.query<FacetRow>(
    `SELECT id, kind, key, value, members FROM (
       SELECT *, row_number() OVER (PARTITION BY key ORDER BY members DESC, id) AS place
       FROM facet_cluster INDEXED BY facet_cluster_said WHERE run = ? AND kind = ?
     ) WHERE place <= ? ORDER BY members DESC, id`,
  );
  const answer = database.query<ClusterRow>(
    `SELECT id, de_result AS value, members FROM answer_text WHERE id = ? AND run = ?`,
  );
  const members = database.query<{ n: number; device_id: string }>(
    `SELECT n, device_id FROM target WHERE run = ? AND answer_id = ? AND n > ? ORDER BY n LIMIT ?`,
  );

  return {
    clusters: (run, kind, limit) =>
      database.read(() => {
        if (!hasClusters.first(run)) return [];
        return kind === 'answer' ? answers.all(run, limit).map(answerCluster) : facets.all(run, kind, limit);
      }),
    cluster: (run, id) =>
      database.read(() => {
        const row = hasClusters.first(run) && answer.first(id, run);
        return row && answerCluster(row);
      }),
    clusterMembers: (run, id, after, limit) =>
      database.read(() => {
        if (!hasClusters.first(run)) return [];
        return members.all(run, id, after, limit).map(({ n, device_id: deviceId }) => ({ n, deviceId }));
      }),
  };
}

function answerCluster({ id, value, members }: ClusterRow): Cluster {
  return { id, kind: 'answer', key: '', value, members };
}
