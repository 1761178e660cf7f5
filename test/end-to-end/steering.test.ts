import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobSchema, serverRunSchema, steeredRunSchema } from '../../src/api/server-shape.ts';
import { assignFaults, type FaultKind, parseFaults } from '../../src/device/faults.ts';
import { openServerStore } from '../../src/store/sqlite/open.ts';
import { expectAgreement } from './agreement.ts';
import { statusesOf } from './de-result.ts';
import { executions } from './exec-evidence.ts';
import {
  ended,
  exec,
  get,
  numberAtGateway,
  numberOf,
  order,
  reached,
  type RunOrder,
  type ServerRun,
  serverRun,
  write,
} from './runs.ts';
import { deviceIdOf, makeSite, type Site, until } from './site.ts';

const DEVICES = 60;
const SEED = 11;
const FAULTS = 'error=20,silent=10,slow=20';
const LIMIT_MS = 60_000;
/** As `Data` and `Mark` of the alerts that came for a run, in their order. */
const alerts = new Map<string, readonly string[]>();

let site: Site;
const groups = new Map<string, readonly string[]>();

beforeAll(async () => {
  site = await makeSite({
    devices: DEVICES,
    seed: SEED,
    faults: FAULTS,
    isTraced: false,
    fanout: { deviceDeadline: 20, backoff: 1, attempts: 10 },
  });
  await site.start('server');
  await site.start('gateway');
  await site.start('devices');
  const [errors, silent, slow, healthy] = [take('error'), take('silent'), take('slow'), take(undefined)];
  await makeGroup('waves', [...errors.slice(0, 4), ...healthy.slice(0, 8)]);
  await makeGroup('quorum', [...healthy.slice(8, 14), ...silent.slice(0, 1)]);
  await makeGroup('scheduled', healthy.slice(14, 17));
  await makeGroup('cancelled', slow.slice(0, 8));
  await makeGroup('retried', [...errors.slice(4, 7), ...silent.slice(1, 3), ...healthy.slice(17, 21)]);
  await makeGroup('updated', healthy.slice(21, 25));
  await makeGroup('late', slow.slice(8, 12));
});

afterAll(() => site.close());

