import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { newDevice, newRun, terms } from './store-fixture.ts';

let store: GatewayStore;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
});

afterEach(() => store.close());

describe('device accounts', () => {
  it('store: gives back an account as it was added', async () => {
    const account = newDevice('urn:dev:test:1');
    await store.devices.add([account]);
    const device = await store.devices.byDeviceId('urn:dev:test:1');
    expect(device).toEqual({
      ...account,
      key: 1,
      previousServerNonce: new Uint8Array(),
      inventory: {},
      lastSeenAt: undefined,
    });
    expect(await store.devices.byKey(1)).toEqual(device);
    expect(await store.devices.byKey(2)).toBeUndefined();
    expect(await store.devices.byDeviceId('urn:dev:test:2')).toBeUndefined();
  });

  it('store: adds all accounts or none, and names the one that is there', async () => {
    await store.devices.add([newDevice('urn:dev:test:2')]);
    const three = [1, 2, 3].map((n) => newDevice(`urn:dev:test:${n}`));
    await expect(store.devices.add(three)).rejects.toMatchObject({
      code: 'DEVICE_EXISTS',
      message: 'there is an account of device urn:dev:test:2 already',
    });
    expect(await store.devices.count()).toBe(1);
    await expect(store.devices.add([three[0]!, three[0]!])).rejects.toMatchObject({ code: 'DEVICE_EXISTS' });
    expect(await store.devices.count()).toBe(1);
  });

  it('store: lists accounts page by page, all or those whose DeviceID has a part', async () => {
    await store.devices.add(['a:1', 'b:1', 'a:2', 'A:3'].map((id) => newDevice(id)));
    const ids = async (...args: Parameters<GatewayStore['devices']['list']>) =>
      (await store.devices.list(...args)).map(({ deviceId }) => deviceId);
    expect(await ids(0, 2)).toEqual(['a:1', 'b:1']);
    expect(await ids(2, 2)).toEqual(['a:2', 'A:3']);
    expect(await ids(0, 10, 'a:')).toEqual(['a:1', 'a:2']);
    expect(await ids(1, 10, 'a:')).toEqual(['a:2']);
    expect(await ids(0, 10, '%')).toEqual([]);
  });

  it('store: never gives the key of a removed account again', async () => {
    await store.devices.add([newDevice('urn:dev:test:1')]);
    expect(await store.devices.remove('urn:dev:test:1')).toBe(true);
    expect(await store.devices.remove('urn:dev:test:1')).toBe(false);
    await store.devices.add([newDevice('urn:dev:test:1')]);
    expect((await store.devices.byDeviceId('urn:dev:test:1'))?.key).toBe(2);
  });

  it('store: keeps the nonce before the new one of the gateway', async () => {
    await store.devices.add([newDevice('urn:dev:test:1')]);
    await store.devices.saveNonces(1, { server: new Uint8Array([7]) });
    expect(await store.devices.byKey(1)).toMatchObject({
      client: { nonce: new Uint8Array([1]) },
      server: { nonce: new Uint8Array([7]) },
      previousServerNonce: new Uint8Array([2]),
    });
    await store.devices.saveNonces(1, { client: new Uint8Array([8]), server: undefined });
    expect(await store.devices.byKey(1)).toMatchObject({
      client: { nonce: new Uint8Array([8]) },
      server: { nonce: new Uint8Array([7]) },
      previousServerNonce: new Uint8Array([2]),
    });
  });

  it('store: overwrites only the inventory values that a session brought', async () => {
    await store.devices.add([newDevice('urn:dev:test:1')]);
    await store.devices.saveInventory(1, { man: 'maker', mod: 'one' }, 10);
    await store.devices.saveInventory(1, { mod: 'two', fwV: '1.0', detailAt: 20, man: undefined }, 30);
    expect(await store.devices.byKey(1)).toMatchObject({
      inventory: { man: 'maker', mod: 'two', fwV: '1.0', detailAt: 20 },
      lastSeenAt: 30,
    });
  });
});

