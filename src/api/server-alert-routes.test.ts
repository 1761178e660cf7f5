import { expect, it, onTestFinished } from 'vitest';
import { openServerStore } from '../store/sqlite/open.ts';
import { createApi, listenApi } from './listener.ts';
import { addServerAlertRoutes } from './server-alert-routes.ts';

it('api: shows the alerts that gateways passed on, newest first, of all gateways or of one', async () => {
  const store = await openServerStore('sqlite::memory:');
  onTestFinished(() => store.close());
  const api = createApi({
    title: 'test',
    version: '0',
    listen: 'http://127.0.0.1:0',
    ready: () => Promise.resolve(),
    onError: () => undefined,
  });
  onTestFinished(() => api.close());
  addServerAlertRoutes(api, store);
  const url = `${await listenApi(api, 'http://127.0.0.1:0')}/api/v1/device-alerts`;
  const get = async (query: string) => (await fetch(url + query)).json();

  const at = Date.UTC(2026, 0, 1);
  const source = './GwDeviceInventory/7';
  await store.passedOnAlerts.add([
    { gatewayId: 'gw-1', at, source, alert: '<SyncBody/>' },
    { gatewayId: 'gw-2', at, source: undefined, alert: '<SyncBody/>' },
  ]);
  const shown = { at: '2026-01-01T00:00:00.000Z', alert: '<SyncBody/>' };
  const first = { id: 1, gatewayId: 'gw-1', source, ...shown };
  const second = { id: 2, gatewayId: 'gw-2', source: null, ...shown };
  expect(await get('')).toEqual({ alerts: [second, first], next: null });
  expect(await get('?limit=1')).toEqual({ alerts: [second], next: '2' });
  expect(await get('?limit=1&after=2')).toEqual({ alerts: [first], next: '1' });
  expect(await get('?gatewayId=gw-1')).toEqual({ alerts: [first], next: null });
});
