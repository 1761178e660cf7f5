import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { device, server } from '../../test/device/dm-server.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import { execLogName, openExecLog } from './exec-log.ts';

const RESET: RequestCommand = { kind: 'Exec', cmdId: '1', items: [{ target: { locUri: './Vendor/Demo/Reset' } }] };
const UPDATE: RequestCommand = {
  kind: 'Exec',
  cmdId: '2',
  correlator: 'run-7',
  items: [{ target: { locUri: './Vendor/Demo/Update' } }],
};
const NOTHING: RequestCommand = { kind: 'Exec', cmdId: '3', items: [{ target: { locUri: './Vendor/Demo/Label' } }] };

describe('log of executed commands', () => {
  let dir: string;
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'dmgw-exec-log-')), 'made', 'here');
  });
  afterEach(() => rm(join(dir, '..', '..'), { recursive: true }));

  const linesOf = async (deviceId: string): Promise<unknown[]> =>
    (await readFile(join(dir, execLogName(deviceId)), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line));

  it('device: keeps each Exec that it executes, before it answers', async () => {
    const execLog = await openExecLog(dir, () => 0);
    const at = server([RESET, UPDATE, NOTHING]);
    await device({}, at, { execLog }).device.runSession(1200, '1F');
    expect(at.answers).toMatchObject([{ code: 200 }, { code: 202 }, { code: 405 }]);
    const at0 = { deviceId: 'urn:dev:demo:1', at: '1970-01-01T00:00:00.000Z' };
    expect(await linesOf('urn:dev:demo:1')).toEqual([
      { ...at0, locUri: './Vendor/Demo/Reset', correlator: null },
      { ...at0, locUri: './Vendor/Demo/Update', correlator: 'run-7' },
    ]);
  });

  it.each(['error', 'drop'] as const)('device: keeps nothing where it executes nothing (%s)', async (fault) => {
    const execLog = await openExecLog(dir, () => 0);
    await device({ fault }, server([RESET]), { execLog }).device.runSession(1200, '1F');
    expect(await readdir(dir)).toEqual([]);
  });

  it('device: executes nothing that it cannot keep', async () => {
    const at = server([RESET, { kind: 'Get', cmdId: '4', items: [{ target: { locUri: './Vendor/Demo/Resets' } }] }]);
    const execLog = () => Promise.reject(new Error('no space'));
    await device({}, at, { execLog }).device.runSession(1200, '1F');
    expect(at.answers).toMatchObject([{ code: 500 }, { code: 200 }, { items: [{ data: '0' }] }]);
  });

  it('log: has a file for each device, whatever its DeviceID is, and none outside of its directory', async () => {
    const log = await openExecLog(dir, () => 0);
    const ids = ['urn:dev:1', '../../up', '..', '.', 'a/b', 'a\\b', 'a\0b', 'ä', 'x'.repeat(1000), 'x'.repeat(1001)];
    for (const deviceId of ids) await log({ deviceId, locUri: './A', correlator: undefined });
    expect(await readdir(dir)).toHaveLength(ids.length);
    for (const deviceId of ids) expect(await linesOf(deviceId)).toMatchObject([{ deviceId }]);
  });

  it('log: says where it cannot be', async () => {
    const file = join(dir, '..', '..', 'file');
    await writeFile(file, '');
    await expect(openExecLog(join(file, 'below'), () => 0)).rejects.toMatchObject({ code: 'EXEC_LOG_OPEN' });
  });
});
