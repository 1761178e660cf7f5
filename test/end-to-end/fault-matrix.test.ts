import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignFaults, FAULT_KINDS, type FaultKind, parseFaults } from '../../src/device/faults.ts';
import { z } from 'zod';
import { expectAgreement } from './agreement.ts';
import { statusesOf } from './de-result.ts';
import { dmgw, ROOT } from './dmgw.ts';
import { executions } from './exec-evidence.ts';
import { ended, exec, get, numberOf, order, type ServerRun, write } from './runs.ts';
import { deviceIdOf, makeSite, type Site } from './site.ts';

/** Of each kind, in the run with all kinds at 10 %, and in the run of that kind alone at 40 %. */
const TOGETHER = 50;
const ALONE = 20;
const HEALTHY = 30;
const DEVICES = FAULT_KINDS.length * (TOGETHER + ALONE + HEALTHY);
const FAULTS = FAULT_KINDS.map((kind) => `${kind}=${((TOGETHER + ALONE) * 100) / DEVICES}`).join(',');
const ALL = 'together';
/** Kinds that never get as far as to execute anything. */
const EXECUTE_NOTHING: readonly (FaultKind | undefined)[] = ['silent', 'drop', 'badauth', 'error'];
/** Status that is made up for every command that got none. [FANOUT 5] */
const MADE_UP = { 'timed-out': 408, unauthorized: 401, unknown: 504 } as const;

let site: Site;
let outcomes: ReadonlyMap<string, string>;
const faultOf = new Map<string, FaultKind>();
const runs = new Map<string, number>();

beforeAll(async () => {
  const seed = Number(process.env.DMGW_TEST_SEED ?? randomInt(2 ** 32));
  process.stdout.write(`faults with seed ${seed}\n`);
  outcomes = await documentedOutcomes();
  // Ten seconds are long for a device that is alive, also where everything happens at once on a busy machine.
  const fanout = { deviceDeadline: 10, backoff: 1, concurrency: 32 };
  site = await makeSite({ devices: DEVICES, seed, faults: FAULTS, isTraced: false, fanout });
  await site.start('server');
  await site.start('gateway');
  await site.start('devices');
  const groups = groupsOf(seed);
  // An operator makes them quicker, and groups are not what this is about.
  for (const [group, members] of groups) {
    await site.gateway.post('/api/v1/groups', { group, members }, z.object({ members: z.int() }));
  }
  for (const group of groups.keys()) {
    const commands = `${get('1', './DevInfo/Mod')}${write('2', group)}${get('3', './Vendor/Demo/Label')}${exec('4', 'Reset', group)}`;
    runs.set(group, await order(site, { group, commands, correlator: group }));
  }
});

afterAll(() => site.close());

describe('devices that do wrong', () => {
  it.each(FAULT_KINDS)('gateway: a run ends right for every device where 40 % are %s', async (kind) => {
    const run = await settled(kind);
    await expectOutcomes(run, ALONE + HEALTHY);
  });

  it(`gateway: a run ends right for every device where each kind of fault has 10 % of ${FAULT_KINDS.length * TOGETHER}`, async () => {
    const run = await settled(ALL);
    await expectOutcomes(run, FAULT_KINDS.length * TOGETHER);
    for (const address of [
      ['--gateway', site.gatewayUrl, String(numberOf(run))],
      ['--server', site.serverUrl, String(run.id)],
    ] as const) {
      const verified = await dmgw(['fanout', 'verify', address[2], address[0], address[1]]);
      expect(verified, verified.stderr).toMatchObject({ code: 0 });
    }
  });
});

async function settled(group: string): Promise<ServerRun> {
  const run = await ended(site, runs.get(group) ?? 0);
  expect(run, site.said()).toMatchObject({ state: 'complete', error: null, correlator: group });
  return run;
}

/** Each member has the outcome that its fault is documented with, and executed what it says. */
async function expectOutcomes(run: ServerRun, members: number): Promise<void> {
  const rows = await expectAgreement(site, run);
  expect(new Set(rows.map(({ deviceId }) => deviceId)).size).toBe(members);
  const executed = await executions(site.execLog);
  for (const { deviceId, outcome, deResult } of rows) {
    const fault = faultOf.get(deviceId);
    const told = `${deviceId} (${fault ?? 'no fault'})`;
    expect(outcome, told).toBe(fault === undefined ? 'succeeded' : outcomes.get(fault));
    const statuses = statusesOf(deResult);
    expect(
      statuses.map(({ cmdRef }) => cmdRef),
      told,
    ).toEqual(['1', '2', '3', '4']);
    const code = outcome === 'failed' ? 500 : outcome === 'succeeded' ? 200 : MADE_UP[outcome as keyof typeof MADE_UP];
    expect(new Set(statuses.map((status) => status.code)), told).toEqual(new Set([code]));
    const times = executed.get(`${deviceId} ${run.correlator ?? ''}`) ?? 0;
    expect(times, `${told} executed`).toBe(EXECUTE_NOTHING.includes(fault) ? 0 : 1);
  }
}

/** Members of each run; no device is in two. */
function groupsOf(seed: number): ReadonlyMap<string, readonly string[]> {
  const faults = assignFaults(seed, DEVICES, parseFaults(FAULTS));
  const healthy: string[] = [];
  const byKind = new Map<FaultKind, string[]>(FAULT_KINDS.map((kind) => [kind, []]));
  for (let index = 0; index < DEVICES; index += 1) {
    const kind = faults.get(index);
    const deviceId = deviceIdOf(index);
    if (kind !== undefined) faultOf.set(deviceId, kind);
    (kind === undefined ? healthy : byKind.get(kind))?.push(deviceId);
  }
  const alone = FAULT_KINDS.map((kind, place): readonly [string, readonly string[]] => [
    kind,
    [...(byKind.get(kind)?.slice(0, ALONE) ?? []), ...healthy.slice(place * HEALTHY, (place + 1) * HEALTHY)],
  ]);
  const together = FAULT_KINDS.flatMap((kind) => byKind.get(kind)?.slice(ALONE) ?? []);
  return new Map([[ALL, together], ...alone]);
}

/** Reads the table fault -> outcome of the documentation. */
async function documentedOutcomes(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(ROOT, 'docs/command-line.md'), 'utf8');
  const table = text.slice(text.indexOf('### Faults'), text.indexOf('## dmgw gateway'));
  const found = new Map(
    [...table.matchAll(/^\| `(\w+)` +\|[^|]*\| ([\w-]+) +\|$/gm)].map(([, kind = '', outcome = '']) => [kind, outcome]),
  );
  expect([...found.keys()]).toEqual([...FAULT_KINDS]);
  return found;
}
