import { Readable } from 'node:stream';

const CHUNK_CHARS = 65_536;

/** What is needed of a reply of Fastify. */
export interface RowsReply<Reply> {
  type(type: string): Reply;
  send(payload: Readable): Reply;
}

/**
 * Rows in the form that Accept asks for: NDJSON, CSV where there are `columns`, else JSON; streamed. `lines`: the same
 * rows as NDJSON, where somebody has made it already.
 */
export function sendRows<Reply extends RowsReply<Reply>>(
  reply: Reply,
  accept: string | undefined,
  rows: AsyncIterable<object>,
  columns?: readonly string[],
  lines?: AsyncIterable<Uint8Array>,
): Reply {
  if (accept?.includes('application/x-ndjson')) {
    return reply.type('application/x-ndjson').send(lines ? streamed(lines) : ndjson(rows));
  }
  if (columns && accept?.includes('text/csv')) return reply.type('text/csv; charset=utf-8').send(csv(rows, columns));
  return reply.type('application/json').send(jsonArray(rows));
}

/** Rows as NDJSON, some kilobytes at a time. */
export function ndjson(rows: AsyncIterable<unknown>): Readable {
  return streamed(linesOf(rows, (row) => `${JSON.stringify(row)}\n`));
}

/** Rows as CSV with a line of names. */
function csv(rows: AsyncIterable<object>, columns: readonly string[]): Readable {
  async function* lines(): AsyncGenerator<string> {
    yield csvLine(columns);
    yield* linesOf(rows, (row) => {
      const values: Readonly<Record<string, unknown>> = { ...row };
      return csvLine(columns.map((column) => values[column]));
    });
  }
  return streamed(lines());
}

/** Rows as one JSON array, streamed. */
export function jsonArray(rows: AsyncIterable<unknown>): Readable {
  async function* chunks(): AsyncGenerator<string> {
    let separator = '[';
    for await (const row of rows) {
      yield `${separator}${JSON.stringify(row)}\n`;
      separator = ',';
    }
    yield separator === '[' ? '[]\n' : ']\n';
  }
  return streamed(chunks());
}

/** One event of a stream that a browser reads. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Events as `text/event-stream`. */
export function eventStream(events: AsyncIterable<ServerSentEvent>): Readable {
  async function* chunks(): AsyncGenerator<string> {
    for await (const { event, data } of events) yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }
  return streamed(chunks());
}

async function* linesOf<Row>(rows: AsyncIterable<Row>, lineOf: (row: Row) => string): AsyncGenerator<string> {
  let chunk = '';
  for await (const row of rows) {
    chunk += lineOf(row);
    if (chunk.length > CHUNK_CHARS) {
      yield chunk;
      chunk = '';
    }
  }
  if (chunk !== '') yield chunk;
}

/** A value that a spreadsheet would take for a formula gets an apostrophe before it. */
function csvLine(values: readonly unknown[]): string {
  const cells = values.map((value) => {
    if (typeof value !== 'string') return value === null || value === undefined ? '' : JSON.stringify(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${cells.join(',')}\r\n`;
}

function streamed(chunks: AsyncIterable<string | Uint8Array>): Readable {
  return Readable.from(chunks, { objectMode: false });
}
