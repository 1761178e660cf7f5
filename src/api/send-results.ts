import { setImmediate } from 'node:timers/promises';
import type { Member } from '../fanout/store.ts';
import { pagesOf } from '../store/pages.ts';
import type { ResultLines } from '../store/result-lines.ts';
import { resultSchema, resultShape } from './shapes.ts';
import { type RowsReply, sendRows } from './stream.ts';

const PAGE = 500;
/** Lines of a page: it takes the event loop less than a millisecond. */
const LINES = 200;

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

async function* linesOf(reads: ResultReads): AsyncGenerator<Uint8Array> {
  for (let page = await reads.lines(0, LINES); page; page = await reads.lines(page.last, LINES)) {
    yield page.octets;
    await setImmediate();
  }
}
