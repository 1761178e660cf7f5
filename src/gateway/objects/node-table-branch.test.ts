import { describe, expect, it } from 'vitest';
import type { Item } from '../../protocol/message/message.ts';
import { executeCommands } from '../../tree/executor.ts';
import { MemoryNodeMap } from '../../tree/node-map.ts';
import { createTree } from '../../tree/tree.ts';
import { type Leaves, type NodeTable, tableObject } from './node-table.ts';

const LEAF = { format: 'chr', access: ['Get'], occurrence: 'ZeroOrOne' } as const;
const INTERIOR = { format: 'node', access: ['Get'], occurrence: 'One' } as const;
const ROWS = {
  '': INTERIOR,
  '*': { format: 'node', access: ['Get'], occurrence: 'ZeroOrMore' },
  '*/Name': LEAF,
  '*/Ext': INTERIOR,
  '*/Ext/Size': { ...LEAF, format: 'int' },
  '*/Ext/Deep': INTERIOR,
  '*/Ext/Deep/End': LEAF,
} as const satisfies NodeTable;

const VALUES: Readonly<Record<string, Leaves>> = {
  a: { Name: 'A', 'Ext/Size': '1', 'Ext/Deep/End': 'end' },
  b: { Name: 'B', 'Ext/Size': undefined },
};

/** The same nodes, read one by one, or each branch in one go. */
function objectOf(inOneGo: boolean) {
  const leaf = (path: string) => ({ read: ([name]: readonly [string]) => Promise.resolve(VALUES[name]?.[path]) });
  return tableObject(['T'], ROWS, {
    '*': {
      exists: ([name]) => Promise.resolve(name in VALUES),
      async *list() {
        for (const name of Object.keys(VALUES)) yield await Promise.resolve(name);
      },
      ...(inOneGo ? { leaves: ([name]: readonly [string]) => Promise.resolve(VALUES[name]) } : {}),
    },
    '*/Name': leaf('Name'),
    '*/Ext/Size': leaf('Ext/Size'),
    '*/Ext/Deep/End': leaf('Ext/Deep/End'),
  });
}

async function got(inOneGo: boolean, locUri: string, acls: Readonly<Record<string, string>>): Promise<readonly Item[]> {
  const kept = new MemoryNodeMap<string>();
  for (const [path, acl] of Object.entries(acls)) kept.set(path.split('/'), acl);
  const tree = createTree({ objects: [objectOf(inOneGo)], acls: kept });
  const command = { kind: 'Get', cmdId: '1', items: [{ target: { locUri } }] } as const;
  const items: Item[] = [];
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command])) {
    if (answer.kind === 'Results') items.push(...answer.items);
  }
  return items;
}

describe('nodes that are read in one go', () => {
  it.each([
    ['./T/a?list=StructData', {}, 6],
    ['./T?list=StructData', {}, 11],
    ['./T?list=Struct', {}, 11],
    ['./T/c?list=StructData', {}, 0],
    ['./T/a/Ext?list=StructData', {}, 4],
    ['./T/a?list=StructData', { 'T/a/Ext': 'Get=other' }, 2],
    ['./T/a?list=StructData', { 'T/a/Ext': 'Get=other', 'T/a/Ext/Deep': 'Get=srv' }, 2],
    ['./T/a?list=StructData', { 'T/a/Ext/Size': 'Get=other' }, 5],
    ['./T?list=StructData', { 'T/a': 'Get=other' }, 5],
    ['./T?list=TNDS', {}, 1],
  ])('object: answers a Get of %s with the ACLs %j as if they were read one by one', async (locUri, acls, count) => {
    const items = await got(true, locUri, acls);
    expect(items).toEqual(await got(false, locUri, acls));
    expect(items).toHaveLength(count);
  });
});
