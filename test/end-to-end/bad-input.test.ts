import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { openGatewayStore, openServerStore } from '../../src/store/sqlite/open.ts';
import { DMGW, dmgw, ROOT } from './dmgw.ts';
import { freePort, makeSite, type Site } from './site.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dmgw-bad-input-'));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

/** Runs the command, which must say one line on stderr and nothing on stdout; answers the line. */
async function refused(code: number, args: readonly string[], input: string | Uint8Array = ''): Promise<string> {
  const ran = await dmgw(args, input);
  expect(ran, args.join(' ')).toMatchObject({ code, stdout: '' });
  const lines = ran.stderr.split('\n');
  expect(lines, ran.stderr).toHaveLength(2);
  expect(lines[0]).not.toMatch(/^\s+at |node:internal|file:\/\//);
  return lines[0]!;
}

/** Writes a configuration of a gateway in a folder of its own, with changes; answers its path. */
async function gatewayConfig(changes: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await mkdtemp(join(dir, 'gateway-'));
  const path = join(folder, 'gateway.yaml');
  const config = {
    role: 'gateway',
    gateway: { id: 'urn:dev:test:gateway' },
    store: { url: `sqlite:${join(folder, 'gateway.db')}` },
    southbound: { listen: 'http://127.0.0.1:0/dm' },
    log: { level: 'warn' },
    ...changes,
  };
  await writeFile(path, typeof changes.text === 'string' ? changes.text : stringify(config));
  return path;
}

const SERVER_ENTRY = {
  id: 'dm-server',
  url: 'http://127.0.0.1:1/dm',
  userName: 'gateway',
  secret: { file: 'missing.secret' },
  serverSecret: { file: 'missing.secret' },
};

describe('configuration that cannot be used', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['with an unknown key', { gateway: { id: 'x', colour: 'blue' } }, /unknown key gateway\.colour$/],
    ['with an unknown section', { colour: 'blue' }, /unknown key colour$/],
    ['with a missing secret file', { servers: [SERVER_ENTRY] }, /servers\.0\.secret: file missing\.secret cannot/],
    ['with a secret in it', { servers: [{ ...SERVER_ENTRY, secret: 'x' }] }, /servers\.0\.secret: must name where/],
    ['of a role that there is not', { role: 'nurse' }, /role: .*'gateway' \| 'server'/],
    ['with a value out of range', { fanout: { attempts: 101 } }, /fanout\.attempts: .*100/],
    ['with a store that is not there yet', { store: { url: 'postgres://u:hidden@h/d' } }, /scheme is postgres/],
    ['with a notification address that is none', { northbound: { notifications: 'udp://x' } }, /udp:\/\/HOST:PORT/],
    ['that is no YAML', { text: 'role: [' }, /gateway\.yaml: .*line/],
    ['that is empty', { text: '' }, /is empty/],
  ])('gateway: exits 2 with one line for one %s', async (_, changes, says) => {
    const config = await gatewayConfig(changes);
    const line = await refused(2, ['gateway', '--config', config, '--json']);
    expect(line).toMatch(says);
    expect(line).not.toContain('hidden');
  });

  it('gateway and server: exit 2 for a file that is missing and for one of the other role', async () => {
    expect(await refused(2, ['gateway', '--config', join(dir, 'none.yaml')])).toContain('no such file');
    expect(await refused(2, ['server', '--config', await gatewayConfig({})])).toContain('role is not server');
  });

  it('config check: exits 2 and names the key', async () => {
    const config = await gatewayConfig({ store: { path: 'x' } });
    expect(await refused(2, ['config', 'check', config])).toContain('unknown key store.path');
  });
});

describe('surroundings that cannot be used', () => {
  it('gateway: exits 4 when its HTTP port, the port of its API or its UDP port is in use', async () => {
    const tcp = createServer().listen(0, '127.0.0.1');
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
    const { port } = tcp.address() as AddressInfo;
    const listen = `http://127.0.0.1:${port}`;
    try {
      for (const [changes, where] of [
        [{ southbound: { listen: `${listen}/dm` } }, port],
        [{ api: { listen } }, port],
        [{ northbound: { notifications: `udp://127.0.0.1:${udp.address().port}` } }, udp.address().port],
      ] as const) {
        const config = await gatewayConfig(changes);
        const line = await refused(4, ['gateway', '--config', config, '--json']);
        expect(line).toContain(`127.0.0.1:${where} is in use`);
        // Nobody holds the store any more, and there is nothing in it.
        const store = await openGatewayStore(`sqlite:${config.replace(/yaml$/, 'db')}`);
        expect(await store.fanOut.runs(undefined, 10)).toEqual([]);
        await store.close();
      }
      const devices = ['devices', '--dm-url', `${listen}/dm`, '--listen', `udp://127.0.0.1:${udp.address().port}`];
      expect(await refused(4, devices)).toContain('is in use');
    } finally {
      tcp.close();
      udp.close();
    }
  });

  it('gateway: exits 4 when the folder of its store or of its trace cannot be there', async () => {
    const store = { url: `sqlite:${join(dir, 'none', 'gateway.db')}` };
    expect(await refused(4, ['gateway', '--config', await gatewayConfig({ store })])).toMatch(/directory is missing/);
    const trace = { dir: join(DMGW, 'trace') };
    expect(await refused(4, ['gateway', '--config', await gatewayConfig({ trace })])).toMatch(/trace directory/);
  });

  it('demo: exits 4 with the one line of the actor that could not start', async () => {
    const line = await refused(4, ['demo', '--json', '--store', `sqlite:${join(dir, 'none', 'gateway.db')}`]);
    expect(line).toMatch(/gateway ended .*directory is missing/);
  });

  it('commands: exit 4 when the API is not there', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const members = join(dir, 'members.txt');
    await writeFile(members, 'urn:dev:1\n');
    for (const args of [
      ['fanout', 'show', '999', '--server', url],
      ['fanout', 'list', '--gateway', url],
      ['group', 'create', 'g', '--members', members, '--server', url],
      ['device', 'show', 'urn:dev:1', '--gateway', url],
    ]) {
      expect(await refused(4, args)).toContain(`cannot reach the API at ${url}`);
    }
  });

  it('commands: exit 3 when something else answers', async () => {
    const other = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      expect(await refused(3, ['fanout', 'show', '1', '--server', url])).toContain('does not answer like an API');
    } finally {
      other.close();
    }
  });
});

