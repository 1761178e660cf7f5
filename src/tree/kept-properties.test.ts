import { beforeEach, describe, expect, it } from 'vitest';
import type { Data, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import { MemoryObject } from './memory-object.ts';
import { MemoryProperties } from './memory-properties.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const TEMPLATE = objectTemplate(['V'], {
  '': { format: 'node', access: ['Get', 'Add'] },
  Text: { format: 'chr', access: ['Get', 'Replace'], value: 'text' },
  Fixed: { format: 'chr', access: ['Get'], value: 'fixed' },
  Box: { format: 'node', access: ['Get', 'Add', 'Delete', 'Replace'] },
  'Box/In': { format: 'chr', access: ['Get', 'Delete', 'Replace'], value: 'in' },
});
/** 2001-07-11, 16:38:17 UTC. */
const T0 = 994_869_497_000;

let store: MemoryProperties;
let now: number;
let tree: Tree;
beforeEach(() => {
  store = new MemoryProperties();
  now = T0;
  tree = createTree({
    objects: [new MemoryObject(TEMPLATE, undefined)],
    properties: { store, now: () => now },
    rootAcl: 'Add=*&Delete=*&Exec=*&Get=*&Replace=*',
  });
});

type Kind = 'Add' | 'Delete' | 'Get' | 'Replace';

function command(kind: Kind, locUri: string, data?: Data, type?: string): RequestCommand {
  return { kind, cmdId: '1', items: [{ target: { locUri }, meta: { type }, data }] };
}

async function run(...commands: readonly RequestCommand[]): Promise<readonly unknown[]> {
  const said: unknown[] = [];
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', commands)) {
    said.push(answer.kind === 'Status' ? answer.code : answer.items[0]?.data);
  }
  return said;
}

/** Title, TStamp and VerNo as Get brings them. */
async function propertiesOf(locUri: string): Promise<readonly unknown[]> {
  const said = await Promise.all(
    ['Title', 'TStamp', 'VerNo'].map((name) => run(command('Get', `${locUri}?prop=${name}`))),
  );
  return said.map(([code, data]) => (code === 200 ? data : code));
}

