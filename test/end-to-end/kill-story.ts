import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { runSchema } from '../../src/api/run-shape.ts';
import { serverRunSchema } from '../../src/api/server-shape.ts';
import type { ResultShape } from '../../src/api/shapes.ts';
import { type SeededStream, seededStream } from '../../src/device/seed.ts';
import { OUTCOMES } from '../../src/fanout/outcome.ts';
import { openServerStore } from '../../src/store/sqlite/open.ts';
import { resultsOf, statusesOf } from './de-result.ts';
import { type DeviceEvidence, readEvidence } from './device-evidence.ts';
import { executions } from './exec-evidence.ts';
import { ended, exec, get, order, rowsOf, type ServerRun, serverRun, write } from './runs.ts';
import { type Actor, delay, makeSite, type Site, until } from './site.ts';
import { type Steering, STEERINGS, steerAround } from './kill-steering.ts';

export interface KillPlan {
  readonly seed: number;
  readonly devices: number;
  /** Who is killed, one moment after the other. Each moment has a run of its own; those before it may still go on. */
  readonly victims: readonly Actor[];
  /** The last so many runs hold an Exec, which must not run twice. */
  readonly execRuns: number;
  /** Every so many moments the run of that moment is steered: cancelled, or paused and resumed, in turns. */
  readonly steerEvery: number;
  /** After so many moments every run may end before the next one starts. */
  readonly settleEvery: number;
}

/** A run of the story, and how it ended. */
export interface ToldRun {
  readonly label: string;
  /** What its commands write, which is the label of the first run of those that are linked. */
  readonly written: string;
  readonly hasExec: boolean;
  readonly steering: Steering | undefined;
  readonly run: ServerRun;
  readonly rows: readonly ResultShape[];
}

export interface KillStory {
  readonly runs: readonly ToldRun[];
  readonly evidence: DeviceEvidence;
  /** By `<device> <label>`, how often the device executed the Exec of the runs that write it, as it wrote down itself. */
  readonly executed: ReadonlyMap<string, number>;
  /** Moments at which the run of that moment was not over yet. */
  readonly inMidRun: number;
}

type Order = Omit<ToldRun, 'run' | 'rows'> & { readonly id: number };

const GROUP = 'all';
const MAX_SHARE_BEFORE_CANCEL = 0.25;
const gatewayRunsSchema = z.object({ runs: z.array(runSchema) });

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

async function tell(site: Site, plan: KillPlan): Promise<KillStory> {
  const { seed, devices, victims, execRuns, steerEvery, settleEvery } = plan;
  const random = seededStream(seed, 'moments');
  await site.start('server');
  await site.start('gateway');
  await site.start('devices');
  await site.makeGroup(GROUP);
  const started: Order[] = [];
  const begin = async (label: string, hasExec: boolean, steering?: Steering): Promise<number> => {
    const commands = hasExec ? withExec(label) : repeatable(label);
    const id = await order(site, { group: GROUP, commands, correlator: label });
    started.push({ label, written: label, hasExec, steering, id });
    return id;
  };
  // The first run is slower than those to come; the second one tells how long they take.
  await ended(site, await begin('run-0', false));
  const begun = performance.now();
  await ended(site, await begin('run-00', false));
  const usualMs = performance.now() - begun;

  let inMidRun = 0;
  for (const [index, victim] of victims.entries()) {
    const label = `run-${index + 1}`;
    const hasExec = index >= victims.length - execRuns;
    const turn = (index + 1) / steerEvery;
    const steering = Number.isInteger(turn) ? STEERINGS[turn % STEERINGS.length] : undefined;
    const id = await begin(label, hasExec, steering);
    // What is to be cancelled has most of its members left, so that it hardly ever ends before that is asked for.
    const share = fraction(random) * (steering === 'cancel' ? MAX_SHARE_BEFORE_CANCEL : 1);
    // Every other moment is one of the devices' part of the run, the rest are moments of the whole of it.
    if (steering !== undefined || index % 2 === 0) await answeredBy(site, label, share * devices);
    else await delay(share * usualMs);
    if ((await serverRun(site, id)).endedAt === null) inMidRun += 1;
    const crash = async (): Promise<void> => {
      await site.kill(victim);
      await site.start(victim);
    };
    if (steering === undefined) await crash();
    else await steerAround(site, await numberOfLabel(site, label), steering, random, crash);
    if ((index + 1) % settleEvery === 0 && !hasExec) for (const run of started) await ended(site, run.id);
  }
  const runs = await outcomesOf(site, started);
  runs.push(...(await retryCancelled(site, runs, random, victims)));
  await expectOneRunEach(site, runs);
  // The devices first: they write their trace to its end.
  for (const actor of ['devices', 'gateway', 'server'] as const) await site.stop(actor);
  await expectOneCompletionEach(site, runs);
  const evidence = await readEvidence(site.deviceTrace);
  return { runs, evidence, executed: await executions(site.execLog), inMidRun };
}

async function outcomesOf(site: Site, started: readonly Order[]): Promise<ToldRun[]> {
  const told: ToldRun[] = [];
  for (const { id, ...rest } of started) {
    const run = await ended(site, id);
    told.push({ ...rest, run, rows: await rowsOf(site.server, id) });
  }
  return told;
}

