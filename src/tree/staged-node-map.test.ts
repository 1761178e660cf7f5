import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Path } from './management-object.ts';
import { MemoryNodeMap } from './node-map.ts';
import { StagedNodeMap } from './staged-node-map.ts';

const PATHS: readonly Path[] = [['A'], ['A', 'B'], ['A', 'B', 'C'], ['AB'], ['D'], ['D', 'B']];

async function read(of: MemoryNodeMap<string> | StagedNodeMap<string>): Promise<readonly (string | undefined)[]> {
  return Promise.all(PATHS.map(async (path) => of.get(path)));
}

type Change =
  | { readonly kind: 'set'; readonly path: Path; readonly value: string | undefined }
  | { readonly kind: 'forget'; readonly path: Path }
  | { readonly kind: 'move'; readonly path: Path; readonly to: Path };

describe('StagedNodeMap', () => {
  it('shows what is going to be, and leaves the store as it is until the commit', async () => {
    const store = new MemoryNodeMap<string>();
    for (const path of [['A'], ['A', 'B'], ['D']]) store.set(path, 'old');
    const staged = new StagedNodeMap(store);
    staged.forget(['A']);
    staged.set(['A', 'B'], 'new');
    staged.set(['D'], undefined);
    expect(await read(staged)).toEqual([undefined, 'new', undefined, undefined, undefined, undefined]);
    expect(await read(store)).toEqual(['old', 'old', undefined, undefined, 'old', undefined]);
    await staged.commit();
    expect(await read(store)).toEqual([undefined, 'new', undefined, undefined, undefined, undefined]);
  });

  it('shows below the new name of a node what is kept below its former one', async () => {
    const store = new MemoryNodeMap<string>();
    store.set(['A', 'B'], 'old');
    const staged = new StagedNodeMap(store);
    staged.move(['A'], ['D']);
    expect(await read(staged)).toEqual([undefined, undefined, undefined, undefined, undefined, 'old']);
    staged.set(['D', 'B'], 'new');
    staged.move(['D'], ['A']);
    expect(await read(staged)).toEqual([undefined, 'new', undefined, undefined, undefined, undefined]);
  });

  it('shows at every moment what the store shows after the commit', async () => {
    const path = fc.constantFrom(...PATHS);
    const change: fc.Arbitrary<Change> = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), path, value: fc.option(fc.string(), { nil: undefined }) }),
      fc.record({ kind: fc.constant('forget' as const), path }),
      // A node never moves into itself, or to where one above it is.
      fc.record({ kind: fc.constant('move' as const), path: fc.constantFrom(['A'], ['AB']), to: fc.constant(['D']) }),
      fc.record({ kind: fc.constant('move' as const), path: fc.constant(['D']), to: fc.constantFrom(['A'], ['AB']) }),
    );
    const apply = (map: MemoryNodeMap<string> | StagedNodeMap<string>, each: Change): void => {
      if (each.kind === 'set') map.set(each.path, each.value);
      else if (each.kind === 'forget') map.forget(each.path);
      else map.move(each.path, each.to);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(change), fc.array(change), async (before, changes) => {
        const [store, expected] = [new MemoryNodeMap<string>(), new MemoryNodeMap<string>()];
        for (const each of before) for (const map of [store, expected]) apply(map, each);
        const staged = new StagedNodeMap(store);
        for (const each of changes) {
          apply(staged, each);
          apply(expected, each);
          expect(await read(staged)).toEqual(await read(expected));
        }
        await staged.commit();
        expect(await read(store)).toEqual(await read(expected));
      }),
    );
  });
});
