import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewDeviceAlert } from '../../src/store/device-alerts.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';

let store: GatewayStore;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
});

afterEach(() => store.close());

function alertAt(at: number, deviceKey = 1): NewDeviceAlert {
  return { deviceKey, deviceId: `urn:dev:${deviceKey}`, at, alert: `<Alert at="${at}"/>` };
}

describe('alerts of devices', () => {
  it('store: gives them back newest first, in pages, of all devices or of one', async () => {
    await store.deviceAlerts.add([alertAt(10), alertAt(11, 2), alertAt(12)], []);
    expect(await store.deviceAlerts.list(undefined, 2)).toEqual([
      { id: 3, ...alertAt(12) },
      { id: 2, ...alertAt(11, 2) },
    ]);
    expect((await store.deviceAlerts.list(2, 2)).map(({ id }) => id)).toEqual([1]);
    expect((await store.deviceAlerts.list(undefined, 9, 'urn:dev:1')).map(({ id }) => id)).toEqual([3, 1]);
  });

  it('store: keeps for each DM Server what it has not accepted', async () => {
    await store.deviceAlerts.add([alertAt(10), alertAt(11)], ['a', 'b']);
    const due = async (server: string, now: number) =>
      (await store.deviceAlerts.due(server, now, 9)).map(({ id, attempts }) => [id, attempts]);
    expect(await due('a', 10)).toEqual([[1, 0]]);
    expect(await due('a', 99)).toEqual([
      [1, 0],
      [2, 0],
    ]);
    await store.deviceAlerts.deferred(1, 'a', 50);
    expect(await store.deviceAlerts.nextDueAt('a')).toBe(11);
    expect(await due('a', 40)).toEqual([[2, 0]]);
    await store.deviceAlerts.forwarded(2, 'a');
    expect(await store.deviceAlerts.nextDueAt('a')).toBe(50);
    expect(await due('a', 50)).toEqual([[1, 1]]);
    expect(await due('b', 50)).toHaveLength(2);
    expect(await store.deviceAlerts.nextDueAt('c')).toBeUndefined();
  });

  it('store: forgets what is old or too much, but nothing that is still to be passed on', async () => {
    await store.deviceAlerts.add([alertAt(10)], ['a']);
    await store.deviceAlerts.add([alertAt(11), alertAt(12), alertAt(13)], []);
    const ids = async () => (await store.deviceAlerts.list(undefined, 9)).map(({ id }) => id);
    expect(await store.deviceAlerts.prune(12, 9, 9)).toBe(1);
    expect(await ids()).toEqual([4, 3, 1]);
    expect(await store.deviceAlerts.prune(0, 1, 9)).toBe(1);
    expect(await ids()).toEqual([4, 1]);
    await store.deviceAlerts.forwarded(1, 'a');
    expect(await store.deviceAlerts.prune(99, 0, 1)).toBe(1);
    expect(await ids()).toEqual([4]);
  });
});

describe('audit', () => {
  const entry = (at: number) => ({ at, actor: 'srv', action: 'run.start', subject: `run ${at}`, detail: '' });

  it('store: gives entries back newest first and forgets what is old or too much', async () => {
    for (const at of [1, 2, 3, 4]) await store.audit.add(entry(at));
    expect(await store.audit.list(undefined, 1)).toEqual([{ id: 4, ...entry(4) }]);
    expect((await store.audit.list(4, 9)).map(({ at }) => at)).toEqual([3, 2, 1]);
    expect(await store.audit.prune(2, 9, 9)).toBe(1);
    expect(await store.audit.prune(0, 2, 9)).toBe(1);
    expect((await store.audit.list(undefined, 9)).map(({ at }) => at)).toEqual([4, 3]);
    expect(await store.audit.prune(0, 2, 9)).toBe(0);
  });
});
