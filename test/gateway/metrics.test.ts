import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi, listenApi } from '../../src/api/listener.ts';
import { addMetricsRoute } from '../../src/api/metrics-route.ts';
import { addGatewayGauges, gatewayMeters } from '../../src/app/gateway-metrics.ts';
import { openRoleMetrics, type RoleMetrics } from '../../src/app/role-metrics.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, keptLog } from './gateway-fixture.ts';
import { NotificationSocket, RawDevice } from './raw-device.ts';
import { elementsIn, rawStatus, textIn } from './raw-syncml.ts';

const DEVICE_ID = 'urn:dev:1';
const NOT_THERE = 'urn:dev:no-account';

let metrics: RoleMetrics;
let store: GatewayStore;
let socket: NotificationSocket;
let gateway: Gateway;
let api: Api;
let url: string;

beforeEach(async () => {
  metrics = openRoleMetrics();
  store = await openGatewayStore('sqlite::memory:', { meter: metrics.commit });
  socket = await NotificationSocket.open();
  await store.devices.add([deviceAccount(DEVICE_ID, socket.address)]);
  const members = [DEVICE_ID, NOT_THERE].map((deviceId, n) => ({ name: String(n + 1), deviceId }));
  await store.groups.create('all', { members });
  gateway = await openGateway({ ...gatewaySetup(store, keptLog()), meters: gatewayMeters(metrics) });
  api = createApi({
    title: 'test',
    version: '0',
    listen: 'http://127.0.0.1:0',
    ready: () => Promise.resolve(),
    onError: () => undefined,
  });
  addMetricsRoute(api, metrics);
  addGatewayGauges(metrics, gateway, Date.now);
  url = await listenApi(api, 'http://127.0.0.1:0');
});

afterEach(async () => {
  await api.close();
  await gateway.close();
  socket.close();
  await store.close();
  await metrics.close();
});

/** What is told, by name and labels. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

async function startRun(): Promise<void> {
  await gateway.startRun({
    group: 'all',
    commands: [{ kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
    policy: gatewaySetup(store, keptLog()).fanOut.policy,
    correlator: undefined,
    idempotencyKey: undefined,
  });
}

describe('metrics of a gateway', () => {
  it('gateway: tells 0 of what has not happened yet, and all names begin with dmgw_', async () => {
    const told = await scrape();
    expect([...told.keys()].filter((name) => !name.startsWith('dmgw_'))).toEqual([]);
    for (const name of [
      'dmgw_dm_sessions_open',
      'dmgw_dm_sessions_total{outcome="timed-out"}',
      'dmgw_members_settled_total{outcome="succeeded"}',
      'dmgw_notifications_total{outcome="sent"}',
      'dmgw_management_sessions_total{outcome="unreachable"}',
      'dmgw_runs{state="running"}',
      'dmgw_alerts_pending{kind="run"}',
      'dmgw_alerts_oldest_seconds{kind="device"}',
      'dmgw_store_commits_total{outcome="failed"}',
    ]) {
      expect([name, told.get(name)]).toEqual([name, 0]);
    }
    expect(told.get('dmgw_store_bytes')).toBeGreaterThan(0);
    expect(told.get('dmgw_event_loop_delay_seconds{quantile="0.99"}')).toBeGreaterThanOrEqual(0);
    expect(told.get('dmgw_process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('gateway: counts sessions, messages, notifications, members and commits of a run, of no device apart', async () => {
    await startRun();
    await socket.next();
    const device = new RawDevice({
      id: DEVICE_ID,
      dmUrl: gateway.dmUrl,
      user: DEVICE_ID,
      secret: `secret-of-${DEVICE_ID}`,
    });
    let message = await device.open('A', 1201);
    const during = await scrape();
    expect(during.get('dmgw_dm_sessions_open')).toBe(1);
    expect(during.get('dmgw_runs{state="running"}')).toBe(1);
    for (let get = elementsIn(message, 'Get')[0]; get !== undefined; get = elementsIn(message, 'Get')[0]) {
      const msgRef = Number(textIn(message, 'MsgID'));
      const own = rawStatus(1, msgRef, '0', 'SyncHdr', 212);
      message = await device.send(own + rawStatus(2, msgRef, textIn(get, 'CmdID') ?? '', 'Get', 200));
    }
    await expect.poll(async () => (await scrape()).get('dmgw_members_settled_total{outcome="unreachable"}')).toBe(1);
    const told = await scrape();
    const counts = {
      dmgw_dm_sessions_open: 0,
      'dmgw_dm_sessions_total{outcome="completed"}': 1,
      'dmgw_dm_messages_total{status="200"}': device.msgId,
      'dmgw_notifications_total{outcome="sent"}': 1,
      'dmgw_members_settled_total{outcome="succeeded"}': 1,
      dmgw_members_pending: 0,
      'dmgw_runs{state="complete"}': 1,
      'dmgw_runs{state="running"}': 0,
    };
    expect(Object.fromEntries(Object.keys(counts).map((name) => [name, told.get(name)]))).toEqual(counts);
    expect(told.get('dmgw_dm_received_bytes_total')).toBeGreaterThan(1_000);
    expect(told.get('dmgw_dm_sent_bytes_total')).toBeGreaterThan(1_000);
    const commits = told.get('dmgw_store_commits_total{outcome="committed"}');
    expect(commits).toBeGreaterThan(3);
    expect(told.get('dmgw_store_commit_seconds_count')).toBe(commits);
    expect(told.get('dmgw_store_commit_works_sum')).toBeGreaterThanOrEqual(commits!);
    const names = [...told.keys()].join('\n');
    expect(names).not.toMatch(/urn:dev|secret|gw-1/);
    // Another device makes no further series; a kind of garbage collection that is new does.
    const series = (metrics: ReadonlyMap<string, number>) =>
      [...metrics.keys()].filter((name) => !name.startsWith('dmgw_nodejs_gc_'));
    expect(series(await scrape())).toEqual(series(told));
  });

  it('api: refuses metrics to a page of another site', async () => {
    const response = await fetch(`${url}/metrics`, { headers: { origin: 'http://evil.example' } });
    expect(response.status).toBe(403);
  });
});
