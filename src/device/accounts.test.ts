import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateAccounts, readAccounts, withNotifyAddresses, writeAccounts } from './accounts.ts';

const LINE = {
  deviceId: 'urn:dev:1',
  userName: 'one',
  secret: 'hush-hush',
  scheme: 'md5',
  serverId: 'gw',
  serverSecret: 'psst',
  serverScheme: 'basic',
};

describe('accounts file', () => {
  let dir: string;
  let file: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'dmgw-accounts-'));
    file = join(dir, 'accounts.jsonl');
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('accounts: are read as they were written, and only their owner can read them', async () => {
    const notify = ['udp://127.0.0.1:9001', 'udp://127.0.0.1:9002'];
    const made = generateAccounts({ seed: 7, count: 5, auth: 'mixed', serverId: 'gw' });
    const accounts = withNotifyAddresses(made, notify);
    await writeAccounts(file, accounts);
    expect(await readAccounts(file)).toEqual(accounts);
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(accounts.map((account) => account.notify)).toEqual([0, 1, 0, 1, 0].map((place) => notify[place]));
  });

  it('accounts: come from the seed, whatever the count', () => {
    const fleet = { seed: 7, auth: 'mixed', serverId: 'gw' } as const;
    const small = generateAccounts({ ...fleet, count: 3 });
    expect(generateAccounts({ ...fleet, count: 10 }).slice(0, 3)).toEqual(small);
    expect(generateAccounts({ ...fleet, count: 3, seed: 8 })).not.toEqual(small);
    const secrets = generateAccounts({ ...fleet, count: 100 }).flatMap(({ secret, serverSecret }) => [
      secret,
      serverSecret,
    ]);
    expect(new Set(secrets).size).toBe(200);
  });

  it('accounts: fill in what a line leaves out', async () => {
    await writeFile(file, `\n${JSON.stringify(LINE)}\n\n`);
    expect(await readAccounts(file)).toEqual([{ ...LINE, clientNonce: '', serverNonce: '', notificationVersion: 11 }]);
  });

  it.each([
    ['{"secret":"hush-hush"', 'DEVICE_ACCOUNTS_MALFORMED'],
    [JSON.stringify({ ...LINE, scheme: 'hush-hush' }), 'DEVICE_ACCOUNTS_MALFORMED'],
    [JSON.stringify({ ...LINE, clientNonce: '!hush-hush' }), 'DEVICE_ACCOUNTS_MALFORMED'],
    [JSON.stringify({ ...LINE, notify: 'http://hush-hush' }), 'DEVICE_ACCOUNTS_MALFORMED'],
    [JSON.stringify(LINE), 'DEVICE_ACCOUNTS_DUPLICATE'],
  ])('accounts: refuse %s by its line, without quoting it', async (line, code) => {
    await writeFile(file, `${JSON.stringify(LINE)}\n${line}\n`);
    const refusal: unknown = await readAccounts(file).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code });
    expect(String(refusal)).toContain(`${file}:2:`);
    expect(String(refusal)).not.toContain('hush-hush');
  });
});
