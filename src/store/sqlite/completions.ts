import type { CompletionRow, ServerStore } from '../server-store.ts';
import type { Database } from './database.ts';

interface Row {
  readonly id: number;
  readonly gateway_id: string;
  readonly results_url: string;
  readonly data: string;
  readonly type: string;
  readonly mark: string | null;
  readonly correlator: string | null;
  readonly generation: number | null;
  readonly noted: number;
  readonly received: number;
  readonly first_at: number;
  readonly previous_at: number;
  readonly last_at: number;
}

/** Alerts that tell of completed runs, repeats folded, in SQLite. [FANOUT 6] */
export function createCompletionStore(
  database: Database,
): Pick<ServerStore, 'noteCompletion' | 'noteGeneration' | 'completions'> {
  const last = database.query<Row>(
    `SELECT * FROM completion WHERE gateway_id = ? AND results_url = ? AND data = ? ORDER BY id DESC LIMIT 1`,
  );
  const insert = database.command(
    `INSERT INTO completion (
       gateway_id, results_url, data, type, mark, correlator, generation, noted, first_at, previous_at, last_at
     ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?9)`,
  );
  const repeat = database.command(
    `UPDATE completion SET received = received + 1, previous_at = last_at, last_at = ?, noted = 0 WHERE id = ?`,
  );
  const unrepeat = database.command(
    `UPDATE completion SET received = received - 1, last_at = previous_at, noted = 1 WHERE id = ?`,
  );
  const note = database.command(`UPDATE completion SET generation = ?, noted = 1 WHERE id = ?`);
  const ofRun = database.query<Row>(`SELECT * FROM completion WHERE gateway_id = ? AND results_url = ? ORDER BY id`);

  function noteGeneration(row: Row, generation: number): void {
    const isOwn = row.noted === 0 && row.received > 1 && row.generation !== null && row.generation !== generation;
    if (!isOwn) {
      note(generation, row.id);
      return;
    }
    unrepeat(row.id);
    const { gateway_id, results_url, data, type, mark, correlator, last_at } = row;
    insert(gateway_id, results_url, data, type, mark, correlator, generation, 1, last_at);
  }

  return {
    noteCompletion: ({ gatewayId, resultsUrl, data, type, mark, correlator }, now) =>
      database.write(() => {
        const row = last.first(gatewayId, resultsUrl, data);
        if (row) repeat(now, row.id);
        else insert(gatewayId, resultsUrl, data, type, mark ?? null, correlator ?? null, null, 0, now);
        return row ? 'repeat' : 'new';
      }),
    noteGeneration: (gatewayId, resultsUrl, data, generation) =>
      database.write(() => {
        const row = last.first(gatewayId, resultsUrl, data);
        if (row) noteGeneration(row, generation);
      }),
    completions: (gatewayId, resultsUrl) => database.read(() => ofRun.all(gatewayId, resultsUrl).map(completionOf)),
  };
}

function completionOf(row: Row): CompletionRow {
  return {
    gatewayId: row.gateway_id,
    type: row.type,
    resultsUrl: row.results_url,
    data: row.data,
    mark: row.mark ?? undefined,
    correlator: row.correlator ?? undefined,
    generation: row.generation ?? undefined,
    received: row.received,
    firstAt: row.first_at,
    lastAt: row.last_at,
  };
}
