import { afterEach, beforeEach, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../src/fanout/policy.ts';
import { createRetentionJob, type Retention } from '../../src/gateway/retention.ts';
import { treeFixture } from './tree-fixture.ts';

const DAY_MS = 86_400_000;
const NO_LIMIT = { maxAgeMs: 1e15, maxCount: 1e9 };
const KEEP_ALL: Retention = {
  runs: NO_LIMIT,
  deviceAlerts: NO_LIMIT,
  audit: NO_LIMIT,
  trace: { maxAgeMs: 1e15, maxBytes: 1e15 },
};
const NOW = 1_000_000 + 2 * DAY_MS;

type Fixture = Awaited<ReturnType<typeof treeFixture>>;
let tree: Fixture;
const logged: string[] = [];

beforeEach(async () => {
  tree = await treeFixture({ maxActiveRuns: 10 });
  await tree.store.groups.create('meters', { members: [{ name: '1', deviceId: 'urn:dev:1' }] });
});

afterEach(() => tree.close());

function job(limits: Partial<Retention>, pruneTrace?: (limits: object) => number) {
  return createRetentionJob({
    store: tree.store,
    trace: pruneTrace && { prune: (options) => Promise.resolve(pruneTrace(options)) },
    limits: { ...KEEP_ALL, ...limits },
    clock: { now: () => NOW, after: () => () => undefined },
    log: { info: (event) => void logged.push(event), warn: () => undefined, error: (event) => void logged.push(event) },
  });
}

async function start(serverId?: string): Promise<number> {
  const run = await tree.engine.startRun({
    fanOutRoot: './SCM',
    serverId,
    group: 'meters',
    commands: [{ kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
    correlator: undefined,
    policy: DEFAULT_POLICY,
    idempotencyKey: undefined,
  });
  return run.number;
}

/** The device answers the oldest run. */
async function answer(): Promise<void> {
  const device = await tree.store.devices.byDeviceId('urn:dev:1');
  const carrier = { form: { encoding: 'xml' }, maxMsgBytes: undefined, maxObjBytes: undefined } as const;
  const assignment = await tree.engine.nextFor(device!.key, carrier);
  await tree.engine.answered(assignment!, [
    { kind: 'Status', cmdRef: '1', cmd: 'Get', targetRefs: [], sourceRefs: [], code: 200, items: [] },
  ]);
}

const numbers = async () => (await tree.store.fanOut.runs(undefined, 10)).map(({ number }) => number);

it('gateway: forgets runs that ended long ago, but none that is active', async () => {
  await start();
  await answer();
  await start();
  await job({ runs: { maxAgeMs: DAY_MS, maxCount: 10 } }).prune();
  expect(await numbers()).toEqual([2]);
  expect((await tree.get('./SCR/Results/Results1')).code).toBe(404);
});

it('gateway: keeps no more ended runs than it is told', async () => {
  for (let n = 0; n < 3; n += 1) {
    await start();
    await answer();
  }
  await job({ runs: { maxAgeMs: 1e15, maxCount: 1 } }).prune();
  expect(await numbers()).toEqual([3]);
});

it('gateway: forgets no run whose alert was not accepted', async () => {
  await start('srv');
  await answer();
  const runs = { maxAgeMs: DAY_MS, maxCount: 0 };
  await job({ runs }).prune();
  expect(await numbers()).toEqual([1]);
  const [alert] = await tree.store.fanOut.dueAlerts('srv', Number.MAX_SAFE_INTEGER, 1);
  await tree.store.fanOut.alertAccepted(alert!.id, alert!.generation, NOW);
  await job({ runs }).prune();
  expect(await numbers()).toEqual([]);
});

it('gateway: forgets audit, alerts of devices and files of the trace by their own limits', async () => {
  await tree.store.audit.add({ at: 1, actor: 'api', action: 'run.start', subject: 'run 1', detail: '' });
  await tree.store.deviceAlerts.add([{ deviceKey: 1, deviceId: 'urn:dev:1', at: 1, alert: '<SyncBody/>' }], []);
  const asked: object[] = [];
  const trace = { maxAgeMs: 5, maxBytes: 6 };
  await job({ audit: { maxAgeMs: DAY_MS, maxCount: 9 }, trace }, (options) => asked.push(options)).prune();
  expect(await tree.store.audit.list(undefined, 9)).toEqual([]);
  expect(await tree.store.deviceAlerts.list(undefined, 9)).toHaveLength(1);
  expect(asked).toEqual([{ ...trace, now: NOW }]);
});

it('gateway: goes on after a pruning that failed, and says so', async () => {
  logged.length = 0;
  const failing = job({}, () => {
    throw new Error('no such directory');
  });
  await failing.prune();
  expect(logged).toEqual(['what is no longer kept could not be deleted']);
});
