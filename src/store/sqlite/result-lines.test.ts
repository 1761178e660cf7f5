import { describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { connect } from './driver.ts';
import { resultLines } from './result-lines.ts';

const ROWS = `SELECT n, device_id, outcome, de_result FROM result WHERE n > ?1 ORDER BY n LIMIT ?2`;

async function tableOf(results: readonly { n: number; deviceId: string; outcome: string; deResult: string | null }[]) {
  const database = new Database(await connect(':memory:'));
  database.command(`CREATE TABLE result (n INTEGER PRIMARY KEY, device_id TEXT, outcome TEXT, de_result TEXT)`)();
  const insert = database.command(`INSERT INTO result VALUES (?, ?, ?, ?)`);
  for (const { n, deviceId, outcome, deResult } of results) insert(n, deviceId, outcome, deResult);
  return resultLines(database, ROWS);
}

describe('results as lines', () => {
  const texts = [
    '',
    '<a b="c">\\/&amp;</a>',
    "it's",
    '\u0001\u001f\b\f\n\r\t\u007f',
    '\u0080\u2028\u2029é日本😀',
    null,
  ];
  const results = texts.map((deResult, at) => ({
    n: at + 1,
    deviceId: `urn:dev:"${at}"`,
    outcome: 'failed',
    deResult,
  }));

  it('store: writes the same JSON as JSON.stringify, whatever the characters', async () => {
    const page = (await tableOf(results))(0, 100);
    const lines = results.map((result) => `${JSON.stringify(result)}\n`);
    expect(Buffer.from(page?.octets ?? []).toString()).toBe(lines.join(''));
    expect(page?.last).toBe(results.length);
  });

  it('store: reads page by page, in order, until there are no more', async () => {
    const read = await tableOf([...results].reverse());
    const seen: unknown[] = [];
    for (let page = read(0, 4); page; page = read(page.last, 4)) {
      const lines = Buffer.from(page.octets).toString().trimEnd().split('\n');
      expect(lines.length).toBeLessThanOrEqual(4);
      seen.push(...lines.map((line) => JSON.parse(line) as unknown));
    }
    expect(seen).toEqual(results);
  });
});
