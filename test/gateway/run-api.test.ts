import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addGatewayRoutes } from '../../src/api/gateway-routes.ts';
import { type Api, createApi, listenApi } from '../../src/api/listener.ts';
import { DEFAULT_POLICY } from '../../src/fanout/policy.ts';
import { createAuditNote } from '../../src/gateway/audit-trail.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { createRunRemoval } from '../../src/gateway/run-removal.ts';
import type { Answer } from '../../src/protocol/message/message.ts';
import { treeFixture } from './tree-fixture.ts';

const COMMANDS = '<Get><CmdID>1</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';

type Fixture = Awaited<ReturnType<typeof treeFixture>>;
let tree: Fixture;
let api: Api;
let url: string;

beforeEach(async () => {
  tree = await treeFixture({ maxActiveRuns: 10 });
  const { store, engine } = tree;
  await store.groups.create('meters', {
    members: ['urn:dev:1', 'urn:dev:2'].map((deviceId, at) => ({ name: String(at + 1), deviceId })),
  });
  const silent = () => undefined;
  const note = createAuditNote(store.audit, () => 1_000_000, { info: silent, warn: silent, error: silent });
  const removeRun = createRunRemoval(store, note);
  const gateway = {
    store,
    startRun: (request: Parameters<Gateway['startRun']>[0]) =>
      engine.startRun({ ...request, fanOutRoot: './SCM', serverId: 'srv' }),
    retryRun: (request: Parameters<Gateway['retryRun']>[0]) => engine.retryRun({ ...request, serverId: 'srv' }),
    pauseRun: (run: number) => engine.pauseRun(run),
    resumeRun: (run: number) => engine.resumeRun(run),
    cancelRun: (run: number) => engine.cancelRun(run),
    deleteRun: (run: number) => removeRun(run, 'api'),
    planRun: tree.makePlan,
  } as unknown as Gateway;
  api = createApi({
    title: 'test',
    version: '0',
    listen: 'http://127.0.0.1:0',
    ready: () => Promise.resolve(),
    onError: () => undefined,
  });
  addGatewayRoutes(api, gateway, DEFAULT_POLICY);
  url = await listenApi(api, 'http://127.0.0.1:0');
});

afterEach(async () => {
  await api.close();
  await tree.close();
});

