import { expect, it } from 'vitest';
import type { Item, RequestCommand } from '../protocol/message/message.ts';
import { itemsTogether } from './bulk.ts';
import type { ManagementObject } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree } from './tree.ts';

const NODE = { format: 'node', access: ['Get', 'Add'] } as const;
const TEMPLATE = objectTemplate(['V'], { '': NODE, Rows: NODE, 'Rows/old': NODE, Other: NODE });

const memory = new MemoryObject(TEMPLATE, undefined);
const object: ManagementObject = {
  root: memory.root,
  find: (path) => memory.find(path),
  children: (path) => memory.children(path),
  read: (path) => memory.read(path),
  isBulk: ([name, ...below]) => (name === 'Rows' || name === 'Missing') && below.length === 0,
};
const tree = createTree({ objects: [object] });

function item(locUri: string): Item {
  return { target: { locUri } };
}

async function together(kind: 'Add' | 'Get', ...locUris: readonly string[]): Promise<(string | undefined)[][]> {
  const command: RequestCommand = { kind, cmdId: '1', items: locUris.map(item) };
  const batches: (string | undefined)[][] = [];
  for await (const batch of itemsTogether(tree, command)) batches.push(batch.map(({ target }) => target?.locUri));
  return batches;
}

it('executor: executes Adds below different children of a bulk node together', async () => {
  expect(await together('Add', './V/Rows/1/A', 'V/Rows/2/A', './V/Rows/3')).toEqual([
    ['./V/Rows/1/A', 'V/Rows/2/A', './V/Rows/3'],
  ]);
});

it.each([
  ['two Adds below the same child', ['./V/Rows/1/A', './V/Rows/1/B']],
  ['Adds elsewhere', ['./V/Other/1', './V/Other/2']],
  ['Adds below a bulk node that the first of them makes', ['./V/Missing/1', './V/Missing/2']],
  ['what is malformed or a property', ['./V/Rows/%00', './V/Rows/2?prop=Title']],
  ['the bulk node itself', ['./V/Rows', './V/Rows']],
])('executor: executes %s one after the other', async (_, locUris) => {
  expect(await together('Add', ...locUris)).toEqual(locUris.map((locUri) => [locUri]));
});

it('executor: executes the Items of other commands one after the other, and no more than 64 Adds together', async () => {
  expect(await together('Get', './V/Rows/1', './V/Rows/2')).toHaveLength(2);
  const many = Array.from({ length: 100 }, (_value, index) => `./V/Rows/${index}`);
  expect((await together('Add', ...many)).map(({ length }) => length)).toEqual([64, 36]);
});
