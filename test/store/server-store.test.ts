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
      counts: undefined,
      generation: undefined,
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
    const fewer = { ...GROUP, deviceIds: ['urn:dev:test:1'] };
    await expect(store.createJob('gw-1', fewer, 'group', T0)).rejects.toMatchObject(refused);
    expect((await store.createJob('gw-1', GROUP, 'group', T0)).id).toBe(2);
    expect(await store.job(3)).toBeUndefined();
  });

  it('store: says that a fan-out runs only as long as nothing else was heard of it', async () => {
    await store.createJob('gw-1', FAN_OUT, undefined, T0);
    for (const state of ['sending', 'running', 'fetching'] as const) {
      await store.change(1, { state });
      expect(await store.job(1)).toMatchObject({ state });
    }
    await store.change(1, { state: 'running', events: [{ at: T0, step: 3, what: 'taken on' }] });
    expect(await store.job(1)).toMatchObject({ state: 'fetching' });
    expect(await store.events(1)).toHaveLength(1);
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
      counts: COUNTS,
      generation: 1,
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
    expect((await store.results(1, 0, 9, 'unknown')).map(({ n }) => n)).toEqual([1, 3]);
    expect((await store.results(1, 1, 9, 'unknown')).map(({ n }) => n)).toEqual([3]);
    expect(await store.results(2, 0, 9)).toEqual([]);
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
