import { Readable } from 'node:stream';

/** Rows as NDJSON, some kilobytes at a time. */
export function ndjson(rows: AsyncIterable<unknown>): Readable {
  async function* chunks(): AsyncGenerator<string> {
    let chunk = '';
    for await (const row of rows) {
      chunk += `${JSON.stringify(row)}\n`;
      if (chunk.length > 65_536) {
        yield chunk;
        chunk = '';
      }
    }
    if (chunk !== '') yield chunk;
  }
  return Readable.from(chunks(), { objectMode: false });
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
  return Readable.from(chunks(), { objectMode: false });
}