async function call(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) {
  const json = body && { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { ...json, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text, headers: answer.headers, json: parsed(text) };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

const start = (policy?: object) => call('POST', '/runs', { group: 'meters', commands: COMMANDS, policy });

async function answer(deviceId: string, code = 200, value = 'A'): Promise<void> {
  const device = await tree.store.devices.byDeviceId(deviceId);
  const carrier = { form: { encoding: 'xml' }, maxMsgBytes: undefined, maxObjBytes: undefined } as const;
  const assignment = await tree.engine.nextFor(device!.key, carrier);
  const status: Answer = { kind: 'Status', cmdRef: '1', cmd: 'Get', targetRefs: [], sourceRefs: [], code, items: [] };
  const results: Answer = {
    kind: 'Results',
    cmdRef: '1',
    items: [{ source: { locUri: './DevInfo/Mod' }, data: value }],
  };
  await tree.engine.answered(assignment!, code === 200 ? [status, results] : [status]);
}

describe('runs over the API', () => {
  it('api: shows the policy as people write it, and what a run is waiting for', async () => {
    const { status, json } = await start({ Concurrency: 9, Waves: '1,100%', AwaitAsync: true, DeviceDeadline: 60 });
    expect(status).toBe(202);
    expect(json).toMatchObject({
      state: 'running',
      wave: 1,
      released: 1,
      retryOf: null,
      pauseCause: null,
      policy: { Concurrency: 9, Waves: '1,100%', AwaitAsync: true, DeviceDeadline: 60, Attempts: 3 },
    });
    expect(json['policy']).not.toHaveProperty('NotBefore');
    expect(json['waitingFor']).toContain('2 devices');
    const scheduled = await start({ NotBefore: '2030-01-31T22:00:00Z' });
    expect(scheduled.json).toMatchObject({ state: 'scheduled', waitingFor: 'NotBefore 2030-01-31T22:00:00.000Z' });
  });

  it.each([
    ['a number out of range', { Quorum: 101 }],
    ['a flag that is a number', { LateAlert: 1 }],
    ['sizes that are none', { Waves: 'all' }],
    ['a name that there is not', { Speed: 1 }],
  ])('api: refuses a policy with %s', async (_, policy) => {
    expect(await start(policy)).toMatchObject({ status: 400, json: { title: 'Bad Request' } });
    expect(await tree.store.fanOut.run(1)).toBeUndefined();
  });

  it('api: pauses, resumes and cancels', async () => {
    await start();
    expect((await call('POST', '/runs/1/pause')).json).toMatchObject({
      state: 'paused',
      pauseCause: 'asked',
      waitingFor: 'resume',
    });
    expect((await call('POST', '/runs/1/resume')).json).toMatchObject({ state: 'running', pauseCause: null });
    expect((await call('POST', '/runs/1/cancel')).status).toBe(200);
    expect((await call('POST', '/runs/9/pause')).status).toBe(404);
  });

  it('api: answers 409 for what the state of a run does not allow', async () => {
    await start();
    expect(await call('POST', '/runs/1/retry', {})).toMatchObject({ status: 409 });
    await answer('urn:dev:1');
    await answer('urn:dev:2');
    expect(await call('POST', '/runs/1/pause')).toMatchObject({ status: 409, json: { title: 'Conflict' } });
  });

  it('api: deletes a run that has ended, with its results, and notes who did it', async () => {
    await start();
    expect(await call('DELETE', '/runs/1')).toMatchObject({ status: 409, json: { code: 'GATEWAY_RUN_ACTIVE' } });
    await answer('urn:dev:1');
    await answer('urn:dev:2');
    await tree.store.nodes.acls.set('./SCR/Results/Results1', 'Get=other');
    expect(await call('DELETE', '/runs/1')).toMatchObject({ status: 204, text: '' });
    for (const path of ['/runs/1', '/runs/1/results']) expect((await call('GET', path)).status).toBe(404);
    expect(await call('DELETE', '/runs/1')).toMatchObject({ status: 404 });
    expect(await tree.store.nodes.acls.get('./SCR/Results/Results1')).toBeUndefined();
    const [noted] = await tree.store.audit.list(undefined, 9);
    expect(noted).toMatchObject({ actor: 'api', action: 'run.delete', subject: 'run 1' });
  });

  it('api: retries what did not succeed once for a key, with a policy of its own', async () => {
    await start({ Attempts: 7 });
    await answer('urn:dev:1', 500);
    await answer('urn:dev:2');
    const retry = () => call('POST', '/runs/1/retry', { policy: { Backoff: 9 } }, { 'idempotency-key': 'again' });
    const first = await retry();
    expect(first.status).toBe(202);
    expect(first.headers.get('location')).toBe('/api/v1/runs/2');
    expect(first.json).toMatchObject({
      counts: { targets: 1 },
      retryOf: { run: 1 },
      policy: { Attempts: 7, Backoff: 9 },
    });
    expect((await retry()).json['number']).toBe(2);
    expect(await call('POST', '/runs/1/retry', { outcomes: ['lost'] })).toMatchObject({ status: 400 });
    expect((await call('POST', '/runs/1/retry', { outcomes: ['succeeded'] })).json).toMatchObject({ number: 3 });
    expect((await call('POST', '/runs/1/retry')).json).toMatchObject({ number: 4, policy: { Backoff: 5 } });
  });
});

describe('plans over the API', () => {
  it('api: says what a start would come to, and starts nothing', async () => {
    await tree.store.groups.addMembers('meters', [{ name: '3', deviceId: 'urn:dev:nobody' }]);
    const plan = await call('POST', '/plans', { group: 'meters', commands: COMMANDS, policy: { Waves: '1' } });
    expect(plan).toMatchObject({
      status: 200,
      json: {
        targets: 3,
        sendable: 2,
        polling: 2,
        hindered: { 'no-account': 1, MaxMsgSize: 0, MaxObjSize: 0 },
        hinderedMembers: [{ deviceId: 'urn:dev:nobody', hindrance: 'no-account' }],
        waves: 3,
        expectedMs: null,
      },
    });
    expect(await tree.store.fanOut.run(1)).toBeUndefined();
    expect((await call('POST', '/plans', { group: 'nowhere', commands: COMMANDS })).status).toBe(404);
  });

  it('api: expects what earlier runs took, the one with the most answers first of all', async () => {
    const expected = async () =>
      (await call('POST', '/plans', { group: 'meters', commands: COMMANDS })).json['expectedMs'];
    await start();
    await answer('urn:dev:1');
    await answer('urn:dev:2');
    // 2 devices in 1 ms, both at once: no longer than that, and once more for the last of them.
    expect(await expected()).toBe(2);
    await start();
    await answer('urn:dev:1');
    await call('POST', '/runs/2/cancel');
    expect(await expected()).toBe(2);
  });
});

async function statusOfStream(): Promise<number> {
  const abort = new AbortController();
  const { status } = await fetch(`${url}/api/v1/runs/1/events`, { signal: abort.signal });
  abort.abort();
  return status;
}

describe('results over the API', () => {
  async function mixedRun(): Promise<void> {
    await start();
    await answer('urn:dev:1', 200, 'A');
    await answer('urn:dev:2', 404);
  }

  it('api: gives results as JSON, NDJSON and CSV, of one outcome or a part of the DeviceID', async () => {
    await mixedRun();
    const json = await call('GET', '/runs/1/results?sort=n');
    expect(json.json).toMatchObject([
      { n: 1, outcome: 'succeeded' },
      { n: 2, outcome: 'failed' },
    ]);
    const ndjson = await call('GET', '/runs/1/results?outcome=failed', undefined, { accept: 'application/x-ndjson' });
    expect(ndjson.text.trim().split('\n')).toHaveLength(1);
    const all = await call('GET', '/runs/1/results', undefined, { accept: 'application/x-ndjson' });
    expect(all.text).toBe((json.json as unknown as object[]).map((row) => `${JSON.stringify(row)}\n`).join(''));
    const csv = await call('GET', '/runs/1/results?q=dev:1', undefined, { accept: 'text/csv' });
    expect(csv.headers.get('content-type')).toContain('text/csv');
    const [head, row, end] = csv.text.split('\r\n');
    expect(head).toBe('n,deviceId,outcome,deResult');
    expect(row).toMatch(/^1,urn:dev:1,succeeded,"<SyncBody xmlns=""SYNCML:SYNCML1.2"">/);
    expect(end).toBe('');
  });

  it('api: folds answers together by whole answers, Status codes and values', async () => {
    await mixedRun();
    const of = async (kind: string) => (await call('GET', `/runs/1/clusters?kind=${kind}`)).json['clusters'];
    expect(await of('answer')).toMatchObject([{ members: 1 }, { members: 1 }]);
    expect(await of('status')).toMatchObject([
      { key: '1 Get', members: 1 },
      { key: '1 Get', members: 1 },
    ]);
    expect(await of('value')).toMatchObject([{ key: './DevInfo/Mod', value: 'A', members: 1 }]);
    expect((await call('GET', '/runs/9/clusters')).status).toBe(404);
  });

  it('api: compares two runs device by device', async () => {
    await mixedRun();
    await tree.store.groups.addMembers('meters', [{ name: '3', deviceId: 'urn:dev:3' }]);
    await tree.store.devices.remove('urn:dev:3');
    await start();
    await answer('urn:dev:1', 200, 'B');
    await answer('urn:dev:2', 404);
    const rows = (await call('GET', '/runs/1/comparison?with=2')).json;
    expect(rows).toMatchObject([
      { deviceId: 'urn:dev:1', difference: 'answer', here: { n: 1 }, there: { n: 1 } },
      { deviceId: 'urn:dev:3', difference: 'only-there', here: null },
      { summary: { same: 1, outcome: 0, answer: 1, 'only-here': 0, 'only-there': 1 } },
    ]);
    expect((await call('GET', '/runs/1/comparison?with=9')).status).toBe(404);
  });

  it('api: finds that what is kept of a run agrees with its answers', async () => {
    await mixedRun();
    const { json } = await call('GET', '/runs/1/verification');
    expect(json).toEqual({ run: 1, members: 2, agrees: true, differences: [] });
  });

  it('api: gives the place of a stream whose reader has gone to another one', async () => {
    await start();
    const gone = new AbortController();
    const open = () => fetch(`${url}/api/v1/runs/1/events`, { signal: gone.signal });
    const streams = await Promise.all(Array.from({ length: 64 }, open));
    for (const { body } of streams) await body?.getReader().read();
    expect(await call('GET', '/runs/1/events')).toMatchObject({ status: 503, json: { code: 'API_TOO_MANY_STREAMS' } });
    gone.abort();
    await expect.poll(async () => statusOfStream(), { timeout: 3_000 }).toBe(200);
  });

  it('api: streams a run as it changes, until its end', async () => {
    await start();
    const stream = await fetch(`${url}/api/v1/runs/1/events`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    await answer('urn:dev:1');
    await answer('urn:dev:2');
    const events = (await stream.text()).split('\n\n').filter((event) => event !== '');
    const runs = events.map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '{}') as { state: string });
    expect(events[0]).toMatch(/^event: run\n/);
    expect(runs.at(-1)).toMatchObject({ state: 'complete', counts: { succeeded: 2 } });
    expect((await fetch(`${url}/api/v1/runs/9/events`)).status).toBe(404);
  });
});