describe('device groups', () => {
  it('store: makes, renames, lists and removes groups', async () => {
    expect(await store.groups.create('b')).toBe(true);
    expect(await store.groups.create('b')).toBe(false);
    await store.groups.create('a');
    expect(await store.groups.names('', 10)).toEqual(['a', 'b']);
    expect(await store.groups.names('a', 1)).toEqual(['b']);
    expect(await store.groups.rename('b', 'a')).toBe(false);
    expect(await store.groups.rename('b', 'c')).toBe(true);
    expect(await store.groups.rename('b', 'd')).toBe(false);
    expect(await store.groups.exists('b')).toBe(false);
    expect(await store.groups.exists('c')).toBe(true);
    expect(await store.groups.remove('c')).toBe(true);
    expect(await store.groups.remove('c')).toBe(false);
    expect(await store.groups.names('', 10)).toEqual(['a']);
  });

  it('store: keeps members in the order in which they were added', async () => {
    await store.groups.create('all');
    await store.groups.addMembers('all', [
      { name: 'z', deviceId: 'urn:dev:test:1' },
      { name: 'a', deviceId: undefined },
    ]);
    await store.groups.addMembers('all', [
      { name: 'z', deviceId: 'urn:dev:test:9' },
      { name: 'm', deviceId: 'urn:dev:test:2' },
    ]);
    expect(await store.groups.members('all', undefined, 10)).toEqual([
      { name: 'z', deviceId: 'urn:dev:test:1' },
      { name: 'a', deviceId: undefined },
      { name: 'm', deviceId: 'urn:dev:test:2' },
    ]);
    expect((await store.groups.members('all', 'z', 1)).map(({ name }) => name)).toEqual(['a']);
    expect(await store.groups.members('all', 'm', 10)).toEqual([]);
    expect(await store.groups.members('all', 'gone', 10)).toEqual([]);
    expect(await store.groups.member('all', 'm')).toEqual({ name: 'm', deviceId: 'urn:dev:test:2' });
    expect(await store.groups.member('all', 'x')).toBeUndefined();
  });

  it('store: counts only members that have a device', async () => {
    await store.groups.create('all');
    await store.groups.addMembers('all', [{ name: '1', deviceId: undefined }]);
    expect(await store.groups.memberCount('all')).toBe(0);
    expect(await store.groups.setMember('all', { name: '1', deviceId: 'urn:dev:test:1' })).toBe(true);
    expect(await store.groups.memberCount('all')).toBe(1);
    expect(await store.groups.setMember('all', { name: '2', deviceId: 'urn:dev:test:1' })).toBe(false);
    expect(await store.groups.removeMember('all', '1')).toBe(true);
    expect(await store.groups.removeMember('all', '1')).toBe(false);
    expect(await store.groups.memberCount('all')).toBe(0);
  });

  it('store: says of a group that is not there that it is not there', async () => {
    expect(await store.groups.addMembers('none', [])).toBe(false);
    expect(await store.groups.members('none', undefined, 10)).toEqual([]);
    expect(await store.groups.member('none', '1')).toBeUndefined();
    expect(await store.groups.memberCount('none')).toBe(0);
    expect(await store.groups.setMember('none', { name: '1', deviceId: undefined })).toBe(false);
    expect(await store.groups.removeMember('none', '1')).toBe(false);
  });

  it('store: forgets the members with their group', async () => {
    await store.groups.create('all');
    await store.groups.addMembers('all', [{ name: '1', deviceId: 'urn:dev:test:1' }]);
    await store.groups.remove('all');
    await store.groups.create('all');
    expect(await store.groups.members('all', undefined, 10)).toEqual([]);
  });

  it('store: takes each device of a group once into a run, and no member without one', async () => {
    await store.devices.add([newDevice('urn:dev:test:2', true)]);
    await store.groups.create('all');
    await store.groups.addMembers('all', [{ name: '1', deviceId: undefined }]);
    expect(await store.fanOut.createRun(newRun(), terms({ maxActiveRuns: 1 }))).toEqual({ kind: 'empty-group' });
    await store.groups.addMembers('all', [
      { name: '2', deviceId: 'urn:dev:test:2' },
      { name: '3', deviceId: 'urn:dev:test:1' },
      { name: '4', deviceId: 'urn:dev:test:2' },
    ]);
    const started = await store.fanOut.createRun(newRun(), terms({ maxActiveRuns: 1 }));
    expect(started).toMatchObject({ kind: 'created', run: { counts: { targets: 2, pending: 2 } } });
    expect(await store.fanOut.members(1, 0, 10)).toMatchObject([
      { n: 1, deviceId: 'urn:dev:test:2' },
      { n: 2, deviceId: 'urn:dev:test:1' },
    ]);
    expect(await store.fanOut.nextForDevice(1)).toMatchObject({ n: 1, notifiable: false });
  });
});

