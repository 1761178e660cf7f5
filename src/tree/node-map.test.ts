import { describe, expect, it } from 'vitest';
import { MemoryNodeMap } from './node-map.ts';

describe('MemoryNodeMap', () => {
  it('forgets a node with all below it, and no other', () => {
    const map = new MemoryNodeMap<string>();
    for (const path of [['A'], ['A', 'B'], ['AB'], ['C']]) map.set(path, 'kept');
    map.forget(['A']);
    map.set(['C'], undefined);
    expect([map.get(['A']), map.get(['A', 'B']), map.get(['AB']), map.get(['C'])]).toEqual([
      undefined,
      undefined,
      'kept',
      undefined,
    ]);
  });
});
