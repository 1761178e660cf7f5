import { beforeEach, describe, expect, it } from 'vitest';
import type { Data, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const TEMPLATE = objectTemplate(['V'], {
  '': { format: 'node', access: ['Get', 'Add'] },
  Text: { format: 'chr', access: ['Get', 'Replace'], value: 'text' },
  Box: { format: 'node', access: ['Get', 'Add', 'Delete', 'Replace'] },
  'Box/In': { format: 'chr', access: ['Get', 'Delete', 'Replace'], value: 'in' },
  'Box/Do': { format: 'null', access: ['Exec'], exec: () => ({ status: 202 }) },
  Other: { format: 'node', access: ['Get', 'Delete'] },
});

let tree: Tree;
beforeEach(() => {
  tree = createTree({
    objects: [new MemoryObject(TEMPLATE, undefined)],
    rootAcl: 'Add=*&Delete=*&Exec=*&Get=*&Replace=*',
    uriLimits: { maxDepth: 4, maxUriBytes: 100, maxNameBytes: 8 },
  });
});

async function run(kind: 'Add' | 'Delete' | 'Exec' | 'Get' | 'Replace', locUri: string, data?: Data) {
  const command: RequestCommand = { kind, cmdId: '1', items: [{ target: { locUri }, data }] };
  const said: unknown[] = [];
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command])) {
    said.push(answer.kind === 'Status' ? answer.code : answer.items[0]?.data);
  }
  return said;
}

describe('rename', () => {
  it('server: gives a node another name, with all below it, their values and ACLs', async () => {
    await run('Add', './V/Box/Own', 'own');
    await run('Replace', './V/Box/In', 'changed');
    await tree.acls.set(['V', 'Box', 'In'], 'Get=srv');
    expect(await run('Replace', './V/Box?prop=Name', 'Chest')).toEqual([200]);
    expect(await run('Get', './V')).toEqual([200, 'Text/Other/Chest']);
    expect(await run('Get', './V/Chest')).toEqual([200, 'In/Do/Own']);
    expect(await run('Get', './V/Chest/In')).toEqual([200, 'changed']);
    expect(await run('Exec', './V/Chest/Do')).toEqual([202]);
    expect(await run('Get', './V/Chest?prop=Name')).toEqual([200, 'Chest']);
    expect(await tree.acls.get(['V', 'Chest', 'In'])).toBe('Get=srv');
    expect(await tree.acls.get(['V', 'Box', 'In'])).toBeUndefined();
    expect(await run('Get', './V/Box')).toEqual([404]);
    expect(await run('Add', './V/Box/New', 'x')).toEqual([200]);
    expect(await run('Get', './V/Box')).toEqual([200, 'New']);
    expect(await run('Delete', './V/Chest')).toEqual([200]);
    expect(await run('Get', './V')).toEqual([200, 'Text/Box/Other']);
  });

  it('server: gives a name back', async () => {
    await run('Replace', './V/Box?prop=Name', 'Chest');
    expect(await run('Replace', './V/Chest?prop=Name', 'Box')).toEqual([200]);
    expect(await run('Get', './V/Box/In')).toEqual([200, 'in']);
  });

  it.each<[string, Data | undefined, number]>([
    ['./V/Text', 'New', 405],
    ['./V', 'New', 405],
    ['.', 'New', 405],
    ['./V/Nothing', 'New', 404],
    ['./V/Other', 'New', 405],
    ['./V/Box', 'Text', 418],
    ['./V/Box', 'Box', 200],
    ['./V/Box', 'a/b', 400],
    ['./V/Box', '..', 400],
    ['./V/Box', '', 400],
    ['./V/Box', undefined, 400],
    ['./V/Box', Uint8Array.of(65), 400],
    ['./V/Box', 'too long a name', 414],
  ])('device: answers a rename of %s to %j with %i', async (locUri, name, code) => {
    expect(await run('Replace', `${locUri}?prop=Name`, name)).toEqual([code]);
  });

  it('device: wants the right to Replace the node', async () => {
    await tree.acls.set(['V', 'Box'], 'Get=srv');
    expect(await run('Replace', './V/Box?prop=Name', 'New')).toEqual([425]);
  });

  it('device: holds a tree to its own limits', async () => {
    expect(await run('Get', './V/Box/a/b/c')).toEqual([414]);
    expect(await run('Get', './V/longer-than-8')).toEqual([414]);
    expect(await run('Add', './V/Box/a/b', 'x')).toEqual([200]);
  });

  it('device: understands escapes, and escapes what it lists', async () => {
    expect(await run('Add', './V/Box/a%20b', 'x')).toEqual([200]);
    expect(await run('Add', './V/Box/5%25', 'y')).toEqual([200]);
    expect(await run('Get', './V/Box/a b')).toEqual([200, 'x']);
    expect(await run('Get', './V/Box')).toEqual([200, 'In/Do/a b/5%25']);
  });
});
