import { setImmediate } from 'node:timers/promises';
import type { Member } from '../fanout/store.ts';
import { pagesOf } from '../store/pages.ts';
import type { ResultLines } from '../store/result-lines.ts';
import { resultSchema, resultShape } from './shapes.ts';
import { type RowsReply, sendRows } from './stream.ts';

const PAGE = 500;
/** Lines of a page: the store takes some milliseconds for it. */
const LINES = 500;

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
  let page = await reads.lines(0, LINES);
  while (page) {
    const next = reads.lines(page.last, LINES);
    // A failure is told where it is waited for; who has gone away meanwhile does not hear of it.
    next.catch(() => undefined);
    yield page.octets;
    await setImmediate();
    page = await next;
  }
}
