import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countsFrom } from '../../src/fanout/outcome.ts';
import type { JobSpec, ServerStore } from '../../src/store/server-store.ts';
import { openServerStore } from '../../src/store/sqlite/open.ts';
import { T0 } from './store-fixture.ts';

const GROUP: JobSpec = { kind: 'group', group: 'all', deviceIds: ['urn:dev:test:1', 'urn:dev:test:2'] };
const FAN_OUT: JobSpec = {
  kind: 'fanout',
  fanOutRoot: './SCM',
  group: 'all',
  commands: '<Get/>',
  correlator: 'corr',
};
const COUNTS = countsFrom({
  pending: 0,
  succeeded: 2,
  failed: 1,
  'timed-out': 3,
  unreachable: 0,
  unauthorized: 0,
  cancelled: 0,
  unknown: 0,
});

let store: ServerStore;

beforeEach(async () => {
  store = await openServerStore('sqlite::memory:');
});

afterEach(() => store.close());

describe('alerts that gateways passed on', () => {
  const alertAt = (at: number, gatewayId = 'gw-1', source: string | undefined = './GwDeviceInventory/1') => ({
    gatewayId,
    at,
    source,
    alert: `<Alert at="${at}"/>`,
  });

  it('store: gives them back newest first, in pages, of all gateways or of one', async () => {
    await store.passedOnAlerts.add([alertAt(10), { ...alertAt(11, 'gw-2'), source: undefined }, alertAt(12)]);
    expect(await store.passedOnAlerts.list(undefined, 2)).toEqual([
      { id: 3, ...alertAt(12) },
      { id: 2, ...alertAt(11, 'gw-2'), source: undefined },
    ]);
    expect((await store.passedOnAlerts.list(2, 2)).map(({ id }) => id)).toEqual([1]);
    expect((await store.passedOnAlerts.list(undefined, 9, 'gw-1')).map(({ id }) => id)).toEqual([3, 1]);
  });

  it('store: forgets what is old or too much of them, the oldest first', async () => {
    await store.passedOnAlerts.add([10, 11, 12, 13].map((at) => alertAt(at)));
    const ids = async () => (await store.passedOnAlerts.list(undefined, 9)).map(({ id }) => id);
    expect(await store.passedOnAlerts.prune(11, 9, 9)).toBe(1);
    expect(await ids()).toEqual([4, 3, 2]);
    expect(await store.passedOnAlerts.prune(0, 1, 1)).toBe(1);
    expect(await ids()).toEqual([4, 3]);
    expect(await store.passedOnAlerts.prune(0, 1, 9)).toBe(1);
    expect(await ids()).toEqual([4]);
  });
});

