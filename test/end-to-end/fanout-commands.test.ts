import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { serverRunSchema } from '../../src/api/server-shape.ts';
import { dmgw, type Ran } from './dmgw.ts';
import { gatewayRun, numberAtGateway, reached, serverRun } from './runs.ts';
import { makeSite, type Site, until } from './site.ts';

const GET = '<Get><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
const DEVICES = 6;

describe('dmgw fanout, through the DM Server and its DM sessions', () => {
  let site: Site;
  let commands: string;
  let succeeded: number;

  beforeAll(async () => {
    site = await makeSite({ devices: DEVICES, seed: 1 });
    commands = join(await mkdtemp(join(site.dir, 'commands-')), 'get.xml');
    await writeFile(commands, GET);
    await site.start('server');
    await site.start('gateway');
    await site.start('devices');
    await site.makeGroup('all');
    // Until they are back, a run has only devices that are silent.
    await site.stop('devices');
  });

  afterAll(() => site.close());

  const fanout = (...args: string[]): Promise<Ran> => dmgw(['fanout', ...args, '--server', site.serverUrl, '--json']);
  const start = (...flags: string[]): Promise<Ran> =>
    fanout('start', '--group', 'all', '--commands', commands, ...flags);

  function runIn({ code, stdout, stderr }: Ran) {
    expect(code, stderr).toBe(0);
    return serverRunSchema.loose().parse(JSON.parse(stdout));
  }

  it('server: says what a start would come to, and starts nothing', async () => {
    const planned = await start('--dry-run', '--waves', '2,100%');
    expect(planned.code, planned.stderr).toBe(0);
    expect(JSON.parse(planned.stdout)).toMatchObject({ targets: DEVICES, waves: 2, hinderedMembers: [] });
    const direct = ['plan', '--group', 'all', '--commands', commands, '--gateway', site.gatewayUrl, '--json'];
    const { stdout } = await dmgw(['fanout', ...direct]);
    expect(JSON.parse(stdout)).toMatchObject({ targets: DEVICES, waves: 1, hinderedMembers: [] });
    const refused = await fanout('plan', '--group', 'nobody', '--commands', commands);
    expect(refused.code, refused.stdout).toBe(3);
    expect(refused.stderr).toContain('a start would be refused with 404');
    expect(JSON.parse((await fanout('list')).stdout)).toEqual([]);
  });

  it('server: has a run paused, resumed and cancelled, and its members retried, as its gateway tells it', async () => {
    const { id } = runIn(await start('--attempts', '5', '--backoff', '2', '--device-deadline', '600'));
    const number = await numberAtGateway(site, id);
    expect((await gatewayRun(site, number)).policy).toMatchObject({ Attempts: 5, Backoff: 2, DeviceDeadline: 600 });

    expect(runIn(await fanout('pause', String(id)))).toMatchObject({ state: 'paused', endedAt: null });
    await reached(site, number, 'is paused', ({ state }) => state === 'paused');
    expect(runIn(await fanout('resume', String(id)))).toMatchObject({ state: 'running' });
    await reached(site, number, 'is running', ({ state }) => state === 'running');

    const early = await fanout('retry', String(id));
    expect(early).toMatchObject({ code: 3, stdout: '' });
    expect(early.stderr).toContain('only a run that has ended can be retried');

    expect(['running', 'cancelling', 'fetching', 'cancelled']).toContain(
      runIn(await fanout('cancel', String(id))).state,
    );
    const watched = await fanout('watch', String(id));
    expect(watched.code).toBe(5);
    const cancelled = await serverRun(site, id);
    expect(cancelled).toMatchObject({ state: 'cancelled', counts: { cancelled: DEVICES }, alert: { data: '551' } });

    const late = await fanout('pause', String(id));
    expect(late.code).toBe(3);
    expect(late.stderr).toContain('has ended');

    await site.start('devices');
    const retried = await fanout('retry', String(id), '--outcome', 'cancelled', '--wait');
    const run = runIn(retried);
    succeeded = run.id;
    expect(run).toMatchObject({
      state: 'complete',
      retryOf: { run: id, outcomes: ['cancelled'] },
      counts: { succeeded: DEVICES, targets: DEVICES },
      alert: { data: '200' },
    });
    expect((await gatewayRun(site, await numberAtGateway(site, run.id))).retryOf).toMatchObject({ run: number });

    const compared = await fanout('compare', String(run.id), String(id));
    expect(compared.code).toBe(6);
    expect(JSON.parse(compared.stdout.trimEnd().split('\n').at(-1)!)).toEqual({
      summary: { same: 0, outcome: DEVICES, answer: 0, 'only-here': 0, 'only-there': 0 },
    });
    expect((await fanout('compare', String(run.id), String(run.id))).code).toBe(0);
    for (const verified of [await fanout('verify', String(run.id)), await fanout('verify', String(id))]) {
      expect(verified.code, verified.stdout).toBe(0);
      expect(JSON.parse(verified.stdout)).toMatchObject({ members: DEVICES, agrees: true, differences: [] });
    }
  });

  it('server: starts a run without the policy of the one before, and hears of its quorum on the way', async () => {
    const first = runIn(await start('--quorum', '50', '--waves', '4,100%', '--max-failures', '0'));
    await until('the first run is over', 60_000, async () => (await serverRun(site, first.id)).endedAt !== null);
    const told = (await serverRun(site, first.id)).events.map(({ what }) => what);
    expect(told.some((what) => what.startsWith('alert 200'))).toBe(true);
    const second = await start('--attempts', '2', '--wait');
    expect(second.code, second.stderr).toBe(0);
    const { id } = z.looseObject({ id: z.int() }).parse(JSON.parse(second.stdout));
    const { policy } = await gatewayRun(site, await numberAtGateway(site, id));
    expect(policy).toMatchObject({ Quorum: 0, Waves: '100%', MaxFailures: 100, Attempts: 2 });
  });

  it('dmgw: shows the results of a run in short, as they are, and as CSV', async () => {
    const results = async (...flags: string[]): Promise<string[]> => {
      const args = ['fanout', 'results', String(succeeded), '--server', site.serverUrl, ...flags];
      return (await dmgw(args)).stdout.trimEnd().split(/\r?\n/);
    };
    expect((await results())[0]).toMatch(/^urn:dev:demo:1\s+succeeded\s+1 Get 200 "Demo Device 1"$/);
    expect((await results('--raw'))[0]).toMatch(/^urn:dev:demo:1\tsucceeded\t<SyncBody /);
    expect((await results('--csv')).slice(0, 2)).toEqual([
      'n,deviceId,outcome,deResult',
      expect.stringMatching(/^1,urn:dev:demo:1,succeeded,"<SyncBody /),
    ]);
    expect(await results('--q', 'demo:3', '--outcome', 'succeeded')).toHaveLength(1);
  });
});
