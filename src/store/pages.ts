import { setImmediate } from 'node:timers/promises';

/**
 * Reads pages until one is short and yields their rows: the whole is never in memory. Others have their turn between
 * pages: reads of a store do not wait for anything.
 */
export async function* pagesOf<Row>(
  pageSize: number,
  next: (last: Row | undefined) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  let last: Row | undefined;
  for (;;) {
    const page = await next(last);
    yield* page;
    last = page.at(-1);
    if (page.length < pageSize || last === undefined) return;
    await setImmediate();
  }
}