describe.concurrent('fan-outs that a DM Server steers', () => {
  it('gateway: pauses a run after a wave with too many failures, and goes on when the DM Server says so', async () => {
    const policy = { Waves: '4,100%', MaxFailures: 60 };
    const id = await begin({ group: 'waves', policy });
    const number = await numberAtGateway(site, id);
    const paused = await reached(site, number, 'is paused', ({ state }) => state === 'paused');
    expect(paused).toMatchObject({ pauseCause: 'failures', wave: 1, released: 4, counts: { failed: 4, pending: 8 } });
    expect(await executedIn('waves')).toBe(0);
    await steer(id, 'resume');
    const run = await ended(site, id, LIMIT_MS);
    expect(run).toMatchObject({ state: 'complete', counts: { targets: 12, succeeded: 8, failed: 4 } });
    await expectAgreement(site, run);
    expect(await executedIn('waves')).toBe(8);
  });

  it('gateway: alerts at the quorum and again at the end', async () => {
    const id = await begin({ group: 'quorum', policy: { Quorum: 50, DeviceDeadline: 8 } });
    let run = await serverRun(site, id);
    await until('the first alert is here', LIMIT_MS, async () => {
      run = await serverRun(site, id);
      return run.alert !== null;
    });
    expect(run).toMatchObject({ endedAt: null, alert: { data: '101' } });
    run = await ended(site, id, LIMIT_MS);
    expect(run).toMatchObject({ state: 'complete', counts: { succeeded: 6, 'timed-out': 1 }, alert: { data: '250' } });
    await expectAgreement(site, run);
  });

  it('gateway: sends nothing before NotBefore', async () => {
    const notBefore = Date.now() + 6_000;
    const id = await begin({ group: 'scheduled', policy: { NotBefore: new Date(notBefore).toISOString() } });
    const number = await numberAtGateway(site, id);
    const scheduled = await reached(site, number, 'is there', () => true);
    expect(scheduled).toMatchObject({ state: 'scheduled', firstSentAt: null, counts: { pending: 3 } });
    const run = await ended(site, id, LIMIT_MS);
    expect(run).toMatchObject({ state: 'complete', counts: { succeeded: 3 } });
    const { firstSentAt } = await reached(site, number, 'is over', ({ endedAt }) => endedAt !== null);
    expect(Date.parse(firstSentAt ?? '')).toBeGreaterThanOrEqual(notBefore);
    await expectAgreement(site, run);
  });

  it('gateway: cancelled in the middle, settles every member and says 551', async () => {
    const id = await begin({ group: 'cancelled', policy: { Concurrency: 1 } });
    const number = await numberAtGateway(site, id);
    await reached(site, number, 'has an answer', ({ counts }) => counts.succeeded > 0);
    await steer(id, 'cancel');
    const run = await ended(site, id, LIMIT_MS);
    expect(run).toMatchObject({ state: 'cancelled', error: null, alert: { data: '551', mark: 'warning' } });
    const rows = await expectAgreement(site, run);
    const left = rows.filter(({ outcome }) => outcome === 'cancelled');
    expect(left.length).toBeGreaterThan(0);
    expect(run.counts).toMatchObject({ cancelled: left.length, succeeded: rows.length - left.length });
    for (const { deResult } of left) expect(statusesOf(deResult).map(({ code }) => code)).toEqual([215, 215, 215]);
    // What the device wrote down, it answered for; who was left out executed nothing.
    expect(await executedIn('cancelled')).toBe(rows.length - left.length);
    const refusal = site.server.post(`/api/v1/runs/${id}/pause`, {}, steeredRunSchema);
    await expect(refusal).rejects.toMatchObject({
      message: expect.stringMatching(/refused with 409: .*cancelled/) as string,
    });
  });

  it('gateway: runs again those that failed or timed out, as a run that is linked to the first', async () => {
    const id = await begin({ group: 'retried', policy: { DeviceDeadline: 4 } });
    const first = await ended(site, id, LIMIT_MS);
    expect(first).toMatchObject({ counts: { succeeded: 4, failed: 3, 'timed-out': 2 }, alert: { data: '250' } });
    const outcomes = ['failed', 'timed-out'];
    const wanted = { outcomes, correlator: 'retried-again' };
    const { id: again } = await site.server.post(`/api/v1/runs/${id}/retry`, wanted, serverRunSchema);
    const run = await ended(site, again, LIMIT_MS);
    expect(run).toMatchObject({ retryOf: { run: id, outcomes }, correlator: 'retried-again', alert: { data: '550' } });
    expect(run.counts).toMatchObject({ targets: 5, failed: 3, 'timed-out': 2 });
    const linked = await reached(site, numberOf(run), 'is over', ({ endedAt }) => endedAt !== null);
    expect(linked.retryOf).toEqual({ run: numberOf(first), outcomes });
    const failedAtFirst = (await expectAgreement(site, first)).filter(({ outcome }) => outcomes.includes(outcome));
    const rows = await expectAgreement(site, run);
    expect(rows.map(({ deviceId }) => deviceId)).toEqual(failedAtFirst.map(({ deviceId }) => deviceId));
  });

  it('gateway: waits for the end of an update that devices answered with 202', async () => {
    const commands = get('1', './DevInfo/Mod') + exec('2', 'Update', 'updated');
    const id = await order(site, { group: 'updated', commands, correlator: 'updated', policy: { AwaitAsync: true } });
    const number = await numberAtGateway(site, id);
    const waiting = await reached(site, number, 'has answers', ({ lastAnswerAt }) => lastAnswerAt !== null);
    expect(waiting).toMatchObject({ state: 'running', endedAt: null });
    const run = await ended(site, id, LIMIT_MS);
    expect(run).toMatchObject({ state: 'complete', counts: { targets: 4, succeeded: 4 }, alert: { data: '200' } });
    const rows = await expectAgreement(site, run);
    for (const { deResult } of rows) expect(statusesOf(deResult).map(({ code }) => code)).toEqual([200, 202]);
    expect(await executedIn('updated')).toBe(4);
  });

  it('gateway: takes answers that come too late, and alerts again', async () => {
    // Longer than a device needs that is not slow, shorter than the slow ones take.
    const id = await begin({ group: 'late', policy: { DeviceDeadline: 1, LateAlert: true, Attempts: 1 } });
    const first = await ended(site, id, LIMIT_MS);
    const number = numberOf(first);
    const isHere = ({ counts }: { counts: { unknown: number } }): boolean => counts.unknown === 0;
    const later = await reached(site, number, 'has the late answers', isHere);
    expect(later.counts.succeeded).toBeGreaterThan(0);
    expect(later.generation).toBeGreaterThan(1);
    let run: ServerRun = first;
    await until('the DM Server knows', LIMIT_MS, async () => {
      run = await serverRun(site, id);
      return run.generation === later.generation && run.endedAt !== null;
    });
    expect(run.counts).toEqual(later.counts);
    await expectAgreement(site, run);
  });
});

