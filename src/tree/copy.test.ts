import { beforeEach, describe, expect, it } from 'vitest';
import { DmError } from '../protocol/errors.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import type { ManagementObject } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const TEMPLATE = objectTemplate(['V'], {
  '': { format: 'node', access: ['Get', 'Add'] },
  Text: { format: 'chr', access: ['Get', 'Copy', 'Replace'], value: 'text' },
  Int: { format: 'int', access: ['Get', 'Replace'], value: '1' },
  Box: { format: 'node', access: ['Get', 'Add', 'Copy', 'Delete', 'Replace'] },
  'Box/In': { format: 'int', type: 'a/b', access: ['Get'], value: '7' },
  'Box/Sub/Leaf': { format: 'chr', access: ['Get'], value: 'leaf' },
  'Box/Secret': { format: 'chr', access: [], value: 'secret' },
  Shut: { format: 'node', access: ['Get'] },
});

let tree: Tree;
beforeEach(() => {
  tree = treeOf();
});

function treeOf(...more: readonly ManagementObject[]): Tree {
  return createTree({
    objects: [new MemoryObject(TEMPLATE, undefined, 10_000), ...more],
    rootAcl: 'Add=*&Delete=*&Exec=*&Get=*&Replace=*',
  });
}

async function copy(from: string, to: string): Promise<number> {
  const command: RequestCommand = {
    kind: 'Copy',
    cmdId: '1',
    items: [{ source: { locUri: from }, target: { locUri: to } }],
  };
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command])) {
    if (answer.kind === 'Status') return answer.code;
  }
  return 0;
}

async function values(locUri: string): Promise<Record<string, unknown>> {
  const command: RequestCommand = {
    kind: 'Get',
    cmdId: '1',
    items: [{ target: { locUri: `${locUri}?list=StructData` } }],
  };
  const all: [string, unknown][] = [];
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command])) {
    if (answer.kind === 'Status') continue;
    for (const { source, data } of answer.items) all.push([source?.locUri ?? '', data]);
  }
  return Object.fromEntries(all);
}

describe('Copy', () => {
  it('server: copies an interior node with what it may get below it', async () => {
    expect(await copy('./V/Box', './V/Twin')).toBe(200);
    expect(await values('./V/Twin')).toEqual({
      './V/Twin': undefined,
      './V/Twin/In': '7',
      './V/Twin/Sub': undefined,
      './V/Twin/Sub/Leaf': 'leaf',
    });
    expect(await tree.find(['V', 'Twin', 'In'])).toMatchObject({ format: 'int', type: 'a/b' });
  });

  it.each([
    ['an interior node to one that is there', './V/Box', './V/Shut', 418],
    ['an interior node to a leaf', './V/Box', './V/Text', 403],
    ['an interior node into itself', './V/Box', './V/Box/Twin', 403],
    ['an interior node to where nothing can be added', './V/Box', './V/Shut/Twin', 405],
    ['an interior node that cannot be copied', './V/Shut', './V/Box/Twin', 405],
    ['a leaf to an interior node', './V/Text', './V/Box', 403],
    ['a leaf to a leaf of another Format', './V/Text', './V/Int', 415],
  ])('device: refuses to copy %s', async (_, from, to, code) => {
    const before = await values('./V');
    expect(await copy(from, to)).toBe(code);
    expect(await values('./V')).toEqual(before);
  });

  it('device: refuses without Get on the source or Add at the target, and where there is no room', async () => {
    const before = await values('./V');
    await tree.acls.set(['V', 'Text'], 'Replace=srv');
    expect(await copy('./V/Text', './V/Box/New')).toBe(425);
    await tree.acls.set(['V', 'Text'], undefined);
    await tree.acls.set(['V'], 'Get=srv&Replace=srv');
    expect(await copy('./V/Box', './V/Twin')).toBe(425);
    await tree.acls.set(['V'], undefined);
    const small = new MemoryObject(TEMPLATE, undefined, 700);
    tree = createTree({ objects: [small], rootAcl: 'Add=*&Get=*&Replace=*' });
    expect(await copy('./V/Box', './V/Twin')).toBe(420);
    expect(await values('./V')).toEqual(before);
  });

  it('device: answers 510 when its store fails', async () => {
    tree = treeOf({
      root: ['S'],
      find: () => Promise.resolve({ format: 'chr', type: 'text/plain', access: ['Replace'], permanent: true }),
      async *children() {
        // None.
      },
      read: () => Promise.resolve(''),
      replace: () => Promise.reject(new DmError('STORE_WRITE', 'no space left')),
    });
    expect(await copy('./V/Text', './S')).toBe(510);
  });
});
