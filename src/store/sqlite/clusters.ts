import { createHash } from 'node:crypto';
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

/** The texts of whole answers with the number of their members, and the clusters of facets. */
export function createClusterMoves(database: Database): ClusterMoves {
  const putAnswer = database.query<{ id: number }>(
    `INSERT INTO answer_text (run, members, hash, de_result) VALUES (?, 1, ?, ?)
     ON CONFLICT (run, hash) DO UPDATE SET members = members + 1 RETURNING id`,
  );
  const takeAnswer = database.command(`UPDATE answer_text SET members = members - 1 WHERE id = ?`);
  const dropAnswer = database.command(`DELETE FROM answer_text WHERE id = ? AND members = 0`);
  const putFacet = database.command(
    `INSERT INTO facet_cluster (run, kind, key, value, members) VALUES (?, ?, ?, ?, 1)
     ON CONFLICT (run, kind, key, value) DO UPDATE SET members = members + 1`,
  );
  const takeFacet = database.query<{ id: number }>(
    `UPDATE facet_cluster INDEXED BY facet_cluster_said SET members = members - 1
     WHERE run = ? AND kind = ? AND key = ? AND value = ? RETURNING id`,
  );
  const dropFacet = database.command(`DELETE FROM facet_cluster WHERE id = ? AND members = 0`);

  return {
    putAnswer(run, deResult) {
      const hash = createHash('sha256').update(deResult).digest();
      const row = putAnswer.first(run, hash, deResult);
      if (!row) throw new TypeError('an answer that was just written is missing');
      return row.id;
    },
    takeAnswer(id) {
      takeAnswer(id);
      dropAnswer(id);
    },
    putFacets(run, facets) {
      for (const { kind, key, value } of facets) putFacet(run, kind, key, value);
    },
    takeFacets(run, facets) {
      for (const { kind, key, value } of facets) {
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
