import { describe, expect, it } from 'vitest';
import { MemoryAclStore } from './acl-store.ts';
import { StagedAcls } from './staged-acls.ts';

describe('StagedAcls', () => {
  it('shows what is going to be, and leaves the store as it is until the commit', async () => {
    const store = new MemoryAclStore();
    for (const path of [['A'], ['A', 'B'], ['C']]) store.set(path, 'Get=old');
    const staged = new StagedAcls(store);
    staged.forget(['A']);
    staged.set(['A', 'B'], 'Get=new');
    staged.set(['C'], undefined);
    const read = async (of: MemoryAclStore | StagedAcls) =>
      Promise.all([['A'], ['A', 'B'], ['C'], ['D']].map(async (path) => of.get(path)));
    expect(await read(staged)).toEqual([undefined, 'Get=new', undefined, undefined]);
    expect(await read(store)).toEqual(['Get=old', 'Get=old', 'Get=old', undefined]);
    await staged.commit();
    expect(await read(store)).toEqual([undefined, 'Get=new', undefined, undefined]);
  });
});
