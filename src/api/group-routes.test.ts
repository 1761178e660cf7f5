import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../gateway/gateway.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import { openGatewayStore } from '../store/sqlite/open.ts';
import { addGroupRoutes } from './group-routes.ts';
import { type Api, createApi, listenApi } from './listener.ts';

const NOW = Date.UTC(2026, 0, 1);

let store: GatewayStore;
let api: Api;
let url: string;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  api = createApi({
    title: 'test',
    version: '0',
    listen: 'http://127.0.0.1:0',
    ready: () => Promise.resolve(),
    onError: () => undefined,
  });
  addGroupRoutes(api, { store } as unknown as Gateway, () => NOW);
  url = `${await listenApi(api, 'http://127.0.0.1:0')}/api/v1/groups`;
});

afterEach(async () => {
  await api.close();
  await store.close();
});

async function call(path: string, body?: object, method = body ? 'POST' : 'GET'): Promise<[number, unknown]> {
  const answer = await fetch(url + path, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return [answer.status, text === '' ? undefined : JSON.parse(text)];
}

describe('groups over the API', () => {
  it('api: makes a group of devices, groups and a filter, and shows it', async () => {
    const filter = 'Man = "a" and LastSeen < 7d';
    expect(await call('', { group: 'inner', members: ['a', 'b'] })).toEqual([201, { group: 'inner', members: 2 }]);
    const outer = { group: 'outer', members: ['c'], groupRefs: ['inner', 'later'], filter };
    expect(await call('', outer)).toEqual([201, { group: 'outer', members: 3 }]);
    expect(await call('/outer?limit=2')).toEqual([
      200,
      {
        group: 'outer',
        filter,
        memberCount: 3,
        members: [
          { name: '1', deviceId: 'c', groupRef: null },
          { name: '2', deviceId: null, groupRef: 'inner' },
        ],
        next: '2',
      },
    ]);
    expect((await call('/inner'))[1]).toMatchObject({ filter: null, next: null });
    expect(await call('')).toEqual([200, { groups: ['inner', 'outer'], next: null }]);
  });

  it('api: shows page by page the devices that a group comes down to', async () => {
    await store.groups.create('inner', { members: [{ name: '1', deviceId: 'b' }] });
    await call('', { group: 'outer', members: ['a', 'b', 'c'], groupRefs: ['inner'] });
    const row = (n: number, deviceId: string) => ({ n, deviceId, account: 'none' });
    expect(await call('/outer/resolved?limit=2')).toEqual([
      200,
      { group: 'outer', resolvedCount: 3, members: [row(1, 'a'), row(2, 'b')], next: '2' },
    ]);
    expect(await call('/outer/resolved?limit=2&after=2')).toEqual([
      200,
      { group: 'outer', resolvedCount: 3, members: [row(3, 'c')], next: null },
    ]);
    expect((await call('/none/resolved'))[0]).toBe(404);
    expect((await call('/outer/resolved?after=x'))[0]).toBe(400);
  });

  it('api: adds a device or a group under a free name', async () => {
    await store.groups.create('g', { members: [{ name: '2', deviceId: 'a' }] });
    expect(await call('/g/members', { deviceId: 'b' })).toEqual([201, { name: '3', deviceId: 'b', groupRef: null }]);
    expect(await call('/g/members', { groupRef: 'h' })).toEqual([201, { name: '4', deviceId: null, groupRef: 'h' }]);
    expect((await call('/none/members', { deviceId: 'b' }))[0]).toBe(404);
  });

  it('api: adds each of many members that are added at the same time', async () => {
    await call('', { group: 'g' });
    const ids = Array.from({ length: 20 }, (_, at) => `urn:dev:${at}`);
    const added = await Promise.all(ids.map((deviceId) => call('/g/members', { deviceId })));
    expect(added.every(([status]) => status === 201)).toBe(true);
    expect((await store.groups.members('g', undefined, 100)).map(({ deviceId }) => deviceId).sort()).toEqual(
      ids.sort(),
    );
  });

  it('api: takes members and filter away, and with a group what was kept of its nodes', async () => {
    const { groups, nodes } = store;
    const uri = './GwConfig/DeviceGroups/a b';
    await call('', { group: 'a b', members: ['x', 'y'], filter: 'Man = "a"' });
    await call('', { group: 'a', members: ['x'] });
    const properties = { title: 'T', changedAt: undefined, verNo: 1 };
    for (const locUri of [uri, `${uri}/Members/1`, './GwConfig/DeviceGroups/a']) {
      await nodes.acls.set(locUri, 'Get=srv');
      await nodes.properties.set(locUri, properties);
    }
    expect(await call('/a%20b/members/1', undefined, 'DELETE')).toEqual([204, undefined]);
    expect((await groups.members('a b', undefined, 9)).map(({ deviceId }) => deviceId)).toEqual(['y']);
    expect(await nodes.acls.get(`${uri}/Members/1`)).toBeUndefined();
    expect(await call('/a%20b/filter', { filter: null }, 'PUT')).toEqual([200, { group: 'a b', filter: null }]);
    expect(await groups.filter('a b')).toBeUndefined();
    expect(await call('/a%20b', undefined, 'DELETE')).toEqual([204, undefined]);
    expect(await groups.names('', 9)).toEqual(['a']);
    expect([await nodes.acls.get(uri), await nodes.properties.get(uri)]).toEqual([undefined, undefined]);
    expect(await nodes.acls.get('./GwConfig/DeviceGroups/a')).toBe('Get=srv');
  });

  it('api: sets a filter, and refuses one that it cannot read', async () => {
    await call('', { group: 'g', members: ['x'] });
    const filter = 'Man = "a"';
    expect(await call('/g/filter', { filter }, 'PUT')).toEqual([200, { group: 'g', filter }]);
    for (const wrong of ['', 'Man = ']) {
      const refused = await call('/g/filter', { filter: wrong }, 'PUT');
      expect(refused).toMatchObject([400, { code: 'FANOUT_GROUP_FILTER' }]);
    }
    expect((await call('/g/filter', {}, 'PUT'))[0]).toBe(400);
    expect(await store.groups.filter('g')).toBe(filter);
    for (const [path, body, method] of [
      ['/none/filter', { filter }, 'PUT'],
      ['/none', undefined, 'DELETE'],
      ['/none/members/1', undefined, 'DELETE'],
      ['/g/members/9', undefined, 'DELETE'],
    ] as const) {
      expect(await call(path, body, method)).toMatchObject([404, { code: 'API_NOT_FOUND' }]);
    }
  });

  it('api: refuses what cannot be a group, says why, and makes none of it', async () => {
    await call('', { group: 'a', groupRefs: ['b'] });
    const loop = await call('', { group: 'b', members: ['x'], groupRefs: ['a'] });
    expect(loop).toMatchObject([409, { code: 'GROUP_LOOP' }]);
    expect(await call('/a/members', { groupRef: 'a' })).toMatchObject([409, { code: 'GROUP_LOOP' }]);
    const filter = await call('', { group: 'b', filter: 'Man = ' });
    expect(filter).toMatchObject([400, { code: 'FANOUT_GROUP_FILTER' }]);
    expect(filter[1]).toMatchObject({
      detail: 'at character 6 the filter ends; allowed there: a text in quotation marks',
    });
    expect(await call('', { group: 'a' })).toMatchObject([409, { code: 'GROUP_EXISTS' }]);
    for (const body of [{}, { deviceId: 'x', groupRef: 'y' }, { deviceId: '' }, { groupRef: 'a/b' }]) {
      expect((await call('/a/members', body))[0]).toBe(400);
    }
    expect(await call('')).toEqual([200, { groups: ['a'], next: null }]);
  });
});
