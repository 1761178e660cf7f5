import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GroupMember } from '../../src/store/groups.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { newDevice, T0 } from './store-fixture.ts';

let store: GatewayStore;
beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
});
afterEach(() => store.close());

/** Members in words: `@name` is a GroupRef, anything else a DeviceID. */
function membersOf(words: readonly string[]): GroupMember[] {
  return words.map((word, index) => ({ name: String(index + 1), ...targetOf(word) }));
}

function targetOf(word: string): Omit<GroupMember, 'name'> {
  return word.startsWith('@') ? { deviceId: undefined, groupRef: word.slice(1) } : { deviceId: word };
}

async function group(name: string, words: readonly string[], filter?: string): Promise<void> {
  await store.groups.create(name, { members: membersOf(words), filter });
}

async function devicesOf(name: string): Promise<string[]> {
  const { total, members } = await store.groups.resolvedMembers(name, 0, 1_000, T0);
  expect(members.map(({ n }) => n)).toEqual(members.map((_, index) => index + 1));
  expect(await store.groups.resolvedCount(name, T0)).toBe(total);
  return members.map(({ deviceId }) => deviceId);
}

const LOOP = { status: 409, code: 'GROUP_LOOP' };

describe('groups in groups', () => {
  it('store: goes through the groups of a group where they stand, and takes each device once', async () => {
    await group('inner', ['c', 'a', '@deep']);
    await group('deep', ['d', 'b']);
    await group('outer', ['a', '@inner', 'b', '@deep', 'e', 'a']);
    expect(await devicesOf('outer')).toEqual(['a', 'c', 'd', 'b', 'e']);
    expect(await devicesOf('inner')).toEqual(['c', 'a', 'd', 'b']);
  });

  it('store: takes what a filter finds after the members, in the order of the accounts', async () => {
    await store.devices.add(['x', 'b', 'a', 'gone'].map((id) => newDevice(id)));
    await store.devices.decommission('gone', T0);
    await group('found', ['a'], 'DeviceID ~ "*"');
    await group('outer', ['q', '@found', 'z'], 'DeviceID != "q"');
    expect(await devicesOf('found')).toEqual(['a', 'x', 'b']);
    expect(await devicesOf('outer')).toEqual(['q', 'a', 'x', 'b', 'z']);
  });

  it('store: takes a GroupRef to no group as nobody until there is one', async () => {
    await group('outer', ['a', '@later']);
    expect(await store.groups.memberCount('outer')).toBe(2);
    expect(await devicesOf('outer')).toEqual(['a']);
    await group('later', ['b']);
    expect(await devicesOf('outer')).toEqual(['a', 'b']);
    await store.groups.remove('later');
    expect(await devicesOf('outer')).toEqual(['a']);
    expect(await store.groups.member('outer', '2')).toMatchObject({ groupRef: 'later' });
  });

  it('store: keeps GroupRefs to a group that gets another name', async () => {
    await group('inner', ['b']);
    await group('outer', ['@inner', 'a']);
    await group('other', ['@inner']);
    expect(await store.groups.referrers('inner', 10)).toEqual([
      { group: 'outer', name: '1' },
      { group: 'other', name: '1' },
    ]);
    await store.groups.rename('inner', 'renamed');
    expect(await store.groups.member('outer', '1')).toMatchObject({ groupRef: 'renamed' });
    expect(await devicesOf('outer')).toEqual(['b', 'a']);
    expect(await store.groups.referrers('inner', 10)).toEqual([]);
  });

  it('store: refuses what closes a loop, over one group or several, and changes nothing', async () => {
    await group('a', ['@b', 'x']);
    await group('b', ['@c', 'y']);
    await expect(store.groups.create('c', { members: membersOf(['z', '@a']) })).rejects.toMatchObject(LOOP);
    expect(await store.groups.exists('c')).toBe(false);
    await group('c', ['z']);
    for (const ref of ['@a', '@b', '@c']) {
      await expect(store.groups.addMembers('c', [{ name: '9', ...targetOf(ref) }])).rejects.toMatchObject(LOOP);
      await expect(store.groups.setMember('c', { name: '1', ...targetOf(ref) })).rejects.toMatchObject(LOOP);
    }
    expect(await store.groups.members('c', undefined, 10)).toEqual([{ name: '1', deviceId: 'z' }]);
    expect(await devicesOf('a')).toEqual(['z', 'y', 'x']);
  });

  it('store: refuses a name that makes a group part of itself', async () => {
    await group('a', ['@later', 'x']);
    await group('b', ['@a']);
    await expect(store.groups.rename('b', 'later')).rejects.toMatchObject(LOOP);
    await expect(store.groups.rename('a', 'later')).rejects.toMatchObject(LOOP);
    expect(await store.groups.names('', 10)).toEqual(['a', 'b']);
    expect(await store.groups.member('b', '1')).toMatchObject({ groupRef: 'a' });
  });

  it('store: refuses a loop that two writes of the same moment would close', async () => {
    await group('a', ['x']);
    await group('b', ['y']);
    const both = await Promise.allSettled([
      store.groups.addMembers('a', [{ name: '2', ...targetOf('@b') }]),
      store.groups.addMembers('b', [{ name: '2', ...targetOf('@a') }]),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await devicesOf('a')).toEqual(['x', 'y']);
  });

  it('store: leaves a member that is there as it is, whatever it would have become', async () => {
    await group('a', ['x']);
    expect(await store.groups.addMembers('a', [{ name: '1', ...targetOf('@a') }])).toBe(true);
    expect(await store.groups.members('a', undefined, 10)).toEqual([{ name: '1', deviceId: 'x' }]);
  });

  it('store: goes down a chain of 2,000 groups and through a lattice of them', async () => {
    const numbers = Array.from({ length: 2_000 }, (_, n) => n);
    await Promise.all(numbers.map((n) => group(`g${n}`, [`d${n}`, `@g${n + 1}`, `@g${n + 2}`])));
    expect(await store.groups.resolvedCount('g0', T0)).toBe(2_000);
    await expect(store.groups.create('g2000', { members: membersOf(['@g0']) })).rejects.toMatchObject(LOOP);
  });
});

describe('resolved members', () => {
  it('store: says what a start would meet', async () => {
    await store.devices.add([{ ...newDevice('a'), maxMsgBytes: 4_096 }, newDevice('b', true), newDevice('c')]);
    await store.devices.decommission('c', T0);
    await group('all', ['c', 'none', 'b', 'a']);
    const without = { deviceKey: undefined, maxMsgBytes: undefined, maxObjBytes: undefined };
    expect(await store.groups.resolvedMembers('all', 0, 10, T0)).toEqual({
      total: 4,
      members: [
        { n: 1, deviceId: 'c', ...without, isDecommissioned: true, notify: 'udp://127.0.0.1:9' },
        { n: 2, deviceId: 'none', ...without, isDecommissioned: false, notify: undefined },
        { n: 3, deviceId: 'b', ...without, deviceKey: 2, isDecommissioned: false, notify: undefined },
        {
          ...without,
          n: 4,
          deviceId: 'a',
          deviceKey: 1,
          isDecommissioned: false,
          notify: 'udp://127.0.0.1:9',
          maxMsgBytes: 4_096,
        },
      ],
    });
    expect(await store.groups.resolvedMembers('none', 0, 10, T0)).toEqual({ total: 0, members: [] });
  });

  it('store: gives pages of what the first one saw', async () => {
    await group('all', ['a', 'b', 'c', 'd', 'e']);
    await group('other', ['z']);
    const page = async (after: number) => {
      const { total, members } = await store.groups.resolvedMembers('all', after, 2, T0);
      return [total, ...members.map(({ deviceId }) => deviceId)];
    };
    expect(await page(0)).toEqual([5, 'a', 'b']);
    await store.groups.removeMember('all', '1');
    expect(await page(2)).toEqual([5, 'c', 'd']);
    expect(await page(4)).toEqual([5, 'e']);
    expect(await page(2)).toEqual([4, 'd', 'e']);
    expect(await page(0)).toEqual([4, 'b', 'c']);
    expect(await store.groups.resolvedCount('other', T0)).toBe(1);
    expect(await page(2)).toEqual([4, 'd', 'e']);
    expect(await page(4)).toEqual([4]);
  });

  it('store: counts the age of a filter from when it is asked', async () => {
    await store.devices.add([newDevice('a'), newDevice('b')]);
    await store.devices.saveInventory(1, {}, T0 - 60_000);
    await group('recent', [], 'LastSeen < 2m');
    expect(await store.groups.resolvedCount('recent', T0)).toBe(1);
    expect(await store.groups.resolvedCount('recent', T0 + 3_600_000)).toBe(0);
    await store.groups.setFilter('recent', 'LastSeen > 2m');
    expect(await devicesOf('recent')).toEqual(['b']);
    await store.groups.setFilter('recent', undefined);
    expect(await store.groups.filter('recent')).toBeUndefined();
    expect(await devicesOf('recent')).toEqual([]);
  });
});
