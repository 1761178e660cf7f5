import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Caller } from '../../tree/management-object.ts';
import { DEV_DETAIL_NODES, DEV_INFO_NODES } from './dev-info.ts';
import { DEVICE_INVENTORY_NODES } from './device-inventory.ts';
import { DM_ACC_NODES } from './dm-acc.ts';
import { FAN_OUT_NODES } from './fan-out.ts';
import { GW_CONFIG_NODES } from './gw-config.ts';
import { type NodeTable, tableObject } from './node-table.ts';
import { RESULTS_NODES } from './results.ts';

const CALLER: Caller = { serverId: 'srv' };

const SHELVES = {
  '': { format: 'node', access: ['Get'], occurrence: 'One' },
  Count: { format: 'int', access: ['Get'], occurrence: 'One' },
  Shelf: { format: 'node', access: ['Get'], occurrence: 'One' },
  'Shelf/*': { format: 'node', access: ['Get', 'Add', 'Delete'], occurrence: 'ZeroOrMore' },
  'Shelf/*/Book': { format: 'chr', access: ['Get', 'Replace'], occurrence: 'ZeroOrOne' },
  'Shelf/*/Label': { format: 'chr', access: ['Get'], occurrence: 'One' },
} as const satisfies NodeTable;

async function* listed(names: Iterable<string>): AsyncIterable<string> {
  for (const name of names) yield await Promise.resolve(name);
}

async function namesOf(names: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const name of names) all.push(name);
  return all;
}

/** Shelves `a`, with a book, and `b`, without. */
function library() {
  const books = new Map<string, string | undefined>([
    ['a', 'Moby-Dick'],
    ['b', undefined],
  ]);
  return tableObject(['Lib'], SHELVES, {
    Count: { read: () => Promise.resolve(String(books.size)) },
    'Shelf/*': {
      exists: ([shelf]) => Promise.resolve(books.has(shelf)),
      list: () => listed(books.keys()),
      add: ([shelf]) => Promise.resolve(void books.set(shelf, undefined)),
      delete: ([shelf]) => Promise.resolve(void books.delete(shelf)),
    },
    'Shelf/*/Book': {
      read: ([shelf]) => Promise.resolve(books.get(shelf)),
      replace: ([shelf], { data }) => Promise.resolve(void books.set(shelf, String(data))),
    },
    'Shelf/*/Label': { read: ([shelf]) => Promise.resolve(`shelf ${shelf}`) },
  });
}

describe('object made of a node table', () => {
  it('object: says of a node what its row says', async () => {
    expect(await library().find(['Count'])).toEqual({
      format: 'int',
      type: 'text/plain',
      access: ['Get'],
      permanent: true,
    });
    expect(await library().find(['Shelf', 'a'])).toMatchObject({ format: 'node', type: '', permanent: false });
  });

  it('object: allows Add where a row below can be added', async () => {
    expect((await library().find(['Shelf']))?.access).toEqual(['Add', 'Get']);
    expect((await library().find(['Shelf', 'a']))?.access).toEqual(['Get', 'Delete']);
  });

  it.each([
    ['a name that the table lacks', ['Cellar']],
    ['a name below a leaf', ['Count', 'x']],
    ['an instance that is not there', ['Shelf', 'z']],
    ['a node below an instance that is not there', ['Shelf', 'z', 'Label']],
    ['an optional leaf without a value', ['Shelf', 'b', 'Book']],
  ])('object: has no node for %s', async (_, path) => {
    expect(await library().find(path)).toBeUndefined();
  });

  it('object: lists what is there, instances and leaves alike', async () => {
    const object = library();
    expect(await namesOf(object.children([]))).toEqual(['Count', 'Shelf']);
    expect(await namesOf(object.children(['Shelf']))).toEqual(['a', 'b']);
    expect(await namesOf(object.children(['Shelf', 'a']))).toEqual(['Book', 'Label']);
    expect(await namesOf(object.children(['Shelf', 'b']))).toEqual(['Label']);
  });

  it('object: reads, replaces, adds and deletes through the behaviour of the row', async () => {
    const object = library();
    const value = { format: 'chr', type: 'text/plain', data: 'Walden' } as const;
    await object.replace?.(['Shelf', 'b', 'Book'], value, CALLER);
    expect(await object.read(['Shelf', 'b', 'Book'])).toBe('Walden');
    await object.add?.(['Shelf', 'c'], { format: 'node', type: '', data: '' }, CALLER);
    await object.delete?.(['Shelf', 'a'], CALLER);
    expect(await namesOf(object.children(['Shelf']))).toEqual(['b', 'c']);
  });

  it('object: refuses what the row does not allow, and a wrong Format', async () => {
    const object = library();
    const value = { format: 'int', type: 'text/plain', data: '1' } as const;
    await expect(object.replace?.(['Count'], value, CALLER)).rejects.toMatchObject({ status: 405 });
    await expect(object.delete?.(['Shelf', 'a', 'Book'], CALLER)).rejects.toMatchObject({ status: 405 });
    await expect(object.exec?.(['Count'], { item: {}, correlator: undefined }, CALLER)).rejects.toMatchObject({
      status: 405,
    });
    await expect(object.replace?.(['Shelf', 'a', 'Book'], value, CALLER)).rejects.toMatchObject({ status: 415 });
    await expect(object.add?.(['Cellar'], value, CALLER)).rejects.toMatchObject({ status: 404 });
  });
});

describe('a long list', () => {
  it('gateway: gives others their turn while its nodes are read', async () => {
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    onTestFinished(() => clock.mockRestore());
    const object = tableObject(['Lib'], SHELVES, { 'Shelf/*': { list: () => listed(['a', 'b', 'c', 'd']) } });
    const seen: string[] = [];
    setImmediate(() => seen.push('other'));
    for await (const name of object.children(['Shelf'])) {
      seen.push(name);
      now += 6;
    }
    expect(seen).toEqual(['a', 'b', 'other', 'c', 'd']);
  });
});

describe('node tables of the gateway', () => {
  it.each(
    Object.entries<NodeTable>({
      GW_CONFIG_NODES,
      DEVICE_INVENTORY_NODES,
      FAN_OUT_NODES,
      RESULTS_NODES,
      DEV_INFO_NODES,
      DEV_DETAIL_NODES,
      DM_ACC_NODES,
    }),
  )('%s: has an interior row above every row, and a Type on interior rows only for an MO', (_, table) => {
    for (const [path, { format, type }] of Object.entries(table)) {
      const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
      expect(table[parent], `row above ${path}`).toMatchObject({ format: 'node' });
      if (format === 'node' && type !== undefined) expect(type).toMatch(/^urn:oma:mo:/);
    }
  });
});
