import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandsFromSyncBody } from '../../src/fanout/commands.ts';
import { decideBy } from '../../src/fanout/decide.ts';
import { DEFAULT_POLICY } from '../../src/fanout/policy.ts';
import { parseWaves } from '../../src/fanout/waves.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import type { Commit } from '../../src/store/measures.ts';
import type { openGatewayStoreThread } from '../../src/store/thread/open.ts';
import { newDevice, newRun, T0, terms } from './store-fixture.ts';
import { temporaryFolder } from './temporary-folder.ts';

const COMMANDS =
  '<SyncBody xmlns="SYNCML:SYNCML1.2"><Get><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Get></SyncBody>';

/** A thread runs what was built; `npm test` builds before. */
const { openGatewayStoreThread: open } = (await import(
  new URL('../../dist/store/thread/open.js', import.meta.url).href
)) as { openGatewayStoreThread: typeof openGatewayStoreThread };

const inFolder = temporaryFolder();
let databases = 0;
let url: string;
let store: GatewayStore;
let commits: Commit[];

beforeEach(async () => {
  url = `sqlite:${inFolder(`thread-${++databases}.db`)}`;
  commits = [];
  store = await open(url, { meter: (commit) => commits.push(commit) });
});

afterEach(() => store.close().catch(() => undefined));

describe('the store in a thread', () => {
  it('store: starts runs and decides about their members as in this thread', async () => {
    await store.devices.add([newDevice('urn:dev:1'), newDevice('urn:dev:2')]);
    await store.groups.create('all');
    const members = ['urn:dev:1', 'urn:dev:2'].map((deviceId, at) => ({ name: String(at), deviceId }));
    await store.groups.addMembers('all', members);
    const policy = { ...DEFAULT_POLICY, waves: parseWaves('1,100%') };
    const started = await store.fanOut.createRun(newRun({ commands: COMMANDS, policy }), terms());
    expect(started).toMatchObject({ kind: 'created', run: { wave: 1, released: 1, counts: { pending: 2 } } });

    const stored = { endsAt: T0 + policy.runDeadlineMs, policy, commands: commandsFromSyncBody(COMMANDS) };
    const decide = (kind: 'due' | 'unanswered') =>
      decideBy({ kind, now: T0, expiresNotBefore: 0 }, stored, () => expect.fail('it is decided over there'));
    const claim = await store.fanOut.claimDue(1, T0, { by: 'dueAt', limit: 9, maxTurns: 9 }, decide('due'));
    expect(claim).toMatchObject({ turns: [{ n: 1, attempts: 1, firstTurnAt: T0 }], settled: [], more: false });
    const rest = await store.fanOut.claimDue(1, T0, { by: 'unsent', limit: 9, maxTurns: 0 }, decide('unanswered'));
    expect(rest).toMatchObject({ settled: ['timed-out', 'timed-out'], completed: { state: 'complete' } });
    expect((await store.fanOut.member(1, 2))?.deResult).toContain('<Data>408</Data>');
    // The buffer of the lines is handed over, not copied: they can be read again all the same.
    for (let read = 0; read < 2; read++) {
      const { octets, last } = (await store.resultLines(1, 0, 9))!;
      expect(last).toBe(2);
      expect(Buffer.from(octets).toString()).toMatch(/^\{"n":1,.*"outcome":"timed-out".*\}\n\{"n":2,.*\}\n$/);
    }
    expect(commits.map(({ outcome }) => outcome)).toContain('committed');
  });

  it('store: does writes that belong together as one, or none of them', async () => {
    await store.devices.add([newDevice('urn:dev:1')]);
    const failing = store.fanOut.together(() => [
      store.groups.create('all'),
      store.devices.add([newDevice('urn:dev:1')]),
    ]);
    const results = await Promise.allSettled(failing);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await store.groups.exists('all')).toBe(false);
    await Promise.all(store.fanOut.together(() => [store.groups.create('all'), store.groups.create('some')]));
    expect(await store.groups.names('', 9)).toEqual(['all', 'some']);
  });

  it('store: answers octets, what is absent, and what lies deeper', async () => {
    await store.peerNonces.save('srv', { own: Buffer.from([1, 2]) });
    expect((await store.peerNonces.nonces('srv')).own).toEqual(new Uint8Array([1, 2]));
    expect(await store.devices.byKey(9)).toBeUndefined();
    await Promise.all([store.nodes.properties.count('./A', T0), store.nodes.properties.count('./A', T0 + 1)]);
    expect(await store.nodes.properties.get('./A')).toEqual({ title: undefined, changedAt: T0 + 1, verNo: 2 });
    await store.nodes.acls.set('./A', 'Get=*');
    expect(await store.nodes.acls.get('./A')).toBe('Get=*');
  });

  it('store: says the same as in this thread of what goes wrong', async () => {
    await store.devices.add([newDevice('urn:dev:1')]);
    await expect(store.devices.add([newDevice('urn:dev:1')])).rejects.toMatchObject({
      code: 'DEVICE_EXISTS',
      message: 'there is an account of device urn:dev:1 already',
    });
    await expect(open(url, {})).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await expect(open('postgres://x', {})).rejects.toMatchObject({ code: 'STORE_URL' });
    await store.close();
    await expect(store.groups.exists('all')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    const again = await open(url, {});
    expect(await again.devices.count()).toBe(1);
    await again.close();
  });

  it('store: refuses what is no data, and does what was asked for with it', async () => {
    const refused = store.nodes.acls.set('./A', (() => 'Get=*') as never);
    const done = store.nodes.acls.set('./B', 'Get=*');
    await expect(refused).rejects.toThrow('nodes.acls.set cannot be sent to the thread of the store');
    await done;
    expect(await store.nodes.acls.all()).toEqual([{ locUri: './B', acl: 'Get=*' }]);
  });

  it('store: opens in a process that was given options of V8', async () => {
    const program = `
      const { openGatewayStoreThread } = await import(process.argv[1]);
      const store = await openGatewayStoreThread('sqlite::memory:', {});
      console.log(await store.devices.count());
      await store.close();`;
    const built = new URL('../../dist/store/thread/open.js', import.meta.url).href;
    const options = ['--max-old-space-size=256', '--input-type=module', '--eval', program, built];
    const { stdout } = await promisify(execFile)(process.execPath, options);
    expect(stdout).toBe('0\n');
  });

  it('store: says that the thread did not start', async () => {
    const dist = inFolder('dist');
    cpSync(new URL('../../dist', import.meta.url), dist, { recursive: true });
    cpSync(new URL('../../package.json', import.meta.url), inFolder('package.json'));
    rmSync(join(dist, 'store/sqlite/open.js'));
    const { openGatewayStoreThread: openBroken } = (await import(
      pathToFileURL(join(dist, 'store/thread/open.js')).href
    )) as { openGatewayStoreThread: typeof openGatewayStoreThread };
    await expect(openBroken(url, {})).rejects.toMatchObject({
      code: 'STORE_OPEN',
      message: expect.stringMatching(/^the thread of the store did not start: .*open\.js/) as string,
    });
  });

  it('store: is full at its quota', async () => {
    const full = await open(`sqlite:${inFolder('full.db')}`, { maxBytes: 300_000 });
    const many = Array.from({ length: 3_000 }, (_value, at) => newDevice(`urn:dev:${at}`));
    await expect(full.devices.add(many)).rejects.toMatchObject({
      code: 'STORE_WRITE',
      message: 'the store could not be written: there is no space left',
    });
    await full.close();
  });
});
