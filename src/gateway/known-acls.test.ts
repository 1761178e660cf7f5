import { describe, expect, it } from 'vitest';
import { knownAcls } from './known-acls.ts';
import type { AclValues } from '../store/nodes.ts';

/** ACLs in memory, and how often they were read. */
function acls(count: number) {
  const values = new Map(Array.from({ length: count }, (_value, at) => [`./A/${at}`, 'Get=*']));
  const reads = { all: 0, one: 0 };
  const unused = (): Promise<void> => Promise.resolve();
  const store: AclValues = {
    get(locUri) {
      reads.one += 1;
      return Promise.resolve(values.get(locUri));
    },
    set(locUri, acl) {
      if (acl === undefined) values.delete(locUri);
      else values.set(locUri, acl);
      return Promise.resolve();
    },
    forget: unused,
    move: unused,
    all() {
      reads.all += 1;
      return Promise.resolve([...values].map(([locUri, acl]) => ({ locUri, acl })));
    },
  };
  return { known: knownAcls(store), reads };
}

describe('ACLs in memory', () => {
  it('store: reads all of them once, and again after a change', async () => {
    const { known, reads } = acls(2);
    expect([await known.get('./A/0'), await known.get('./B')]).toEqual(['Get=*', undefined]);
    expect(reads).toEqual({ all: 1, one: 0 });
    await known.set('./B', 'Get=srv');
    await known.set('./A/0', undefined);
    expect([await known.get('./A/0'), await known.get('./B')]).toEqual([undefined, 'Get=srv']);
    expect(reads).toEqual({ all: 2, one: 0 });
  });

  it('store: reads one by one what is too much to be held', async () => {
    const { known, reads } = acls(1001);
    for (const locUri of ['./A/0', './A/1000']) expect(await known.get(locUri)).toBe('Get=*');
    expect(await known.get('./B')).toBeUndefined();
    expect(reads).toEqual({ all: 1, one: 3 });
  });
});