describe('jobs of a DM Server', () => {
  it('store: gives back a job as it was ordered', async () => {
    const job = await store.createJob('gw-1', GROUP, undefined, T0);
    expect(job).toEqual({
      id: 1,
      gatewayId: 'gw-1',
      spec: GROUP,
      state: 'queued',
      createdAt: T0,
      endedAt: undefined,
      resultsUrl: undefined,
      runState: undefined,
      counts: undefined,
      generation: undefined,
      digest: undefined,
      alerts: 0,
      plan: undefined,
      error: undefined,
    });
    const fanOut = await store.createJob('gw-1', FAN_OUT, undefined, T0);
    expect(await store.job(1)).toEqual(job);
    expect(await store.job(2)).toEqual(fanOut);
    expect(await store.job(3)).toBeUndefined();
  });

  it('store: answers the job of then to a key that it knows', async () => {
    const job = await store.createJob('gw-1', FAN_OUT, 'key', T0);
    const anew = { ...FAN_OUT, correlator: 'made up anew' };
    expect(await store.createJob('gw-1', anew, 'key', T0 + 5)).toEqual(job);
    expect((await store.createJob('gw-1', GROUP, 'other', T0)).id).toBe(2);
  });

  it('store: refuses a key that was used for another order', async () => {
    await store.createJob('gw-1', FAN_OUT, 'key', T0);
    await store.createJob('gw-1', GROUP, 'group', T0);
    const refused = { name: 'DmError', code: 'JOB_KEY_CONFLICT' };
    await expect(store.createJob('gw-2', FAN_OUT, 'key', T0)).rejects.toMatchObject(refused);
    for (const other of [GROUP, { ...FAN_OUT, group: 'some' }, { ...FAN_OUT, commands: '<Exec/>' }]) {
      await expect(store.createJob('gw-1', other, 'key', T0)).rejects.toMatchObject(refused);
    }
    for (const change of [{ deviceIds: ['urn:dev:test:1'] }, { groupRefs: ['some'] }, { filter: 'Man = "a"' }]) {
      await expect(store.createJob('gw-1', { ...GROUP, ...change }, 'group', T0)).rejects.toMatchObject(refused);
    }
    expect((await store.createJob('gw-1', GROUP, 'group', T0)).id).toBe(2);
    expect(await store.job(3)).toBeUndefined();
  });

  it('store: changes the state of a job only from the states that are given, and the rest in any case', async () => {
    await store.createJob('gw-1', FAN_OUT, undefined, T0);
    await store.change(1, { state: 'fetching' });
    const events = [{ at: T0, step: 3, what: 'taken on' }];
    await store.change(1, { state: 'running', from: ['queued', 'sending'], resultsUrl: './R/1', events });
    expect(await store.job(1)).toMatchObject({ state: 'fetching', resultsUrl: './R/1' });
    expect(await store.events(1)).toHaveLength(1);
    await store.change(1, { state: 'running', from: ['fetching'] });
    expect(await store.job(1)).toMatchObject({ state: 'running' });
  });

  it('store: leaves the state of a job alone when another alert has come meanwhile', async () => {
    await store.createJob('gw-1', FAN_OUT, undefined, T0);
    for (const alerts of [1, 2]) {
      await store.change(1, { state: 'fetching', alerted: true });
      expect(await store.job(1)).toMatchObject({ alerts });
    }
    await store.change(1, { state: 'complete', ifAlerts: 1, counts: COUNTS });
    expect(await store.job(1)).toMatchObject({ state: 'fetching', counts: COUNTS });
    await store.change(1, { state: 'complete', ifAlerts: 2 });
    expect(await store.job(1)).toMatchObject({ state: 'complete' });
  });

  it('store: tells orders with another policy, and other questions about a run, apart', async () => {
    const refused = { code: 'JOB_KEY_CONFLICT' };
    const withPolicy: JobSpec = { ...FAN_OUT, policy: { Attempts: '2', Quorum: '50' } };
    await store.createJob('gw-1', withPolicy, 'key', T0);
    const otherOrder: JobSpec = { ...FAN_OUT, policy: { Quorum: '50', Attempts: '2' } };
    expect((await store.createJob('gw-1', otherOrder, 'key', T0)).id).toBe(1);
    for (const policy of [undefined, { Attempts: '2' }]) {
      await expect(store.createJob('gw-1', { ...FAN_OUT, policy }, 'key', T0)).rejects.toMatchObject(refused);
    }
    const retryOf = { job: 1, run: 7, outcomes: ['failed'] } as const;
    await store.createJob('gw-1', { ...FAN_OUT, retryOf }, 'retry', T0);
    const other: JobSpec = { ...FAN_OUT, retryOf: { ...retryOf, outcomes: ['unknown'] } };
    await expect(store.createJob('gw-1', other, 'retry', T0)).rejects.toMatchObject(refused);
    const steer: JobSpec = { kind: 'steer', fanOutRoot: './SCM', action: 'pause', job: 1, run: 7 };
    expect((await store.createJob('gw-1', steer, undefined, T0)).spec).toEqual(steer);
    expect((await store.jobs('fanout', undefined, 9)).map(({ id }) => id)).toEqual([2, 1]);
  });

  it('store: lists the jobs of a kind from the newest, page by page', async () => {
    for (const spec of [FAN_OUT, GROUP, FAN_OUT, FAN_OUT]) await store.createJob('gw-1', spec, undefined, T0);
    expect((await store.jobs('fanout', undefined, 2)).map(({ id }) => id)).toEqual([4, 3]);
    expect((await store.jobs('fanout', 3, 2)).map(({ id }) => id)).toEqual([1]);
    expect((await store.jobs('group', undefined, 2)).map(({ spec }) => spec)).toEqual([GROUP]);
  });

  it('store: finds the open jobs of a gateway from the oldest', async () => {
    for (const gateway of ['gw-1', 'gw-2', 'gw-1', 'gw-1']) await store.createJob(gateway, GROUP, undefined, T0);
    await store.change(1, { state: 'complete' });
    await store.change(4, { state: 'sending' });
    const open = async (limit: number) =>
      (await store.openJobs('gw-1', ['sending', 'queued'], limit)).map(({ id }) => id);
    expect(await open(5)).toEqual([3, 4]);
    expect(await open(1)).toEqual([3]);
    expect(await store.openJobs('gw-1', [], 5)).toEqual([]);
  });

  it('store: finds the newest fan-out of a gateway by its correlator', async () => {
    for (const gateway of ['gw-1', 'gw-1', 'gw-2']) await store.createJob(gateway, FAN_OUT, undefined, T0);
    expect((await store.jobByCorrelator('gw-1', 'corr'))?.id).toBe(2);
    expect(await store.jobByCorrelator('gw-1', 'none')).toBeUndefined();
  });

  it('store: changes what is given and leaves the rest', async () => {
    await store.createJob('gw-1', FAN_OUT, undefined, T0);
    await store.change(1, { state: 'fetching', resultsUrl: './SCR/Results/Results1', counts: COUNTS });
    await store.change(1, { state: 'complete', endedAt: T0 + 9, generation: 1 });
    await store.change(1, { runState: 'complete', digest: 'f0', plan: '{}', from: [] });
    await store.change(1, { error: { code: 'STATUS_404', message: 'gone' } });
    await store.change(1, {});
    expect(await store.job(1)).toEqual({
      id: 1,
      gatewayId: 'gw-1',
      spec: FAN_OUT,
      state: 'complete',
      createdAt: T0,
      endedAt: T0 + 9,
      resultsUrl: './SCR/Results/Results1',
      runState: 'complete',
      counts: COUNTS,
      generation: 1,
      digest: 'f0',
      alerts: 0,
      plan: '{}',
      error: { code: 'STATUS_404', message: 'gone' },
    });
  });

  it('store: appends events, and writes results over those with the same number', async () => {
    await store.createJob('gw-1', FAN_OUT, undefined, T0);
    await store.createJob('gw-1', FAN_OUT, undefined, T0);
    const events = [
      { at: T0, step: 2, what: 'set' },
      { at: T0, step: undefined, what: 'note' },
    ];
    await store.change(1, { events: events.slice(0, 1) });
    await store.change(1, { events: events.slice(1) });
    await store.change(9, { events });
    expect(await store.events(1)).toEqual(events);
    expect(await store.events(9)).toEqual([]);

    const row = { deviceId: 'urn:dev:test:1', outcome: 'unknown', deResult: undefined } as const;
    await store.change(1, { results: [2, 1, 3].map((n) => ({ n, ...row })) });
    await store.change(1, { results: [{ n: 2, ...row, outcome: 'succeeded', deResult: '<ok/>' }] });
    expect(await store.results(1, 0, 2)).toEqual([
      { n: 1, ...row },
      { n: 2, ...row, outcome: 'succeeded', deResult: '<ok/>' },
    ]);
    expect((await store.results(1, 2, 9)).map(({ n }) => n)).toEqual([3]);
    expect((await store.results(1, 0, 9, { outcome: 'unknown' })).map(({ n }) => n)).toEqual([1, 3]);
    expect((await store.results(1, 1, 9, { outcome: 'unknown' })).map(({ n }) => n)).toEqual([3]);
    expect(await store.results(2, 0, 9)).toEqual([]);
  });
});

