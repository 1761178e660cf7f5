import { expect, it } from 'vitest';
import { pagesOf } from './pages.ts';

const ROWS = [1, 2, 3, 4, 5];

/** Rows after one, in pages of two. */
function pages(log: string[]): AsyncGenerator<number> {
  return pagesOf(2, (last: number | undefined) => {
    log.push(`after ${last ?? 0}`);
    return Promise.resolve(ROWS.filter((row) => row > (last ?? 0)).slice(0, 2));
  });
}

it('reader: yields the rows of all pages in order, and stops at one that is short', async () => {
  const log: string[] = [];
  const rows: number[] = [];
  for await (const row of pages(log)) rows.push(row);
  expect(rows).toEqual(ROWS);
  expect(log).toEqual(['after 0', 'after 2', 'after 4']);
});

it('reader: lets others have their turn between pages', async () => {
  const log: string[] = [];
  setImmediate(() => log.push('other'));
  for await (const row of pages(log)) log.push(String(row));
  expect(log.indexOf('other')).toBeLessThan(log.indexOf('after 4'));
});