describe('Title, TStamp and VerNo', () => {
  it('tree: tells the time and the number of the changes of a leaf', async () => {
    expect(await propertiesOf('./V/Text')).toEqual(['', '', '0']);
    await run(command('Replace', './V/Text', 'one'));
    expect(await propertiesOf('./V/Text')).toEqual(['', '20010711T163817Z', '1']);
    now += 62_999;
    await run(command('Replace', './V/Text', 'two'));
    expect(await propertiesOf('./V/Text')).toEqual(['', '20010711T163919Z', '2']);
    expect(await propertiesOf('./V')).toEqual(['', '', '0']);
  });

  it('tree: counts the names below an interior node as its value', async () => {
    await run(command('Add', './V/Box/New', 'x'));
    await run(command('Replace', './V/Box/New', 'y'));
    expect((await propertiesOf('./V/Box'))[2]).toBe('1');
    expect((await propertiesOf('./V/Box/New'))[2]).toBe('2');
    await run(command('Replace', './V/Box/New?prop=Name', 'Other'));
    expect((await propertiesOf('./V/Box'))[2]).toBe('2');
    await run(command('Delete', './V/Box/Other'));
    expect((await propertiesOf('./V/Box'))[2]).toBe('3');
  });

  it('tree: begins VerNo at 0 again after 65535', async () => {
    store.set(['V', 'Text'], { title: undefined, changedAt: T0, verNo: 65_535 });
    await run(command('Replace', './V/Text', 'one'));
    expect((await propertiesOf('./V/Text'))[2]).toBe('0');
  });

  it('server: gives a node a title and takes it away, which counts as no change', async () => {
    expect(await run(command('Replace', './V/Text?prop=Title', 'The text'))).toEqual([200]);
    expect(await propertiesOf('./V/Text')).toEqual(['The text', '', '0']);
    expect(await run(command('Replace', './V/Text?prop=Title', ''))).toEqual([200]);
    expect(store.get(['V', 'Text'])).toBeUndefined();
  });

  it.each([
    ['./V/Fixed?prop=Title', 'text', 405],
    ['./V/Text?prop=Title', 'ä'.repeat(128), 413],
    ['./V/Text?prop=Title', undefined, 400],
    ['./V/Text?prop=TStamp', '20010711T163817Z', 405],
    ['./V/Text?prop=VerNo', '7', 405],
    ['./V/None?prop=Title', 'text', 404],
  ])('server: may not Replace %s by %j: %i', async (locUri, data, code) => {
    expect((await run(command('Replace', locUri, data)))[0]).toBe(code);
  });

  it('server: needs the right to Replace for a title', async () => {
    await tree.acls.set(['V', 'Text'], 'Get=*&Replace=other');
    expect(await run(command('Replace', './V/Text?prop=Title', 'text'))).toEqual([425]);
  });

  it('tree: keeps none of nodes that no server can change', async () => {
    expect(await propertiesOf('./V/Fixed')).toEqual([406, 406, 406]);
  });

  it('tree: lets them go with a node that is renamed, and forgets them with one that is deleted', async () => {
    await run(command('Replace', './V/Box/In', 'x'), command('Replace', './V/Box/In?prop=Title', 'Inside'));
    await run(command('Replace', './V/Box?prop=Name', 'Chest'));
    expect(await propertiesOf('./V/Chest/In')).toEqual(['Inside', '20010711T163817Z', '1']);
    expect(store.get(['V', 'Box', 'In'])).toBeUndefined();
    await run(command('Delete', './V/Chest'));
    expect(store.get(['V', 'Chest', 'In'])).toBeUndefined();
  });

  it('tree: takes them back with an Atomic that fails', async () => {
    await run(command('Replace', './V/Text', 'one'), command('Replace', './V/Text?prop=Title', 'before'));
    const commands = [
      command('Replace', './V/Text', 'two'),
      command('Replace', './V/Text?prop=Title', 'after'),
      command('Replace', './V/Box?prop=Name', 'Chest'),
      command('Delete', './V/None'),
    ].map((each, at) => ({ ...each, cmdId: String(at + 2) }));
    expect((await run({ kind: 'Atomic', cmdId: '1', commands }))[0]).toBe(507);
    expect(await propertiesOf('./V/Text')).toEqual(['before', '20010711T163817Z', '1']);
    expect((await propertiesOf('./V/Box'))[2]).toBe('0');
    expect((await run({ kind: 'Atomic', cmdId: '1', commands: commands.slice(0, 3) }))[0]).toBe(200);
    expect(await propertiesOf('./V/Text')).toEqual(['after', '20010711T163817Z', '2']);
    expect((await propertiesOf('./V'))[2]).toBe('1');
  });

  it('tree: shows them in TNDS where they are asked for, and takes a Title from there', async () => {
    await run(command('Replace', './V/Box/In', 'x'), command('Replace', './V/Box/In?prop=Title', 'Inside'));
    const [, document] = await run(command('Get', './V/Box?list=TNDS+Title+TStamp+VerNo'));
    expect(document).toContain(
      '<RTProperties><Title>Inside</Title><TStamp>20010711T163817Z</TStamp>' +
        '<Type><MIME>text/plain</MIME></Type><VerNo>1</VerNo></RTProperties>',
    );
    expect((await run(command('Get', './V/Box?list=TNDS')))[1]).not.toMatch(/Title|TStamp|VerNo/);
    const [, whole] = await run(command('Get', './V/Box?list=TNDS+Format+Title+Value'));
    const type = 'application/vnd.syncml.dmtnds+xml';
    expect(await run(command('Replace', './V/Box', whole as string, type))).toEqual([200]);
    expect((await propertiesOf('./V/Box/In'))[0]).toBe('Inside');
    const tooLong = (whole as string).replace('Inside', 'x'.repeat(256));
    expect((await run(command('Replace', './V/Box', tooLong, type)))[0]).toBe(413);
  });
});
