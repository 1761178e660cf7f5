import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayStore } from '../../store/gateway-store.ts';
import { openGatewayStore } from '../../store/sqlite/open.ts';
import { keptGroup, keptMember } from './kept-groups.ts';

let store: GatewayStore;
beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
});
afterEach(() => store.close());

const members = () => store.groups.members('g', undefined, 2_000);

describe('kept groups', () => {
  it('gateway: puts a group back with all its members, in their order', async () => {
    const all = Array.from({ length: 1_203 }, (_, n) => ({ name: `m${n * 7}`, deviceId: n % 5 ? `d${n}` : undefined }));
    await store.groups.create('g');
    await store.groups.addMembers('g', all);
    const undo = await keptGroup(store.groups, 'g');
    await store.groups.rename('g', 'other');
    await store.groups.remove('other');
    await undo();
    expect(await members()).toEqual(all);
  });

  it('gateway: removes a group that was not there', async () => {
    const undo = await keptGroup(store.groups, 'g');
    await store.groups.create('g');
    await undo();
    expect(await store.groups.exists('g')).toBe(false);
  });

  it('gateway: keeps no group that is too large to be held', async () => {
    await store.groups.create('g');
    const all = Array.from({ length: 20_001 }, (_, n) => ({ name: `m${n}`, deviceId: undefined }));
    await store.groups.addMembers('g', all);
    await expect(keptGroup(store.groups, 'g')).rejects.toMatchObject({ status: 420 });
  });

  it('gateway: puts a member back that was changed, deleted or not there', async () => {
    await store.groups.create('g');
    await store.groups.addMembers('g', [
      { name: '1', deviceId: 'd1' },
      { name: '2', deviceId: 'd2' },
    ]);
    const undos = [
      await keptMember(store.groups, 'g', '1'),
      await keptMember(store.groups, 'g', '2'),
      await keptMember(store.groups, 'g', '3'),
    ];
    await store.groups.setMember('g', { name: '1', deviceId: undefined });
    await store.groups.removeMember('g', '2');
    await store.groups.addMembers('g', [{ name: '3', deviceId: 'd3' }]);
    for (const undo of undos) await undo();
    expect(await members()).toEqual([
      { name: '1', deviceId: 'd1' },
      { name: '2', deviceId: 'd2' },
    ]);
  });
});
