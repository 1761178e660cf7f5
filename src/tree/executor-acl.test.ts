import { beforeEach, describe, expect, it } from 'vitest';
import type { Item, RequestCommand } from '../protocol/message/message.ts';
import { MemoryNodeMap } from './node-map.ts';
import { executeCommands } from './executor.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const EVERYTHING = ['Add', 'Copy', 'Delete', 'Exec', 'Get', 'Replace'] as const;
const LEAF = { format: 'chr', access: EVERYTHING, value: 'value' } as const;
const INTERIOR = { format: 'node', access: EVERYTHING } as const;

/** The example of the standard, with a leaf that is executed. [TND 7.7.1] */
const TEMPLATE = objectTemplate([], {
  '': INTERIOR,
  NodeA: INTERIOR,
  'NodeA/Node1': LEAF,
  NodeB: INTERIOR,
  'NodeB/Node2': LEAF,
  'NodeB/Node3': INTERIOR,
  'NodeB/Node3/Node4': LEAF,
  'NodeB/Node3/Node5': LEAF,
  Run: { format: 'null', access: EVERYTHING, exec: () => ({ status: 200 }) },
});

const ACLS: Readonly<Record<string, string>> = {
  NodeA: 'Get=ServerC&Replace=ServerC',
  'NodeA/Node1': 'Get=*',
  NodeB: 'Get=ServerA&Replace=ServerA',
  'NodeB/Node3': 'Get=ServerB&Replace=ServerB&Delete=ServerB',
  'NodeB/Node3/Node5': 'Get=ServerA&Replace=ServerA&Get=ServerB',
};

let tree: Tree;
beforeEach(() => {
  const acls = new MemoryNodeMap<string>();
  for (const [path, acl] of Object.entries(ACLS)) acls.set(path.split('/'), acl);
  tree = createTree({ objects: [new MemoryObject(TEMPLATE, undefined)], acls });
});

async function answer(serverId: string, command: RequestCommand): Promise<[code: number, data: unknown]> {
  let code = 0;
  let data: unknown;
  for await (const reply of executeCommands(tree, { serverId }, '1', [command])) {
    if (reply.kind === 'Status') code = reply.code;
    else data = reply.items[0]?.data;
  }
  return [code, data];
}

async function codeOf(serverId: string, kind: 'Add' | 'Copy' | 'Delete' | 'Exec' | 'Get' | 'Replace', locUri: string) {
  const item: Item = {
    target: { locUri },
    source: { locUri: './NodeA/Node1' },
    data: locUri.includes('ACL') ? 'Get=*' : 'x',
  };
  return (await answer(serverId, { kind, cmdId: '1', items: [item] }))[0];
}

async function read(serverId: string, locUri: string) {
  return answer(serverId, { kind: 'Get', cmdId: '1', items: [{ target: { locUri } }] });
}

describe('executor: the ACL example of the standard', () => {
  it.each([
    ['ServerA', 'Get', 'NodeA/Node1', 200],
    ['ServerX', 'Get', 'NodeA/Node1', 200],
    ['ServerC', 'Replace', 'NodeA/Node1?prop=ACL', 200],
    ['ServerA', 'Replace', 'NodeA/Node1?prop=ACL', 425],
    ['ServerA', 'Delete', 'NodeA/Node1', 425],
    ['ServerB', 'Delete', 'NodeA/Node1', 425],
    ['ServerC', 'Delete', 'NodeA/Node1', 425],
    ['ServerA', 'Replace', 'NodeA/Node1', 425],
    ['ServerC', 'Replace', 'NodeA/Node1', 425],
    ['ServerA', 'Get', 'NodeB/Node2', 200],
    ['ServerB', 'Get', 'NodeB/Node2', 425],
    ['ServerB', 'Get', 'NodeB/Node3/Node4', 200],
    ['ServerA', 'Get', 'NodeB/Node3/Node4', 425],
    ['ServerA', 'Replace', 'NodeB/Node3/Node5', 200],
    ['ServerB', 'Replace', 'NodeB/Node3/Node5', 425],
    ['ServerB', 'Get', 'NodeB/Node3/Node5', 200],
    ['ServerA', 'Replace', 'NodeB/Node3?prop=ACL', 200],
    ['ServerB', 'Replace', 'NodeB/Node3?prop=ACL', 200],
    ['ServerC', 'Replace', 'NodeB/Node3?prop=ACL', 425],
    ['ServerA', 'Replace', 'NodeB/Node3/Node5?prop=ACL', 425],
    ['ServerB', 'Replace', 'NodeB/Node3/Node5?prop=ACL', 200],
    ['ServerB', 'Delete', 'NodeB/Node3', 200],
    ['ServerA', 'Delete', 'NodeB/Node3', 425],
    ['ServerX', 'Exec', 'Run', 425],
    ['ServerX', 'Add', 'New', 200],
    ['ServerX', 'Add', 'NodeA/New', 425],
    ['ServerC', 'Add', 'NodeA/New', 425],
    ['ServerA', 'Copy', 'NodeB/Node3/Node5', 200],
    ['ServerB', 'Copy', 'NodeB/Node3/Node5', 425],
    ['ServerX', 'Copy', 'Copied', 200],
  ] as const)('%s, %s of %s: %i', async (serverId, kind, path, code) => {
    expect(await codeOf(serverId, kind, `./${path}`)).toBe(code);
  });

  it('shows the own ACL of a node, not the one it inherits', async () => {
    expect(await read('ServerA', './NodeA/Node1?prop=ACL')).toEqual([200, 'Get=*']);
    expect(await read('ServerB', './NodeB/Node3/Node4?prop=ACL')).toEqual([200, '']);
    expect(await read('ServerB', './NodeB?prop=ACL')).toEqual([425, undefined]);
  });

  it('refuses first what is not there, then what the node does not allow, then what the ACL denies', async () => {
    expect(await codeOf('ServerX', 'Get', './NodeB/Nothing')).toBe(404);
    expect(await codeOf('ServerX', 'Delete', './NodeB')).toBe(425);
    expect(await codeOf('ServerX', 'Delete', '.')).toBe(405);
  });
});

describe('executor: the ACL of a new node', () => {
  const add = (serverId: string, locUri: string, format: string): Promise<[number, unknown]> =>
    answer(serverId, { kind: 'Add', cmdId: '1', items: [{ target: { locUri }, meta: { format }, data: '' }] });

  it('gives a server that may not replace the parent rights on its interior node', async () => {
    expect(await add('ServerX', './Mine/Sub/Leaf', 'chr')).toEqual([200, undefined]);
    expect(tree.acls.get(['Mine'])).toBe('Add=ServerX&Delete=ServerX&Replace=ServerX');
    expect(tree.acls.get(['Mine', 'Sub'])).toBeUndefined();
    expect(tree.acls.get(['Mine', 'Sub', 'Leaf'])).toBeUndefined();
    expect(await add('ServerY', './Mine/More', 'chr')).toEqual([425, undefined]);
  });

  it('is empty for a leaf, and where the server may replace the parent', async () => {
    expect(await add('ServerX', './Leaf', 'chr')).toEqual([200, undefined]);
    expect(tree.acls.get(['Leaf'])).toBeUndefined();
    await tree.acls.set(['NodeA'], 'Add=ServerC&Replace=ServerC');
    expect(await add('ServerC', './NodeA/Sub', 'node')).toEqual([200, undefined]);
    expect(tree.acls.get(['NodeA', 'Sub'])).toBeUndefined();
  });
});