describe('results of a DM Server', () => {
  beforeEach(async () => {
    await store.createJob('gw-1', FAN_OUT, undefined, T0);
    const rows = [
      { n: 1, deviceId: 'urn:dev:A', outcome: 'succeeded', deResult: '<a/>' },
      { n: 2, deviceId: 'urn:dev:b_1', outcome: 'failed', deResult: '<b/>' },
      { n: 3, deviceId: 'urn:dev:b%1', outcome: 'succeeded', deResult: '<b/>' },
      { n: 4, deviceId: 'urn:dev:c', outcome: 'pending', deResult: undefined },
    ] as const;
    await store.change(1, { results: rows });
  });

  it('store: finds results by a part of the DeviceID, whatever its case, and by outcome', async () => {
    const found = async (filter: Parameters<ServerStore['results']>[3]) =>
      (await store.results(1, 0, 9, filter)).map(({ n }) => n);
    expect(await found({ query: 'DEV:a' })).toEqual([1]);
    expect(await found({ query: 'b_1' })).toEqual([2]);
    expect(await found({ query: 'b', outcome: 'succeeded' })).toEqual([3]);
    expect(await found({})).toEqual([1, 2, 3, 4]);
  });

  it('store: finds the result of a device', async () => {
    expect(await store.resultOfDevice(1, 'urn:dev:b_1')).toMatchObject({ n: 2, outcome: 'failed' });
    expect(await store.resultOfDevice(1, 'urn:dev:b')).toBeUndefined();
    expect(await store.resultOfDevice(2, 'urn:dev:A')).toBeUndefined();
  });

  it('store: counts equal answers, the most frequent first', async () => {
    const all = [
      { deResult: '<b/>', members: 2 },
      { deResult: '<a/>', members: 1 },
    ];
    expect(await store.equalAnswers(1, 9)).toEqual(all);
    expect(await store.equalAnswers(1, 1)).toEqual(all.slice(0, 1));
  });
});

