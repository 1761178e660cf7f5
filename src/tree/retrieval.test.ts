import { describe, expect, it } from 'vitest';
import type { Data, Item } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree } from './tree.ts';

const TEMPLATE = objectTemplate(['V'], {
  Text: { format: 'chr', access: ['Get'], value: 'text' },
  Int: { format: 'int', access: ['Get'], value: '1' },
  'Box/In': { format: 'chr', access: ['Get'], value: 'in' },
});

/** What a server gets that takes values of two characters at most. */
async function get(locUri: string): Promise<{ readonly code: number; readonly items: readonly Item[] }> {
  const tree = createTree({ objects: [new MemoryObject(TEMPLATE, undefined)] });
  const fits = (data: Data): boolean => data.length < 3;
  const items: Item[] = [];
  let code = 0;
  const command = { kind: 'Get', cmdId: '1', items: [{ target: { locUri } }] } as const;
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command], { fits })) {
    if (answer.kind === 'Status') code = answer.code;
    else items.push(...answer.items);
  }
  return { code, items };
}

describe('values that are larger than the server takes', () => {
  it.each([
    ['./V/Text', 413],
    ['./V/Int', 200],
    ['./V', 413],
    ['./V/Box', 200],
    ['./V/Text?prop=Type', 413],
    ['./V?list=TNDS', 413],
  ])('tree: answers a Get of %s with %i', async (locUri, expected) => {
    const { code, items } = await get(locUri);
    expect(code).toBe(expected);
    expect(items).toHaveLength(expected === 200 ? 1 : 0);
  });

  it('tree: leaves them out of a list, and lists every node without data', async () => {
    const names = async (list: string) => (await get(`./V?list=${list}`)).items.map(({ source }) => source?.locUri);
    expect(await names('StructData')).toEqual(['./V', './V/Int', './V/Box', './V/Box/In']);
    expect(await names('Struct')).toEqual(['./V', './V/Text', './V/Int', './V/Box', './V/Box/In']);
  });
});
