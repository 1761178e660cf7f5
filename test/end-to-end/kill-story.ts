import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { countsSchema, resultSchema, type ResultShape, serverRunSchema } from '../../src/api/shapes.ts';
import { seededStream } from '../../src/device/seed.ts';
import { OUTCOMES } from '../../src/fanout/outcome.ts';
import { openServerStore } from '../../src/store/sqlite/open.ts';
import { resultsOf, statusesOf } from './de-result.ts';
import { type DeviceEvidence, readEvidence } from './device-evidence.ts';
import { type Actor, delay, makeSite, type Site, until } from './site.ts';

export interface KillPlan {
  readonly seed: number;
  readonly devices: number;
  /** Who is killed, one moment after the other. Each moment has a run of its own; those before it may still go on. */
  readonly victims: readonly Actor[];
  /** The last so many runs hold an Exec, which must not run twice. */
  readonly execRuns: number;
  /** After so many moments every run may end before the next one starts. */
  readonly settleEvery: number;
}

type RunView = z.infer<typeof serverRunSchema>;

/** A run of the story, and how it ended. */
export interface ToldRun {
  readonly label: string;
  readonly hasExec: boolean;
  readonly run: RunView;
  readonly rows: readonly ResultShape[];
}

export interface KillStory {
  readonly runs: readonly ToldRun[];
  readonly evidence: DeviceEvidence;
  /** By DeviceID, how often `./Vendor/Demo/Reset` was executed, as the device counted. */
  readonly resets: ReadonlyMap<string, number>;
  /** Moments at which the run of that moment was not over yet. */
  readonly inMidRun: number;
}

const GROUP = 'all';
const RUN_LIMIT_MS = 120_000;
const gatewayRunsSchema = z.object({
  runs: z.array(z.looseObject({ correlator: z.string().nullable(), counts: countsSchema })),
});

/** Runs fan-outs while actors are killed in the middle of them, waits until all are over, and hears all witnesses. */
export async function killInMidRun(plan: KillPlan): Promise<KillStory> {
  process.stdout.write(`kills with seed ${plan.seed}\n`);
  const site = await makeSite({
    ...plan,
    // A device that hears of a run again and again must not run out of attempts.
    // Few at a time: the devices' part of a run is then long enough to be met.
    fanout: { deviceDeadline: 20, backoff: 1, attempts: 100, concurrency: 4, maxActiveRuns: 1_000 },
  });
  try {
    return await tell(site, plan);
  } catch (error) {
    throw new Error(`seed ${plan.seed}: ${error instanceof Error ? error.message : String(error)}\n${site.said()}`, {
      cause: error,
    });
  } finally {
    await site.close();
  }
}

async function tell(site: Site, { seed, devices, victims, execRuns, settleEvery }: KillPlan): Promise<KillStory> {
  const random = seededStream(seed, 'moments');
  await site.start('server');
  await site.start('gateway');
  await site.start('devices');
  await site.makeGroup(GROUP);
  const started: { label: string; hasExec: boolean; id: number }[] = [];
  const order = async (label: string, hasExec: boolean): Promise<number> => {
    const id = await startRun(site, label, hasExec ? withExec(label) : repeatable(label));
    started.push({ label, hasExec, id });
    return id;
  };
  // The first run is slower than those to come; the second one tells how long they take.
  await ended(site, await order('run-0', false));
  const begin = performance.now();
  await ended(site, await order('run-00', false));
  const usualMs = performance.now() - begin;

  let inMidRun = 0;
  for (const [index, victim] of victims.entries()) {
    const label = `run-${index + 1}`;
    const hasExec = index >= victims.length - execRuns;
    const id = await order(label, hasExec);
    const share = random.next() / 2 ** 32;
    // Every other moment is one of the devices' part of the run, the rest are moments of the whole of it.
    if (index % 2 === 0) await answeredBy(site, label, share * devices);
    else await delay(share * usualMs);
    if ((await site.server.get(`/api/v1/runs/${id}`, serverRunSchema)).endedAt === null) inMidRun += 1;
    await site.kill(victim);
    await site.start(victim);
    if ((index + 1) % settleEvery === 0 && !hasExec) for (const run of started) await ended(site, run.id);
  }
  const runs: ToldRun[] = [];
  for (const { id, ...rest } of started) {
    runs.push({ ...rest, run: await ended(site, id), rows: await rowsOf(site, id) });
  }
  const resets = await countResets(site);
  await expectOneRunEach(site, [...runs.map(({ run }) => run.correlator), 'resets']);
  // The devices first: they write their trace to its end.
  for (const actor of ['devices', 'gateway', 'server'] as const) await site.stop(actor);
  await expectOneCompletionEach(site, runs);
  return { runs, evidence: await readEvidence(site.deviceTrace), resets, inMidRun };
}

async function startRun({ server, gatewayId }: Site, label: string, commands: string): Promise<number> {
  const order = { gatewayId, group: GROUP, commands, correlator: label };
  return (await server.post('/api/v1/runs', order, serverRunSchema)).id;
}

/** Waits until so many members of the run have an outcome. */
async function answeredBy({ gateway }: Site, label: string, count: number): Promise<void> {
  await until(
    `${label} has ${count} answers`,
    RUN_LIMIT_MS,
    async () => {
      const { runs } = await gateway.get('/api/v1/runs?limit=5', gatewayRunsSchema);
      const run = runs.find(({ correlator }) => correlator === label);
      return run !== undefined && run.counts.targets - run.counts.pending >= count;
    },
    2,
  );
}

