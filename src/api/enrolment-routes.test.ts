import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../fanout/policy.ts';
import { createEnrolment } from '../gateway/enrolment.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import { openGatewayStore } from '../store/sqlite/open.ts';
import { addGatewayRoutes } from './gateway-routes.ts';
import { type Api, createApi, listenApi } from './listener.ts';

const ID = 'urn:dev:1';
const PATH = `/api/v1/devices/${encodeURIComponent(ID)}`;
const NOW = Date.UTC(2026, 0, 1);

let store: GatewayStore;
let api: Api;
let url: string;
const logged: unknown[] = [];

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  logged.length = 0;
  let random = 0;
  const note = (...line: unknown[]) => void logged.push(line);
  const enrolment = createEnrolment({
    gatewayId: 'gw-1',
    devices: store.devices,
    engine: { deviceGone: () => Promise.resolve(3) },
    inventoryAlerts: { gone: () => Promise.resolve() },
    gatewayUrl: () => 'http://gw.test:8082/dm',
    randomBytes: (length) => Buffer.alloc(length, ++random),
    now: () => NOW,
    log: { info: note, warn: note, error: note },
  });
  api = createApi({
    title: 'test',
    version: '0',
    listen: 'http://127.0.0.1:0',
    ready: () => Promise.resolve(),
    onError: note,
  });
  addGatewayRoutes(api, { store, enrolment } as unknown as Gateway, DEFAULT_POLICY);
  url = await listenApi(api, 'http://127.0.0.1:0');
});

afterEach(async () => {
  await api.close();
  await store.close();
});

async function call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) {
  const json = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(url + path, { method, ...json });
  return { status: answer.status, text: await answer.text(), cache: answer.headers.get('cache-control') };
}

describe('enrolment over the API', () => {
  it('api: shows new secrets in the one answer and in no other, nor in the log', async () => {
    const create = { scheme: 'basic', serverScheme: 'basic', notify: 'https://push.test/pap', maxMsgBytes: 4096 };
    const made = await call('POST', `${PATH}/bootstrap`, { create });
    expect(made).toMatchObject({ status: 200, cache: 'no-store' });
    const rotated = await call('POST', `${PATH}/rotate`, { graceS: 60 });
    expect(JSON.parse(rotated.text)).toMatchObject({ deviceId: ID, graceUntil: '2026-01-01T00:01:00.000Z' });
    const secrets = [made, rotated].flatMap(({ text }) =>
      [...text.matchAll(/AAUTH(?:SECRET|DATA)\\" value=\\"([^"\\]+)/g)].map(([, value = '']) => value),
    );
    expect(new Set(secrets).size).toBe(8);
    const device = (await store.devices.byDeviceId(ID))!;
    const hidden = [...secrets, device.client.digest, device.server.digest, device.former!.client.digest];
    const shown = await call('GET', PATH);
    expect(JSON.parse(shown.text)).toMatchObject({
      userName: 'urn-dev-1',
      maxMsgBytes: 4096,
      graceUntil: '2026-01-01T00:01:00.000Z',
      decommissionedAt: null,
    });
    const elsewhere = [shown.text, (await call('GET', '/api/v1/devices')).text, JSON.stringify(logged)].join('\n');
    for (const secret of hidden) expect(elsewhere).not.toContain(secret);
  });

  it('api: answers what cannot be done with a problem that says why', async () => {
    expect(await call('POST', `${PATH}/rotate`, {})).toMatchObject({ status: 404 });
    expect(await call('POST', `${PATH}/bootstrap`, {})).toMatchObject({ status: 404 });
    expect(await call('DELETE', PATH)).toMatchObject({ status: 404 });
    expect(await call('POST', `${PATH}/bootstrap`, { create: {}, move: true })).toMatchObject({ status: 400 });
    expect(await call('POST', `${PATH}/bootstrap`, { create: { userName: 'a:b' } })).toMatchObject({ status: 400 });
    expect(await call('POST', `${PATH}/rotate`, { graceS: -1 })).toMatchObject({ status: 400 });
    await call('POST', `${PATH}/bootstrap`, { create: {} });
    expect(await call('POST', `${PATH}/bootstrap`, { create: {} })).toMatchObject({ status: 409 });
  });

  it('api: decommissions a device, or forgets it', async () => {
    await call('POST', `${PATH}/bootstrap`, { create: {} });
    expect(JSON.parse((await call('DELETE', PATH)).text)).toEqual({ deviceId: ID, purged: false, unreachable: 3 });
    expect(JSON.parse((await call('GET', PATH)).text)).toMatchObject({ decommissionedAt: '2026-01-01T00:00:00.000Z' });
    expect(await call('POST', `${PATH}/rotate`, {})).toMatchObject({ status: 409 });
    expect(await call('POST', `${PATH}/bootstrap`, { move: true })).toMatchObject({ status: 200 });
    expect(JSON.parse((await call('DELETE', `${PATH}?purge=true`)).text)).toMatchObject({ purged: true });
    expect(await call('GET', PATH)).toMatchObject({ status: 404 });
  });
});