describe('alerts that came of it', () => {
  it('server: got one alert of each change that it was to hear of', async () => {
    await site.stop('server');
    const store = await openServerStore(`sqlite:${join(site.dir, 'server.db')}`);
    try {
      for (const job of await store.jobs('fanout', undefined, 100)) {
        const completions = await store.completions(site.gatewayId, job.resultsUrl ?? '');
        if (job.spec.kind === 'fanout')
          alerts.set(
            job.spec.correlator,
            completions.map(({ data }) => data),
          );
      }
    } finally {
      await store.close();
    }
    const { late, ...others } = Object.fromEntries(alerts);
    expect(others).toEqual({
      waves: ['250'],
      quorum: ['101', '250'],
      scheduled: ['200'],
      cancelled: ['551'],
      retried: ['250'],
      'retried-again': ['550'],
      updated: ['200'],
    });
    expect(late?.length).toBeGreaterThan(1);
  });
});

/** Starts a run whose commands tell by which run they were sent. */
function begin(wanted: Omit<RunOrder, 'commands' | 'correlator'>): Promise<number> {
  const commands = write('1', wanted.group) + get('2', './Vendor/Demo/Label') + exec('3', 'Reset', wanted.group);
  return order(site, { ...wanted, commands, correlator: wanted.group });
}

/** Has the DM Server ask this of the run, and waits until it has. */
async function steer(id: number, action: 'pause' | 'resume' | 'cancel'): Promise<void> {
  let { job } = await site.server.post(`/api/v1/runs/${id}/${action}`, {}, steeredRunSchema);
  await until(`${action} of run ${id}`, LIMIT_MS, async () => {
    job = await site.server.get(`/api/v1/jobs/${job.id}`, jobSchema);
    return job.state === 'complete' || job.state === 'failed';
  });
  expect(job.error).toBeNull();
}

/** How many devices executed the Exec of the run. */
async function executedIn(correlator: string): Promise<number> {
  const found = await executions(site.execLog);
  return [...found.keys()].filter((key) => key.endsWith(` ${correlator}`)).length;
}

async function makeGroup(group: string, members: readonly string[]): Promise<void> {
  groups.set(group, members);
  await site.makeGroup(group, members);
}

/** The devices with this fault. */
function take(fault: FaultKind | undefined): readonly string[] {
  const faults = assignFaults(SEED, DEVICES, parseFaults(FAULTS));
  return Array.from({ length: DEVICES }, (_, index) => index)
    .filter((index) => faults.get(index) === fault)
    .map(deviceIdOf);
}