async function ended({ server }: Site, id: number): Promise<RunView> {
  let run = await server.get(`/api/v1/runs/${id}`, serverRunSchema);
  await until(`run ${id} is over`, RUN_LIMIT_MS, async () => {
    run = await server.get(`/api/v1/runs/${id}`, serverRunSchema);
    return run.state === 'complete' || run.state === 'failed';
  });
  return run;
}

async function rowsOf({ server }: Site, id: number): Promise<ResultShape[]> {
  const rows: ResultShape[] = [];
  for await (const row of server.rows(`/api/v1/runs/${id}/results`, resultSchema)) rows.push(row);
  return rows;
}

async function countResets(site: Site): Promise<Map<string, number>> {
  const id = await startRun(site, 'resets', get('1', './Vendor/Demo/Resets'));
  expect((await ended(site, id)).error).toBeNull();
  const rows = await rowsOf(site, id);
  return new Map(rows.map(({ deviceId, deResult }) => [deviceId, Number(resultsOf(deResult)[0]?.data)]));
}

/** An Exec of Start whose answer got lost is sent again, and must not start a second run. */
async function expectOneRunEach(site: Site, correlators: readonly (string | null)[]): Promise<void> {
  const { runs } = await site.gateway.get('/api/v1/runs?limit=1000', gatewayRunsSchema);
  expect(runs.map(({ correlator }) => correlator).sort()).toEqual([...correlators].sort());
}

async function expectOneCompletionEach(site: Site, runs: readonly ToldRun[]): Promise<void> {
  const store = await openServerStore(`sqlite:${join(site.dir, 'server.db')}`);
  try {
    for (const { run } of runs) {
      const completions = await store.completions(site.gatewayId, run.resultsUrl ?? '');
      expect(completions.map(({ correlator, generation }) => ({ correlator, generation }))).toEqual([
        { correlator: run.correlator, generation: 1 },
      ]);
    }
  } finally {
    await store.close();
  }
}

/** Every member has exactly one outcome, the counts add up, and what a device saw acknowledged is there as it sent it. */
export function expectNothingLost({ runs, evidence }: KillStory, devices: number): void {
  const urls = runs.map(({ run }) => run.resultsUrl);
  expect(new Set(urls).size).toBe(runs.length);
  for (const { label, run, rows, hasExec } of runs) {
    expect(run, label).toMatchObject({ state: 'complete', error: null, correlator: label });
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: devices }, (_, index) => index + 1));
    expect(new Set(rows.map(({ deviceId }) => deviceId)).size).toBe(devices);
    const counts = run.counts!;
    for (const outcome of OUTCOMES) {
      const count = rows.filter((row) => row.outcome === outcome).length;
      expect(counts[outcome], `${label} ${outcome}`).toBe(count);
    }
    expect(counts).toMatchObject({ targets: devices, pending: 0 });
    for (const { deviceId, outcome, deResult } of rows) {
      if (outcome === 'succeeded') expectOwnAnswer(deResult, label, hasExec);
      else expect([...evidence.acknowledged], `${deviceId} ${outcome}`).not.toContain(`${deviceId} ${label}`);
    }
  }
}

function expectOwnAnswer(deResult: string | null, label: string, hasExec: boolean): void {
  expect(statusesOf(deResult)).toEqual([
    { cmdRef: '1', cmd: 'Get', code: 200 },
    { cmdRef: '2', cmd: 'Replace', code: 200 },
    { cmdRef: '3', cmd: 'Get', code: 200 },
    ...(hasExec ? [{ cmdRef: '4', cmd: 'Exec', code: 200 }] : []),
  ]);
  expect(resultsOf(deResult).find(({ cmdRef }) => cmdRef === '3')?.data).toBe(label);
}

/** No device was handed an Exec of the same run twice, whatever became of the first one. */
export function expectNoExecTwice({ runs, evidence }: KillStory): void {
  for (const { label, rows } of runs.filter(({ hasExec }) => hasExec)) {
    const twice = rows.filter(({ deviceId }) => (evidence.handed.get(`${deviceId} ${label}`) ?? 0) > 1);
    expect(twice, label).toEqual([]);
  }
}

/** Each device executed as many Execs as it was handed: for devices that lived through the whole story. */
export function expectResetsAsHanded({ runs, evidence, resets }: KillStory): void {
  const labels = runs.filter(({ hasExec }) => hasExec).map(({ label }) => label);
  for (const [deviceId, count] of resets) {
    expect(count, deviceId).toBe(
      labels.filter((label) => (evidence.handed.get(`${deviceId} ${label}`) ?? 0) > 0).length,
    );
  }
}

function repeatable(label: string): string {
  return get('1', './DevInfo/Mod') + write('2', label) + get('3', './Vendor/Demo/Label');
}

function withExec(label: string): string {
  return `${repeatable(label)}<Exec><CmdID>4</CmdID><Item><Target><LocURI>./Vendor/Demo/Reset</LocURI></Target></Item></Exec>`;
}

function get(cmdId: string, locUri: string): string {
  return `<Get><CmdID>${cmdId}</CmdID><Item><Target><LocURI>${locUri}</LocURI></Target></Item></Get>`;
}

function write(cmdId: string, label: string): string {
  return `<Replace><CmdID>${cmdId}</CmdID><Item><Target><LocURI>./Vendor/Demo/Label</LocURI></Target><Data>${label}</Data></Item></Replace>`;
}