describe('words that make no command', () => {
  it.each<[string, string[], RegExp]>([
    ['an unknown command', ['dance'], /unknown command 'dance'/],
    ['an unknown option', ['demo', '--colour', 'blue'], /unknown option '--colour'/],
    ['a word too many', ['demo', 'now'], /too many arguments/],
    ['an unknown fault', ['demo', '--faults', 'nonsense=5'], /unknown fault "nonsense".*silent, drop/],
    ['an unknown fault of devices', ['devices', '--dm-url', 'http://127.0.0.1:1/', '--faults', 'x=5'], /fault "x"/],
    ['a fault without a share', ['demo', '--faults', 'silent'], /share of silent/],
    ['more faults than devices', ['demo', '--devices', '1', '--faults', 'silent=5,drop=5'], /too small/],
    ['a scheme that is none', ['demo', '--auth', 'plain'], /--auth/],
    ['a store that comes later', ['demo', '--store', 'postgres://u:hidden@h/d'], /scheme is postgres/],
    ['a store without a path', ['demo', '--store', 'sqlite:'], /sqlite:PATH/],
    ['no devices', ['demo', '--devices', '0'], /1 to 100000/],
    ['a share of nobody', ['demo', '--lacks', '0'], /1 to 100/],
    ['a command file that is missing', ['demo', '--commands', 'none.xml'], /none\.xml cannot be read/],
    ['no API', ['fanout', 'show', '1'], /--server URL.*--gateway URL/],
    ['two APIs', ['fanout', 'show', '1', '--server', 'http://a', '--gateway', 'http://b'], /either/],
    ['an API that is no URL', ['fanout', 'show', '1', '--server', 'ftp://a'], /no http URL/],
    ['a run that is no number', ['fanout', 'show', 'first', '--server', 'http://a'], /no run number/],
    [
      'an outcome that is none',
      ['fanout', 'retry', '1', '--outcome', 'bad'],
      /--outcome.*bad is no outcome; allowed are succeeded/,
    ],
    [
      'two forms of results',
      ['fanout', 'results', '1', '--raw', '--csv', '--server', 'http://a'],
      /one of --raw, --csv/,
    ],
    [
      'a policy out of range',
      ['fanout', 'start', '--server', 'http://a', '--group', 'g', '--commands', 'x', '--attempts', '101'],
      /--attempts is 101; allowed is 1 to 100/,
    ],
  ])('dmgw: exits 2 with one line for %s', async (_, args, says) => {
    const line = await refused(2, args);
    expect(line).toMatch(says);
    expect(line).not.toContain('hidden');
  });
});

describe('documents that are none', () => {
  const wbxml = async (): Promise<Buffer> => {
    const hex = await readFile(join(ROOT, 'test/vectors/package-1.wbxml.hex'), 'utf8');
    return Buffer.from(hex.replace(/\s/g, ''), 'hex');
  };

  it.each<[string, string | Uint8Array, RegExp]>([
    ['an empty file', '', /1:1/],
    ['text', 'hello', /1:1/],
    ['octets that are neither', Uint8Array.of(0xff, 0xfe, 0x00, 0x81), /byte \d+/],
    ['another document', '<html></html>', /<html> at 1:1/],
    ['XML that ends early', '<SyncML>\n <SyncHdr>\n', /3:1/],
    ['a WBXML header alone', Uint8Array.of(0x02), /byte 1/],
  ])('dmgw decode: exits 2 and says where %s goes wrong', async (_, document, where) => {
    expect(await refused(2, ['decode', '-'], document)).toMatch(where);
  });

  it('dmgw decode: exits 2 with the byte at which a WBXML document was cut off', async () => {
    const cut = (await wbxml()).subarray(0, 60);
    expect(await refused(2, ['decode', '-'], cut)).toMatch(/at byte 60/);
    expect(await refused(2, ['decode', join(dir, 'none.wbxml')])).toMatch(/cannot read/);
    expect(await refused(2, ['encode', '--to', 'wbxml', '-'], '<SyncML>')).toMatch(/1:9/);
  });
});

