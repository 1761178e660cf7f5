import { describe, expect, it } from 'vitest';
import type { Item, Meta, RequestCommand } from '../protocol/message/message.ts';
import { DeviceTree } from './device-tree.ts';

const ID = 'urn:dev:demo:7';

function command(kind: 'Add' | 'Delete' | 'Exec' | 'Get' | 'Replace', locUri: string, data?: string): RequestCommand {
  const meta: Meta | undefined = data === undefined ? undefined : { format: 'chr', type: 'text/plain' };
  return { kind, cmdId: '1', items: [{ target: { locUri }, meta, data }] };
}

/** Status code, and the values of the Results by their LocURI. */
async function run(tree: DeviceTree, ...commands: RequestCommand[]): Promise<(number | Record<string, unknown>)[]> {
  const said: (number | Record<string, unknown>)[] = [];
  for await (const answer of tree.execute('gateway', '1', commands)) {
    said.push(answer.kind === 'Status' ? answer.code : values(answer.items));
  }
  return said;
}

function values(items: readonly Item[]): Record<string, unknown> {
  return Object.fromEntries(items.map(({ source, data }) => [source?.locUri ?? '', data]));
}

describe('device tree', () => {
  it('device: answers its own values and those it shares', async () => {
    const tree = new DeviceTree(ID);
    expect(await run(tree, command('Get', './DevInfo/DevId'))).toEqual([200, { './DevInfo/DevId': ID }]);
    expect(await run(tree, command('Get', './DevInfo/Mod'))).toEqual([200, { './DevInfo/Mod': 'Demo Device 7' }]);
    expect(await run(tree, command('Get', './DevDetail/LrgObj'))).toEqual([200, { './DevDetail/LrgObj': 'true' }]);
    expect(await run(tree, command('Get', './Vendor/Demo'))).toEqual([
      200,
      { './Vendor/Demo': 'Label/Serial/Resets/Reset' },
    ]);
  });

  it('device: has a software version and a serial number of its own, the same at each start', async () => {
    const versionOf = (id: string) => run(new DeviceTree(id), command('Get', './DevDetail/SwV'));
    const serialOf = (id: string) => run(new DeviceTree(id), command('Get', './Vendor/Demo/Serial'));
    expect(await versionOf(ID)).toEqual(await versionOf(ID));
    expect(await versionOf(ID)).not.toEqual(await versionOf('urn:dev:demo:8'));
    expect(await serialOf(ID)).not.toEqual(await serialOf('urn:dev:demo:8'));
  });

  it('device: tells DevInfo in the order of the standard', async () => {
    const items = await new DeviceTree(ID).devInfo();
    expect(items.map(({ source, data }) => [source?.locUri, data])).toEqual([
      ['./DevInfo/DevId', ID],
      ['./DevInfo/Man', 'oma-dm-gateway'],
      ['./DevInfo/Mod', 'Demo Device 7'],
      ['./DevInfo/DmV', '1.2'],
      ['./DevInfo/Lang', 'en'],
    ]);
    expect(items[0]?.meta).toEqual({ format: 'chr', type: 'text/plain' });
  });

  it('device: keeps what a server writes, and another device is as it was', async () => {
    const tree = new DeviceTree(ID);
    expect(await run(tree, command('Replace', './Vendor/Demo/Label', 'hall 3'))).toEqual([200]);
    expect(await run(tree, command('Add', './Vendor/Demo/Net/Name', 'plant'))).toEqual([200]);
    expect(await run(tree, command('Get', './Vendor/Demo/Label'))).toEqual([200, { './Vendor/Demo/Label': 'hall 3' }]);
    expect(await run(tree, command('Get', './Vendor/Demo/Net/Name'))).toEqual([
      200,
      { './Vendor/Demo/Net/Name': 'plant' },
    ]);
    expect(await run(tree, command('Delete', './Vendor/Demo/Net'))).toEqual([200]);
    expect(await run(tree, command('Get', './Vendor/Demo/Net/Name'))).toEqual([404]);
    const other = new DeviceTree('urn:dev:demo:8');
    expect(await run(other, command('Get', './Vendor/Demo/Label'))).toEqual([
      200,
      { './Vendor/Demo/Label': 'as delivered' },
    ]);
  });

  it('device: counts its resets and puts the label back', async () => {
    const tree = new DeviceTree(ID);
    await run(tree, command('Replace', './Vendor/Demo/Label', 'hall 3'));
    const reset = command('Exec', './Vendor/Demo/Reset');
    expect(await run(tree, reset, reset)).toEqual([200, 200]);
    expect(await run(tree, command('Get', './Vendor/Demo/Resets'), command('Get', './Vendor/Demo/Label'))).toEqual([
      200,
      { './Vendor/Demo/Resets': '2' },
      200,
      { './Vendor/Demo/Label': 'as delivered' },
    ]);
  });

  it('device: refuses writes to what it is', async () => {
    const tree = new DeviceTree(ID);
    expect(await run(tree, command('Replace', './DevInfo/DevId', 'other'))).toEqual([405]);
    expect(await run(tree, command('Delete', './Vendor/Demo/Label'))).toEqual([405]);
    expect(await run(tree, command('Exec', './Vendor/Demo/Label'))).toEqual([405]);
  });

  it('device: has no node that it lacks, nor any below it, nor above it one of its own', async () => {
    const lacks = ['./DevInfo/Mod', './DevDetail', './Vendor', './NoSuch/Node'];
    const tree = new DeviceTree(ID, lacks);
    for (const locUri of ['./DevInfo/Mod', './DevDetail', './DevDetail/URI/MaxDepth', './Vendor', './Vendor/Demo']) {
      expect(await run(tree, command('Get', locUri)), locUri).toEqual([404]);
    }
    expect(await run(tree, command('Exec', './Vendor/Demo/Reset'))).toEqual([404]);
    expect(await run(tree, command('Get', '.'))).toEqual([200, { '.': 'DevInfo' }]);
    expect((await tree.devInfo()).map(({ source }) => source?.locUri)).not.toContain('./DevInfo/Mod');
  });

  it('device: resets without making a label that it lacks', async () => {
    const tree = new DeviceTree(ID, ['./Vendor/Demo/Label']);
    expect(await run(tree, command('Exec', './Vendor/Demo/Reset'))).toEqual([200]);
    expect(await run(tree, command('Get', './Vendor/Demo/Label'))).toEqual([404]);
  });
});
