import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { ResultLines } from '../store/result-lines.ts';
import { sendResults } from './send-results.ts';

/** Sends as NDJSON `sizes.length` lines, each of so many octets; notes how many lines were asked for at a time. */
async function stream(
  sizes: readonly number[],
): Promise<{ readonly body: string; readonly limits: readonly number[] }> {
  const limits: number[] = [];
  const lines = (after: number, limit: number): Promise<ResultLines | undefined> => {
    limits.push(limit);
    const page = sizes.slice(after, after + limit);
    const octets = Buffer.from(page.map((size) => `${'x'.repeat(size - 1)}\n`).join(''));
    return Promise.resolve(page.length === 0 ? undefined : { octets, last: after + page.length });
  };
  let sent: Readable | undefined;
  const reply = {
    type: () => reply,
    send(payload: Readable) {
      sent = payload;
      return reply;
    },
  };
  sendResults(reply, 'application/x-ndjson', { lines, rows: () => Promise.resolve([]) });
  return { body: await text(sent!), limits };
}

describe('results as lines', () => {
  it('api: reads more small ones at a time, up to a bound', async () => {
    const { body, limits } = await stream(Array.from({ length: 1_000 }, () => 100));
    expect(body).toBe(`${'x'.repeat(99)}\n`.repeat(1_000));
    expect(limits).toEqual([20, 300, 300, 300, 300, 300]);
  });

  it('api: reads few large ones at a time, and more when they are small again', async () => {
    const { body, limits } = await stream([
      ...Array.from({ length: 22 }, () => 300_000),
      ...Array.from({ length: 30 }, () => 100),
    ]);
    expect(body).toHaveLength(22 * 300_000 + 30 * 100);
    expect(limits).toEqual([20, 1, 1, 1, 300, 300]);
  });

  it('api: sends nothing of no results', async () => {
    expect(await stream([])).toEqual({ body: '', limits: [20] });
  });
});
