import { describe, expect, it } from 'vitest';
import type { NodeValue, Path } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';

interface Device {
  readonly id: string;
}

const TEMPLATE = objectTemplate<Device>(['Vendor'], {
  '': { format: 'node', type: 'urn:example:vendor', access: ['Get', 'Add'] },
  Id: { format: 'chr', access: ['Get'], value: ({ id }) => id },
  'Settings/Interval': { format: 'int', access: ['Get', 'Replace'], value: '60' },
  'Settings/Key': { format: 'bin', type: 'application/octet-stream', access: ['Get'], value: Uint8Array.of(1, 2) },
  Apps: { format: 'node', access: ['Get', 'Add'] },
  'Apps/Old': { format: 'node', access: ['Get', 'Delete'] },
  'Apps/Old/Name': { format: 'chr', access: ['Get'], value: 'old' },
  Reboot: {
    format: 'null',
    access: ['Exec'],
    exec: ({ id }, { correlator }) => ({ status: 202, data: `${id} ${correlator ?? ''}` }),
  },
});

const CALLER = { serverId: 'srv' };
const INTERIOR: NodeValue = { format: 'node', type: '', data: '' };

function chr(data: string): NodeValue {
  return { format: 'chr', type: 'text/plain', data };
}

function device(id = 'd1', maxChangedBytes?: number): MemoryObject<Device> {
  return new MemoryObject(TEMPLATE, { id }, maxChangedBytes);
}

async function namesAt(object: MemoryObject<Device>, path: Path): Promise<string[]> {
  const names: string[] = [];
  for await (const name of object.children(path)) names.push(name);
  return names;
}

describe('MemoryObject', () => {
  it('shows the template, with what each device says of itself', async () => {
    const [one, two] = [device('d1'), device('d2')];
    expect(one.root).toEqual(['Vendor']);
    expect(await one.find([])).toEqual({
      format: 'node',
      type: 'urn:example:vendor',
      access: ['Get', 'Add'],
      permanent: true,
    });
    expect(await one.find(['Settings'])).toEqual({ format: 'node', type: '', access: ['Get'], permanent: true });
    expect(await one.find(['Apps', 'Old'])).toMatchObject({ permanent: false });
    expect(await one.find(['Nothing'])).toBeUndefined();
    expect(await one.find(['Id', 'Below'])).toBeUndefined();
    expect(await namesAt(one, [])).toEqual(['Id', 'Settings', 'Apps', 'Reboot']);
    expect([await one.read(['Id']), await two.read(['Id'])]).toEqual(['d1', 'd2']);
    expect(await one.read(['Settings', 'Key'])).toEqual(Uint8Array.of(1, 2));
  });

  it('keeps a new value to the device it was written to', async () => {
    const [one, two] = [device(), device()];
    await one.replace(['Settings', 'Interval'], { format: 'int', type: 'text/plain', data: '5' });
    expect([await one.read(['Settings', 'Interval']), await two.read(['Settings', 'Interval'])]).toEqual(['5', '60']);
    await one.replace(['Id'], { format: 'chr', type: 'text/x', data: 'new' });
    expect(await one.find(['Id'])).toMatchObject({ format: 'chr', type: 'text/x', permanent: true });
  });

  it('refuses a value of another Format', async () => {
    await expect(device().replace(['Settings', 'Interval'], chr('5'))).rejects.toMatchObject({ status: 415 });
  });

  it('holds what was added until it is deleted', async () => {
    const one = device();
    await one.add(['Apps', 'New'], INTERIOR);
    await one.add(['Apps', 'New', 'Name'], chr('x'));
    expect(await namesAt(one, ['Apps'])).toEqual(['Old', 'New']);
    expect(await one.find(['Apps', 'New', 'Name'])).toEqual({
      format: 'chr',
      type: 'text/plain',
      access: ['Copy', 'Delete', 'Get', 'Replace'],
      permanent: false,
    });
    await one.delete(['Apps', 'New']);
    expect(await namesAt(one, ['Apps'])).toEqual(['Old']);
    expect(await one.find(['Apps', 'New', 'Name'])).toBeUndefined();
  });

  it('hides what the template has below a deleted node, also when the node is added again', async () => {
    const one = device();
    await one.delete(['Apps', 'Old']);
    expect(await namesAt(one, ['Apps'])).toEqual([]);
    expect(await one.find(['Apps', 'Old', 'Name'])).toBeUndefined();
    await one.add(['Apps', 'Old'], INTERIOR);
    expect(await namesAt(one, ['Apps'])).toEqual(['Old']);
    expect(await namesAt(one, ['Apps', 'Old'])).toEqual([]);
    expect(await device().find(['Apps', 'Old', 'Name'])).toBeDefined();
  });

  it('can be told to lack nodes, even permanent ones', async () => {
    const one = device();
    one.remove(['Settings']);
    expect(await one.find(['Settings', 'Interval'])).toBeUndefined();
    await expect(one.read(['Settings', 'Interval'])).rejects.toMatchObject({ status: 404 });
    expect(await namesAt(one, [])).toEqual(['Id', 'Apps', 'Reboot']);
  });

  it('executes what the template says, for the device it is', async () => {
    const request = { item: {}, correlator: 'c' };
    expect(await device('d7').exec(['Reboot'], request, CALLER)).toEqual({ status: 202, data: 'd7 c' });
    await expect(device().exec(['Id'], request, CALLER)).rejects.toMatchObject({ status: 405 });
  });

  it('refuses what does not fit any more, and takes a value in the place of another', async () => {
    const one = device('d1', 2_000);
    await one.add(['Apps', 'A'], chr('x'.repeat(1_000)));
    await expect(one.add(['Apps', 'B'], chr('x'.repeat(500)))).rejects.toMatchObject({ status: 420 });
    await one.replace(['Apps', 'A'], chr('y'.repeat(1_100)));
    await one.delete(['Apps', 'A']);
    await one.add(['Apps', 'B'], chr('x'.repeat(500)));
    expect(await namesAt(one, ['Apps'])).toEqual(['Old', 'B']);
  });
});

describe('objectTemplate', () => {
  it.each(['A//B', '/A', 'A/'])('refuses the path %j', (path) => {
    expect(() => objectTemplate([], { [path]: { format: 'chr', access: ['Get'] } })).toThrow(/empty name/);
  });

  it('refuses nodes below a leaf', () => {
    const leaf = { format: 'chr', access: ['Get'] } as const;
    expect(() => objectTemplate([], { A: leaf, 'A/B': leaf })).toThrow(/below the leaf/);
  });
});
