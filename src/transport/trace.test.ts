import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTrace } from './trace.ts';

let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dm-trace-'));
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

describe('trace', () => {
  it('trace: numbers what it is given and has written it when it is closed', async () => {
    const trace = await openTrace(join(dir, 'a', 'b'), 'gateway');
    trace.record('in', 'urn:dev:1', 'xml', Buffer.from('<SyncML/>'));
    trace.record('out', 'urn:dev:1', 'wbxml', Buffer.from([2]));
    trace.record('out', '127.0.0.1:2948', 'package0', Buffer.from([0, 1]));
    await trace.close();
    expect((await readdir(join(dir, 'a', 'b'))).sort()).toEqual([
      '000001-gateway-in-urn_dev_1.xml',
      '000002-gateway-out-urn_dev_1.wbxml',
      '000003-gateway-out-127.0.0.1_2948.package0',
    ]);
    expect(await readFile(join(dir, 'a', 'b', '000001-gateway-in-urn_dev_1.xml'), 'utf8')).toBe('<SyncML/>');
    expect((await stat(join(dir, 'a', 'b', '000002-gateway-out-urn_dev_1.wbxml'))).mode & 0o077).toBe(0);
  });

  it('trace: a peer cannot name a file outside the directory', async () => {
    const trace = await openTrace(join(dir, 'inner'), 'server');
    trace.record('in', '../../x/y\0z', 'xml', Buffer.from('a'));
    trace.record('in', 'long'.repeat(1000), 'xml', Buffer.from('a'));
    await trace.close();
    expect(await readdir(dir)).toEqual(['inner']);
    expect((await readdir(join(dir, 'inner')))[0]).toBe('000001-server-in-.._.._x_y_z.xml');
  });

  it('trace: goes on after the numbers of an earlier one of its role', async () => {
    await writeFile(join(dir, '000041-gateway-in-a.xml'), '');
    await writeFile(join(dir, '000099-server-in-a.xml'), '');
    const trace = await openTrace(dir, 'gateway');
    trace.record('in', 'a', 'xml', Buffer.from('a'));
    await trace.close();
    expect(await readdir(dir)).toContain('000042-gateway-in-a.xml');
  });

  it('trace: says at its end that something could not be written', async () => {
    const trace = await openTrace(join(dir, 'gone'), 'gateway');
    await rm(join(dir, 'gone'), { recursive: true });
    trace.record('in', 'a', 'xml', Buffer.from('a'));
    trace.record('in', 'a', 'xml', Buffer.from('a'));
    await expect(trace.close()).rejects.toMatchObject({ code: 'TRACE_WRITE' });
  });

  it('trace: deletes its oldest files, by age and by size, and those of nobody else', async () => {
    const now = 1_000_000_000_000;
    const write = async (name: string, bytes: number, ageS: number) => {
      await writeFile(join(dir, name), Buffer.alloc(bytes));
      await utimes(join(dir, name), now / 1000 - ageS, now / 1000 - ageS);
    };
    await write('000001-gateway-in-a.xml', 10, 100);
    await write('000002-gateway-out-a.xml', 10, 50);
    await write('000003-gateway-in-b.xml', 10, 40);
    await write('000001-server-in-a.xml', 10, 100);
    await write('notes.txt', 10, 100);
    const trace = await openTrace(dir, 'gateway');
    expect(await trace.prune({ maxAgeMs: 60_000, maxBytes: 1_000, now })).toBe(1);
    expect(await trace.prune({ maxAgeMs: 60_000, maxBytes: 10, now })).toBe(1);
    expect((await readdir(dir)).sort()).toEqual(['000001-server-in-a.xml', '000003-gateway-in-b.xml', 'notes.txt']);
    await trace.close();
  });
});
