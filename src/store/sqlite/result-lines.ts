import type { ResultLines } from '../result-lines.ts';
import type { Database } from './database.ts';
import type { SqlValue } from './driver.ts';

interface LinesRow {
  readonly octets: Uint8Array | null;
  readonly last: number | null;
}

/** Reads as lines what `rows` selects in order: `n`, `device_id`, `outcome` and `de_result`. */
export function resultLines(database: Database, rows: string): (...values: SqlValue[]) => ResultLines | undefined {
  const query = database.query<LinesRow>(
    `SELECT CAST(group_concat(line, '') AS BLOB) AS octets, max(n) AS last FROM (
       SELECT n, json_object('n', n, 'deviceId', device_id, 'outcome', outcome, 'deResult', de_result) || char(10) AS line
       FROM (${rows}))`,
  );
  return (...values) => {
    const { octets, last } = query.first(...values) ?? { octets: null, last: null };
    return octets === null || last === null ? undefined : { octets, last };
  };
}
