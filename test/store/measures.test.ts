import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Commit } from '../../src/store/measures.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore, openServerStore } from '../../src/store/sqlite/open.ts';
import { ending, newDevice, newRun, T0, terms } from './store-fixture.ts';

let store: GatewayStore;
let commits: Commit[];

beforeEach(async () => {
  commits = [];
  store = await openGatewayStore('sqlite::memory:', { meter: (commit) => commits.push(commit) });
});

afterEach(() => store.close());

describe('measures of a store', () => {
  it('store: counts runs by state, members that have not settled, and alerts with the age of the oldest', async () => {
    await store.devices.add(['urn:dev:1', 'urn:dev:2'].map((deviceId) => newDevice(deviceId)));
    await store.groups.create('all', {
      members: ['urn:dev:1', 'urn:dev:2'].map((deviceId, n) => ({ name: String(n + 1), deviceId })),
    });
    await store.fanOut.createRun(newRun({ correlator: 'a' }), terms());
    await store.fanOut.createRun(newRun({ correlator: 'b' }), terms());
    expect(await store.measure()).toMatchObject({
      runs: { running: 2 },
      pendingMembers: 4,
      alerts: { run: { count: 0, oldestAt: undefined }, device: { count: 0, oldestAt: undefined } },
    });
    const { turns } = await store.fanOut.claimDue(1, T0, { by: 'dueAt', limit: 10, maxTurns: 10 }, ({ endsAt }) => ({
      kind: 'turn',
      dueAt: endsAt,
      endsAt,
    }));
    await Promise.all(turns.map((target) => store.fanOut.settle(target, ending('succeeded'), T0 + 5_000)));
    const said = { deviceKey: 1, deviceId: 'urn:dev:1', at: T0 + 7_000, alert: '<SyncBody/>' };
    await store.deviceAlerts.add([said, { ...said, at: T0 + 8_000 }], ['srv']);
    const { bytes, freeBytes, ...measures } = await store.measure();
    expect(measures).toEqual({
      runs: { running: 1, complete: 1 },
      pendingMembers: 2,
      alerts: { run: { count: 1, oldestAt: T0 + 5_000 }, device: { count: 2, oldestAt: T0 + 7_000 } },
    });
    expect(bytes).toBeGreaterThan(freeBytes);
  });

  it('store: tells of each transaction how much work was in it', async () => {
    const before = commits.length;
    await Promise.all(['a', 'b', 'c'].map((name) => store.groups.create(name)));
    expect(commits.slice(before)).toEqual([
      { outcome: 'committed', works: 3, durationMs: expect.any(Number) as number },
    ]);
  });

  it('store: counts the jobs of a DM Server by state', async () => {
    const server = await openServerStore('sqlite::memory:');
    await server.createJob('gw-1', { kind: 'group', group: 'all', deviceIds: [] }, undefined, T0);
    const { id } = await server.createJob('gw-1', { kind: 'group', group: 'b', deviceIds: [] }, undefined, T0);
    await server.change(id, { state: 'failed' });
    expect(await server.measure()).toMatchObject({ jobs: { queued: 1, failed: 1 } });
    await server.close();
  });
});
