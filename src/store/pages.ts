/** Reads pages until one is short and yields their rows: the whole is never in memory. */
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
  }
}
