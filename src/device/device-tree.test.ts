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
      { './Vendor/Demo': 'Label/Serial/Resets/Reset/Update' },
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

  it('device: accepts an update, which goes on after the answer', async () => {
    const tree = new DeviceTree(ID);
    expect(await run(tree, command('Exec', './Vendor/Demo/Update'))).toEqual([202]);
    expect(tree.updates.pending).toHaveLength(1);
    expect(await run(tree, command('Get', './Vendor/Demo/Update'))).toEqual([405]);
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
    expect(await run(tree, command('Get', '.'))).toEqual([200, { '.': 'DevInfo/DMAcc/Inbox' }]);
    expect((await tree.devInfo()).map(({ source }) => source?.locUri)).not.toContain('./DevInfo/Mod');
  });

  it('device: resets without making a label that it lacks', async () => {
    const tree = new DeviceTree(ID, ['./Vendor/Demo/Label']);
    expect(await run(tree, command('Exec', './Vendor/Demo/Reset'))).toEqual([200]);
    expect(await run(tree, command('Get', './Vendor/Demo/Label'))).toEqual([404]);
  });

  it('device: takes an account through its inbox, and never tells the secrets in it', async () => {
    const tree = new DeviceTree(ID);
    const leaf = (name: string, value: string, format = 'chr') =>
      `<Node><NodeName>${name}</NodeName><RTProperties><Format><${format}/></Format><Type><MIME>text/plain</MIME></Type>` +
      `</RTProperties><Value>${value}</Value></Node>`;
    const account = (type: string, name = '') =>
      `<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>${name}</NodeName><RTProperties><Format><node/>` +
      `</Format><Type><DDFName>${type}</DDFName></Type></RTProperties>${leaf('AppID', 'w7')}${leaf('ServerID', 'srv')}` +
      `<Node><NodeName>AppAuth</NodeName><Node><NodeName>1</NodeName>${leaf('AAuthLevel', 'CLCRED')}` +
      `${leaf('AAuthSecret', 'hunter2')}${leaf('AAuthData', 'bm9uY2U=', 'b64')}</Node></Node></Node></MgmtTree>`;
    const add = (data: string): RequestCommand => ({
      kind: 'Add',
      cmdId: '1',
      items: [{ target: { locUri: './Inbox' }, meta: { type: 'application/vnd.syncml.dmtnds+xml' }, data }],
    });
    const dmAcc = 'urn:oma:mo:oma-dm-dmacc:1.0';
    expect(await run(tree, add(account(dmAcc)), add(account(dmAcc, 'two')), add(account(dmAcc, 'two')))).toEqual([
      200, 200, 418,
    ]);
    expect(await run(tree, add(account('urn:oma:mo:unknown:1.0')))).toEqual([415]);
    expect(await run(tree, command('Get', './DMAcc'))).toEqual([200, { './DMAcc': '1/two' }]);
    const [, listed] = await run(tree, command('Get', './DMAcc/1?list=StructData'));
    expect(listed).toMatchObject({ './DMAcc/1/ServerID': 'srv', './DMAcc/1/AppAuth/1/AAuthLevel': 'CLCRED' });
    expect(JSON.stringify(listed)).not.toMatch(/AAuthSecret|AAuthData|hunter2/);
    expect(await run(tree, command('Get', './DMAcc/1/AppAuth/1/AAuthSecret'))).toEqual([405]);
    expect(await run(tree, command('Replace', './DMAcc/1/AppAuth/1/AAuthSecret', 'new'))).toEqual([200]);
    expect(await run(tree, command('Delete', './DMAcc/two'))).toEqual([200]);
  });

  it.each([
    ['Get', './Inbox', 405],
    ['Get', './Inbox?list=StructData', 405],
    ['Get', './Inbox?prop=Type', 405],
    ['Add', './Inbox/x', 405],
    ['Replace', './Inbox', 405],
    ['Delete', './Inbox', 405],
    ['Exec', './Inbox', 405],
  ] as const)('device: answers %s of %s with 405: its inbox is for Add alone', async (kind, locUri, code) => {
    expect(await run(new DeviceTree(ID), command(kind, locUri, kind === 'Add' ? 'x' : undefined))).toEqual([code]);
  });

  it('device: adds to an account only what its description has, and no more accounts than it says', async () => {
    const tree = new DeviceTree(ID);
    expect(await run(tree, command('Add', './DMAcc/1/Colour', 'red'))).toEqual([405]);
    expect(await run(tree, command('Add', './DMAcc/1', 'red'))).toEqual([415]);
    expect(await run(tree, command('Get', './DMAcc'))).toEqual([200, { './DMAcc': '' }]);
    const adds = Array.from({ length: 9 }, (_, n) => command('Add', `./DMAcc/${n}/AppID`, 'w7'));
    expect(await run(tree, ...adds)).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 405]);
  });

  it('user: answers by the default response, and else as simulated', async () => {
    const tree = new DeviceTree(ID);
    const ask = (code: number, ...texts: string[]): RequestCommand => ({
      kind: 'Alert',
      cmdId: '1',
      code,
      items: texts.map((data) => ({ data })),
    });
    const answers: unknown[] = [];
    const questions = [
      ask(1100, '', 'Hello'),
      ask(1101, '', 'Sure?'),
      ask(1101, 'DR=0', 'Sure?'),
      ask(1102, 'DR=Ada', 'Name?'),
      ask(1103, '', 'Which?', 'a', 'b'),
      ask(1104, 'DR=1-2-9', 'Which?', 'a', 'b'),
    ];
    for await (const answer of tree.execute('gateway', '1', questions)) {
      if (answer.kind === 'Status') answers.push([answer.code, ...answer.items.map(({ data }) => data)]);
    }
    expect(answers).toEqual([[200], [200], [304], [200, 'Ada'], [200, '1'], [200, '1', '2']]);
  });
});