describe('what the gateway refuses', () => {
  const GET = '<Get><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
  let site: Site;

  beforeAll(async () => {
    site = await makeSite({ devices: 2, seed: 1 });
    await site.start('server');
    await site.start('gateway');
    await site.start('devices');
    await site.makeGroup('all');
  });

  afterAll(() => site.close());

  const commandFile = async (text: string): Promise<string> => {
    const path = join(await mkdtemp(join(dir, 'commands-')), 'commands.xml');
    await writeFile(path, text);
    return path;
  };

  it.each<[string, string, string, RegExp]>([
    ['commands that are no SyncML', '<html></html>', 'all', /ToBeFannedOut was refused with 4\d\d: .*html/],
    ['commands cut off', '<Get><Item>', 'all', /ToBeFannedOut was refused with 400: .*1:\d+/],
    ['a TargetGroupRef to nothing', GET, 'nowhere', /Start was refused with 404: .*group/],
  ])('fanout start: exits 3 with the cause that the gateway gave for %s', async (_, text, group, says) => {
    const commands = await commandFile(text);
    const args = ['fanout', 'start', '--server', site.serverUrl, '--group', group, '--commands', commands, '--wait'];
    const ran = await dmgw(args);
    expect(ran).toMatchObject({ code: 3, stdout: '' });
    expect(ran.stderr.trimEnd().split('\n').at(-1)).toMatch(says);
  });

  it('fanout, group and device: exit 3 for what is not there', async () => {
    for (const args of [
      ['fanout', 'show', '999', '--server', site.serverUrl],
      ['fanout', 'show', '999', '--gateway', site.gatewayUrl],
      ['fanout', 'results', '999', '--gateway', site.gatewayUrl],
      ['group', 'show', 'nowhere', '--gateway', site.gatewayUrl],
      ['device', 'show', 'urn:dev:nobody', '--gateway', site.gatewayUrl],
    ]) {
      expect(await refused(3, args)).toMatch(/404: there is no/);
    }
  });

  it('device import: exits 3, names the line, and adds none of the devices', async () => {
    const accounts = join(dir, 'bad-accounts.jsonl');
    const good = { deviceId: 'urn:dev:new', userName: 'u', secret: 'hidden', serverId: 's', serverSecret: 'hidden' };
    await writeFile(accounts, `${JSON.stringify(good)}\n{"deviceId":"urn:dev:other"}\n`);
    const line = await refused(3, ['device', 'import', accounts, '--gateway', site.gatewayUrl]);
    expect(line).toMatch(/2/);
    expect(line).not.toContain('hidden');
    expect(await refused(3, ['device', 'show', 'urn:dev:new', '--gateway', site.gatewayUrl])).toContain('404');
  });

  it('gateway: leaves no run, row or open session behind after any of it', async () => {
    for (const body of ['', '<SyncML>', '<html/>', Buffer.from([0x02, 0xa4, 0x01, 0x6a, 0x00])]) {
      for (const type of ['application/vnd.syncml.dm+xml', 'application/vnd.syncml.dm+wbxml']) {
        const response = await fetch(site.dmUrl, { method: 'POST', headers: { 'content-type': type }, body });
        expect(response.status).toBe(400);
      }
    }
    expect((await fetch(site.dmUrl, { method: 'POST', body: 'x=1' })).status).toBe(415);
    // One run shows that nothing is blocked, and that it is the first.
    const args = [
      '--server',
      site.serverUrl,
      '--group',
      'all',
      '--commands',
      await commandFile(GET),
      '--wait',
      '--json',
    ];
    const good = await dmgw(['fanout', 'start', ...args]);
    expect(good.code).toBe(0);
    const { resultsUrl } = z.looseObject({ resultsUrl: z.string() }).parse(JSON.parse(good.stdout));
    expect(resultsUrl).toBe('./SCR/Results/Results1');
    for (const actor of ['devices', 'gateway', 'server'] as const) await site.stop(actor);
    // A clean end leaves single files: no log, no lock.
    const files = (await readdir(site.dir)).filter((name) => name.includes('.db'));
    expect(files.sort()).toEqual(['gateway.db', 'server.db']);
    const store = await openGatewayStore(`sqlite:${join(site.dir, 'gateway.db')}`);
    expect(await store.fanOut.runs(undefined, 10)).toHaveLength(1);
    expect(await store.groups.names('', 10)).toEqual(['all']);
    expect(await store.devices.list(0, 10)).toHaveLength(2);
    await store.close();
    const orders = await openServerStore(`sqlite:${join(site.dir, 'server.db')}`);
    const states = (await orders.jobs('fanout', undefined, 10)).map(({ state }) => state);
    expect(states.sort()).toEqual(['complete', 'failed', 'failed', 'failed']);
    expect(await orders.openJobs(site.gatewayId, ['queued', 'sending', 'running', 'fetching'], 10)).toEqual([]);
    await orders.close();
  });
});