describe('nodes and nonces', () => {
  it('store: gives back a written leaf, text or octets', async () => {
    const node = { format: 'xml', type: 'text/xml', data: '<a/>', writtenBy: 'srv' };
    await store.nodes.write('./SCM/FanOut/ToBeFannedOut', node);
    expect(await store.nodes.read('./SCM/FanOut/ToBeFannedOut')).toEqual(node);
    const octets = { ...node, format: 'bin', data: new Uint8Array([0, 1, 255]), writtenBy: 'other' };
    await store.nodes.write('./SCM/FanOut/ToBeFannedOut', octets);
    expect(await store.nodes.read('./SCM/FanOut/ToBeFannedOut')).toEqual(octets);
    expect(await store.nodes.read('./SCM')).toBeUndefined();
  });

  it('store: forgets the ACLs of a node and of those below it, and no other', async () => {
    const uris = ['./A', './A/b', './A/b/c', './A/b.c', './A/bc', './A/b0'];
    for (const uri of uris) await store.nodes.acls.set(uri, 'Get=*');
    await store.nodes.acls.set('./A/b/c', 'Get=srv');
    expect(await store.nodes.acls.get('./A/b/c')).toBe('Get=srv');
    await store.nodes.acls.forget('./A/b');
    const left = await Promise.all(uris.map((uri) => store.nodes.acls.get(uri)));
    expect(left).toEqual(['Get=*', undefined, undefined, 'Get=*', 'Get=*', 'Get=*']);
    await store.nodes.acls.set('./A', undefined);
    expect(await store.nodes.acls.get('./A')).toBeUndefined();
  });

  it('store: lets what is kept of a node and of those below go to another, in the place of what is there', async () => {
    const { acls } = store.nodes;
    for (const uri of ['./A', './A/b', './A/b/c', './A/bc', './A/d', './A/d/e']) await acls.set(uri, uri);
    await acls.move('./A/b', './A/d');
    expect(await acls.all()).toEqual([
      { locUri: './A', acl: './A' },
      { locUri: './A/bc', acl: './A/bc' },
      { locUri: './A/d', acl: './A/b' },
      { locUri: './A/d/c', acl: './A/b/c' },
    ]);
  });

  it('store: keeps title, time and number of changes of a node', async () => {
    const { properties } = store.nodes;
    const kept = { title: 'Ünder', changedAt: 1_000, verNo: 65_535 };
    await properties.set('./A', kept);
    await properties.set('./B', { title: undefined, changedAt: undefined, verNo: 0 });
    expect(await properties.get('./A')).toEqual(kept);
    expect(await properties.get('./B')).toEqual({ title: undefined, changedAt: undefined, verNo: 0 });
    await properties.set('./A', { ...kept, verNo: 0 });
    expect(await properties.get('./A')).toEqual({ ...kept, verNo: 0 });
    await properties.set('./A', undefined);
    expect(await properties.get('./A')).toBeUndefined();
  });

  it('store: knows the last 64 notifications of a DM Server that brought a session, and no more', async () => {
    const { resetNotifications } = store;
    const digest = (n: number) => new Uint8Array(16).fill(n);
    expect(await resetNotifications.isServed('srv', digest(0))).toBe(false);
    for (let n = 0; n < 64; n += 1) await resetNotifications.served('srv', digest(n));
    await resetNotifications.served('srv', digest(0));
    expect(await resetNotifications.isServed('srv', digest(0))).toBe(true);
    expect(await resetNotifications.isServed('other', digest(0))).toBe(false);
    await resetNotifications.served('srv', digest(64));
    expect(await resetNotifications.isServed('srv', digest(0))).toBe(false);
    for (let n = 1; n <= 64; n += 1) expect(await resetNotifications.isServed('srv', digest(n))).toBe(true);
  });

  it('store: keeps the nonces of a peer, each direction on its own', async () => {
    expect(await store.peerNonces.nonces('srv')).toEqual({ own: new Uint8Array(), peer: new Uint8Array() });
    await store.peerNonces.save('srv', { own: new Uint8Array([1]) });
    await store.peerNonces.save('srv', { peer: new Uint8Array([2]), own: undefined });
    expect(await store.peerNonces.nonces('srv')).toEqual({ own: new Uint8Array([1]), peer: new Uint8Array([2]) });
  });
});
