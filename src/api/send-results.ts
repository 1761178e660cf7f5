import { setImmediate } from 'node:timers/promises';
import type { Member } from '../fanout/store.ts';
import { pagesOf } from '../store/pages.ts';
import type { ResultLines } from '../store/result-lines.ts';
import { resultSchema, resultShape } from './shapes.ts';
import { type RowsReply, sendRows } from './stream.ts';

const PAGE = 500;
/** Lines of a page: at first, and at most. The store takes milliseconds for it. */
const FIRST_LINES = 20;
const MAX_LINES = 300;
/** What a page is to come to. An answer can be as large as that alone. */
const PAGE_BYTES = 262_144;

/** Reads results with `n > after`, in order. */
interface ResultReads {
  rows(after: number, limit: number): Promise<readonly Pick<Member, 'n' | 'deviceId' | 'outcome' | 'deResult'>[]>;
  /** Undefined: there are no more. */
  lines(after: number, limit: number): Promise<ResultLines | undefined>;
}

/** Sends results in the form that Accept asks for, page by page. */
export function sendResults<Reply extends RowsReply<Reply>>(
  reply: Reply,
  accept: string | undefined,
  reads: ResultReads,
): Reply {
  const rows = pagesOf(PAGE, async (last: { n: number } | undefined) =>
    (await reads.rows(last?.n ?? 0, PAGE)).map(resultShape),
  );
  return sendRows(reply, accept, rows, Object.keys(resultSchema.shape), linesOf(reads));
}

/** While one page is on its way the next is read. */
async function* linesOf(reads: ResultReads): AsyncGenerator<Uint8Array> {
  let limit = FIRST_LINES;
  let page = await reads.lines(0, limit);
  while (page) {
    limit = nextLimit(limit, page.octets.byteLength);
    const next = reads.lines(page.last, limit);
    // A failure is told where it is waited for; who has gone away meanwhile does not hear of it.
    next.catch(() => undefined);
    yield page.octets;
    await setImmediate();
    page = await next;
  }
}

/** How many lines come to a page, after so many that came to so many octets. */
function nextLimit(lines: number, octets: number): number {
  return Math.max(1, Math.min(MAX_LINES, Math.floor((lines * PAGE_BYTES) / octets)));
}