/** Has the members that a cancelled run left out run again, each time with a kill in the middle. */
async function retryCancelled(
  site: Site,
  runs: readonly ToldRun[],
  random: SeededStream,
  victims: readonly Actor[],
): Promise<ToldRun[]> {
  const again: Order[] = [];
  for (const { run, written, label, hasExec, rows } of runs) {
    if (!rows.some(({ outcome }) => outcome === 'cancelled')) continue;
    const correlator = `${label}-again`;
    const wanted = { outcomes: ['cancelled'], correlator };
    const { id } = await site.server.post(`/api/v1/runs/${run.id}/retry`, wanted, serverRunSchema);
    again.push({ label: correlator, written, hasExec, steering: undefined, id });
    await delay(fraction(random) * 500);
    const victim = victims[random.next() % victims.length]!;
    await site.kill(victim);
    await site.start(victim);
  }
  return outcomesOf(site, again);
}

function fraction(random: SeededStream): number {
  return random.next() / 2 ** 32;
}

/** Waits until so many members of the run have an outcome. */
async function answeredBy({ gateway }: Site, label: string, count: number): Promise<void> {
  await until(
    `${label} has ${count} answers`,
    120_000,
    async () => {
      const { runs } = await gateway.get('/api/v1/runs?limit=5', gatewayRunsSchema);
      const run = runs.find(({ correlator }) => correlator === label);
      return run !== undefined && run.counts.targets - run.counts.pending >= count;
    },
    2,
  );
}

async function numberOfLabel({ gateway }: Site, label: string): Promise<number> {
  const { runs } = await gateway.get('/api/v1/runs?limit=5', gatewayRunsSchema);
  return runs.find(({ correlator }) => correlator === label)!.number;
}

/** An Exec of Start or Retry whose answer got lost is sent again, and must not start a second run. */
async function expectOneRunEach(site: Site, told: readonly ToldRun[]): Promise<void> {
  const { runs } = await site.gateway.get('/api/v1/runs?limit=1000', gatewayRunsSchema);
  expect(runs.map(({ correlator }) => correlator).sort()).toEqual(told.map(({ label }) => label).sort());
}

async function expectOneCompletionEach(site: Site, runs: readonly ToldRun[]): Promise<void> {
  const store = await openServerStore(`sqlite:${join(site.dir, 'server.db')}`);
  try {
    for (const { run } of runs) {
      const completions = await store.completions(site.gatewayId, run.resultsUrl ?? '');
      expect(completions.map(({ correlator, generation, data }) => ({ correlator, generation, data }))).toEqual([
        { correlator: run.correlator, generation: 1, data: alertDataOf(run) },
      ]);
    }
  } finally {
    await store.close();
  }
}

function alertDataOf({ state, counts }: ServerRun): string {
  if (state === 'cancelled') return '551';
  if (counts?.succeeded === counts?.targets) return '200';
  return counts?.succeeded === 0 ? '550' : '250';
}

/** Every member has exactly one outcome, the counts add up, and what a device saw acknowledged is there as it sent it. */
export function expectNothingLost({ runs, evidence }: KillStory, devices: number): void {
  const urls = runs.map(({ run }) => run.resultsUrl);
  expect(new Set(urls).size).toBe(runs.length);
  const taken = new Set<string>();
  for (const { label, written, run, rows, hasExec, steering } of runs) {
    expect(run, label).toMatchObject({ error: null, correlator: label });
    // One that was to be cancelled may have ended before.
    expect(steering === 'cancel' ? ['cancelled', 'complete'] : ['complete'], label).toContain(run.state);
    const isRetry = label !== written;
    const members = isRetry ? rows.length : devices;
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: members }, (_, index) => index + 1));
    expect(new Set(rows.map(({ deviceId }) => deviceId)).size).toBe(members);
    const counts = run.counts!;
    for (const outcome of OUTCOMES) {
      const count = rows.filter((row) => row.outcome === outcome).length;
      expect(counts[outcome], `${label} ${outcome}`).toBe(count);
    }
    expect(counts).toMatchObject({ targets: members, pending: 0 });
    for (const { deviceId, outcome, deResult } of rows) {
      if (outcome === 'succeeded') {
        expectOwnAnswer(deResult, written, hasExec);
        taken.add(`${deviceId} ${written}`);
      }
    }
  }
  // A device has one answer to what linked runs write: those that have it already are not run again.
  expect([...evidence.acknowledged].filter((answer) => !taken.has(answer))).toEqual([]);
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

/**
 * No device was handed an Exec of the same run twice or executed it twice, whatever became of the first one; whose
 * Exec is said to have succeeded executed it, and one whose commands never left did not.
 */
export function expectNoExecTwice({ runs, evidence, executed }: KillStory): void {
  const lastOf = new Map<string, { readonly outcome: string; readonly label: string }>();
  for (const { label, written, rows } of runs.filter(({ hasExec }) => hasExec)) {
    for (const { deviceId, outcome } of rows) lastOf.set(`${deviceId} ${written}`, { outcome, label });
  }
  for (const [key, { outcome, label }] of lastOf) {
    const times = executed.get(key) ?? 0;
    expect(evidence.handed.get(key) ?? 0, `${key} handed, ${label} ${outcome}`).toBeLessThanOrEqual(1);
    if (outcome === 'succeeded') expect(times, `${key} executed, ${label}`).toBe(1);
    else if (outcome === 'unknown') expect(times, `${key} executed, ${label}`).toBeLessThanOrEqual(1);
    else expect(times, `${key} executed, ${label} ${outcome}`).toBe(0);
  }
}

function repeatable(label: string): string {
  return get('1', './DevInfo/Mod') + write('2', label) + get('3', './Vendor/Demo/Label');
}

function withExec(label: string): string {
  return repeatable(label) + exec('4', 'Reset', label);
}
