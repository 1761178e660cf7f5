import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { eventStream, sendRows } from './stream.ts';

/** What is sent for this Accept, and as what. */
async function sent(accept: string | undefined, rows: readonly object[], columns?: readonly string[]) {
  let type = '';
  let body: Readable | undefined;
  const reply = {
    type(name: string) {
      type = name;
      return reply;
    },
    send(payload: Readable) {
      body = payload;
      return reply;
    },
  };
  async function* all() {
    for (const row of rows) yield await Promise.resolve(row);
  }
  sendRows(reply, accept, all(), columns);
  return { type, text: body ? await text(body) : '' };
}

describe('streams of the API', () => {
  const ROW = { n: 1, deviceId: 'a' };

  it.each([
    [undefined, 'application/json', '[{"n":1,"deviceId":"a"}\n]\n'],
    ['application/x-ndjson', 'application/x-ndjson', '{"n":1,"deviceId":"a"}\n'],
    ['text/csv', 'text/csv; charset=utf-8', 'n,deviceId\r\n1,a\r\n'],
  ])('api: answers Accept %s with %s', async (accept, type, body) => {
    expect(await sent(accept, [ROW], ['n', 'deviceId'])).toEqual({ type, text: body });
  });

  it('api: has no CSV where rows are no table', async () => {
    expect((await sent('text/csv', [ROW])).type).toBe('application/json');
  });

  it.each([
    ['=1+1', "'=1+1"],
    ['+49', "'+49"],
    ['-1', "'-1"],
    ['@cmd', "'@cmd"],
    ['\tx', "'\tx"],
    ['a,b', '"a,b"'],
    ['say "a"', '"say ""a"""'],
    ['=a,"b"', '"\'=a,""b"""'],
    ['two\nlines', '"two\nlines"'],
  ])('api: writes %j into CSV as %j', async (value, cell) => {
    expect((await sent('text/csv', [{ value }], ['value'])).text).toBe(`value\r\n${cell}\r\n`);
  });

  it('api: leaves a cell empty that has no value, and keeps numbers as they are', async () => {
    const rows = [{ a: null, b: -5, c: true }];
    expect((await sent('text/csv', rows, ['a', 'b', 'c', 'd'])).text).toBe('a,b,c,d\r\n,-5,true,\r\n');
  });

  it('api: writes events as a browser reads them', async () => {
    async function* events() {
      yield await Promise.resolve({ event: 'run', data: { state: 'running' } });
    }
    expect(await text(eventStream(events()))).toBe('event: run\ndata: {"state":"running"}\n\n');
  });
});