describe('completion alerts', () => {
  const url = './SCR/Results/Results1';
  const alert = {
    gatewayId: 'gw-1',
    type: 'urn:oma:at:oma-gwmo:completionstatus:1.0',
    resultsUrl: url,
    data: '250',
    mark: 'warning',
    correlator: undefined,
  };

  it('store: folds repeats of an alert', async () => {
    expect(await store.noteCompletion(alert, T0)).toBe('new');
    expect(await store.noteCompletion(alert, T0 + 1)).toBe('repeat');
    expect(await store.noteCompletion({ ...alert, data: '200' }, T0 + 2)).toBe('new');
    expect(await store.noteCompletion({ ...alert, gatewayId: 'gw-2' }, T0 + 3)).toBe('new');
    expect(await store.completions('gw-1', url)).toEqual([
      { ...alert, generation: undefined, received: 2, firstAt: T0, lastAt: T0 + 1 },
      { ...alert, data: '200', generation: undefined, received: 1, firstAt: T0 + 2, lastAt: T0 + 2 },
    ]);
    expect(await store.completions('gw-1', './SCR/Results/Results2')).toEqual([]);
  });

  it('store: keeps a repeat of the same generation folded', async () => {
    await store.noteCompletion(alert, T0);
    await store.noteGeneration('gw-1', url, '250', 1);
    await store.noteCompletion(alert, T0 + 1);
    await store.noteGeneration('gw-1', url, '250', 1);
    expect(await store.completions('gw-1', url)).toMatchObject([{ generation: 1, received: 2, lastAt: T0 + 1 }]);
  });

  it('store: takes an alert of another generation for a completion of its own', async () => {
    await store.noteCompletion(alert, T0);
    await store.noteGeneration('gw-1', url, '250', 1);
    await store.noteCompletion(alert, T0 + 1);
    await store.noteCompletion(alert, T0 + 2);
    await store.noteGeneration('gw-1', url, '250', 2);
    expect(await store.completions('gw-1', url)).toEqual([
      { ...alert, generation: 1, received: 2, firstAt: T0, lastAt: T0 + 1 },
      { ...alert, generation: 2, received: 1, firstAt: T0 + 2, lastAt: T0 + 2 },
    ]);
    expect(await store.noteCompletion(alert, T0 + 3)).toBe('repeat');
    expect((await store.completions('gw-1', url))[1]).toMatchObject({ generation: 2, received: 2 });
  });

  it('store: follows an aggregate that changed without another alert', async () => {
    await store.noteCompletion(alert, T0);
    await store.noteCompletion(alert, T0 + 1);
    await store.noteGeneration('gw-1', url, '250', 1);
    await store.noteGeneration('gw-1', url, '250', 2);
    await store.noteGeneration('gw-1', url, '200', 3);
    expect(await store.completions('gw-1', url)).toMatchObject([{ generation: 2, received: 2 }]);
  });
});

describe('nonces of a DM Server', () => {
  it('store: keeps the nonces of gateways', async () => {
    await store.peerNonces.save('gw-1', { own: new Uint8Array([1]), peer: new Uint8Array([2]) });
    expect(await store.peerNonces.nonces('gw-1')).toEqual({ own: new Uint8Array([1]), peer: new Uint8Array([2]) });
  });
});
