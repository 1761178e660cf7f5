import { beforeEach, describe, expect, it } from 'vitest';
import { decodeFile, encodeFile } from '../protocol/codec.ts';
import type { Answer, Data, Item, Meta, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import type { ManagementObject } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const TNDS: Meta = { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' };
const EVERY_RIGHT = 'Add=*&Delete=*&Exec=*&Get=*&Replace=*';
const TEMPLATE = objectTemplate(['V'], {
  '': { format: 'node', type: 'urn:example:v', access: ['Get', 'Add'] },
  Text: { format: 'chr', access: ['Get', 'Replace'], value: 'a < b' },
  Bin: { format: 'bin', type: 'a/b', access: ['Get'], value: Uint8Array.of(0, 255) },
  Secret: { format: 'chr', access: [], value: 'secret' },
  Box: { format: 'node', access: ['Get', 'Add', 'Delete', 'Replace'] },
  'Box/In': { format: 'int', access: ['Get', 'Delete'], value: '1' },
  Safe: { format: 'node', access: ['Get', 'Add', 'Replace'] },
  'Safe/Key': { format: 'chr', access: ['Get'], value: 'key' },
});

let tree: Tree;
beforeEach(() => {
  tree = treeOf();
});

function treeOf(rootAcl = EVERY_RIGHT, ...more: readonly ManagementObject[]): Tree {
  return createTree({ objects: [new MemoryObject(TEMPLATE, undefined), ...more], rootAcl });
}

async function run(
  kind: 'Add' | 'Get' | 'Replace',
  locUri: string,
  data?: Data,
  meta?: Meta,
): Promise<{ codes: number[]; items: readonly Item[] }> {
  const command: RequestCommand = { kind, cmdId: '1', items: [{ target: { locUri }, data, meta }] };
  const answers: Answer[] = [];
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command])) answers.push(answer);
  return {
    codes: answers.flatMap((answer) => (answer.kind === 'Status' ? [answer.code] : [])),
    items: answers.flatMap((answer) => (answer.kind === 'Results' ? answer.items : [])),
  };
}

async function values(locUri: string): Promise<Record<string, unknown>> {
  const { items } = await run('Get', `${locUri}?list=StructData`);
  return Object.fromEntries(items.map(({ source, data }) => [source?.locUri ?? '', data]));
}

function document(nodes: string): string {
  return `<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>${nodes}</MgmtTree>`;
}

function rt(format: string, type: string, more = ''): string {
  const kind = format === 'node' ? 'DDFName' : 'MIME';
  return `<RTProperties>${more}<Format><${format}/></Format><Type><${kind}>${type}</${kind}></Type></RTProperties>`;
}

/** The object that the standard adds as its example. [TNDS] */
const E_MAIL = document(
  `<Node><NodeName>E-Mail</NodeName>${rt('node', 'com.operatorX.dm/1.0/EMail')}` +
    `<Node><NodeName>POP3</NodeName><Node><NodeName>POPServer</NodeName>${rt('chr', 'text/plain')}` +
    `<Value>mail.Operatorx.com</Value></Node><Node><NodeName>UserID</NodeName>${rt('chr', 'text/plain')}` +
    `<Value>UserName</Value></Node></Node></Node>`,
);
const E_MAIL_VALUES = {
  './V/Box/E-Mail': undefined,
  './V/Box/E-Mail/POP3': undefined,
  './V/Box/E-Mail/POP3/POPServer': 'mail.Operatorx.com',
  './V/Box/E-Mail/POP3/UserID': 'UserName',
};

describe('?list=TNDS', () => {
  it('device: brings a subtree as one Item that holds what the server may get', async () => {
    await tree.acls.set(['V', 'Box'], 'Get=srv');
    const { codes, items } = await run('Get', './V?list=TNDS');
    expect(codes).toEqual([200]);
    expect(items).toMatchObject([{ source: { locUri: './V?list=TNDS' }, meta: TNDS }]);
    expect(items[0]?.data).toBe(
      document(
        `<Node><NodeName>V</NodeName>${rt('node', 'urn:example:v')}` +
          `<Node><NodeName>Text</NodeName>${rt('chr', 'text/plain')}<Value>a &lt; b</Value></Node>` +
          `<Node><NodeName>Bin</NodeName>${rt('b64', 'a/b')}<Value>AP8=</Value></Node>` +
          `<Node><NodeName>Box</NodeName>${rt('node', '', '<ACL>Get=srv</ACL>').replace('<DDFName></DDFName>', '<DDFName/>')}` +
          `<Node><NodeName>In</NodeName>${rt('int', 'text/plain')}<Value>1</Value></Node></Node>` +
          `<Node><NodeName>Safe</NodeName>${rt('node', '').replace('<DDFName></DDFName>', '<DDFName/>')}` +
          `<Node><NodeName>Key</NodeName>${rt('chr', 'text/plain')}<Value>key</Value></Node></Node></Node>`,
      ),
    );
    await tree.acls.set(['V', 'Box'], 'Get=other');
    expect((await run('Get', './V?list=TNDS')).items[0]?.data).not.toContain('Box');
  });

  it.each([
    ['+ACL+Value', '<Value>1</Value>'],
    ['+Value', '<Value>1</Value>'],
    ['-Format-Value', '<RTProperties><Type><MIME>text/plain</MIME></Type></RTProperties>'],
    ['-Value-Format-Type-ACL', ''],
    [
      '+Name+Size+Title',
      '<RTProperties><Name>In</Name><Size>1</Size><Type><MIME>text/plain</MIME></Type></RTProperties>',
    ],
  ])('device: brings the properties of TNDS%s', async (list, properties) => {
    const { items } = await run('Get', `./V/Box/In?list=TNDS${list}`);
    expect(items[0]?.data).toBe(document(`<Node><NodeName>In</NodeName>${properties}</Node>`));
  });

  it('device: refuses a property that no node has, and both signs at once', async () => {
    expect((await run('Get', './V?list=TNDS+Colour')).codes).toEqual([406]);
    expect((await run('Get', './V?list=TNDS+ACL-Value')).codes).toEqual([400]);
  });

  it('device: refuses what becomes too long as one value', async () => {
    const leaf = { format: 'chr', access: ['Get'], value: 'x'.repeat(2_500_000) } as const;
    const other = new MemoryObject(objectTemplate(['W'], { L: leaf }), undefined);
    const first = new MemoryObject(TEMPLATE, undefined);
    await first.add(['Box', 'Long'], { format: 'chr', type: 'text/plain', data: 'x'.repeat(2_500_000) });
    tree = createTree({ objects: [first, other], rootAcl: EVERY_RIGHT });
    expect((await run('Get', './V?list=TNDS')).codes).toEqual([200]);
    expect((await run('Get', '.?list=TNDS')).codes).toEqual([413]);
  });
});

describe('TNDS in Add', () => {
  it('device: adds the example of the standard below the target', async () => {
    expect((await run('Add', './V/Box', E_MAIL, TNDS)).codes).toEqual([200]);
    expect(await values('./V/Box/E-Mail')).toEqual(E_MAIL_VALUES);
    expect(await tree.find(['V', 'Box', 'E-Mail'])).toMatchObject({ type: 'com.operatorX.dm/1.0/EMail' });
  });

  it.each<[string, () => Data, Meta]>([
    [
      'a WBXML document as octets',
      () => encodeFile(decodeFile(Buffer.from(E_MAIL)).elements, { encoding: 'wbxml', version: 3 }),
      { format: 'bin', type: 'application/vnd.syncml.dmtnds+wbxml' },
    ],
    [
      'a WBXML document under the Type of XML',
      () => encodeFile(decodeFile(Buffer.from(E_MAIL)).elements, { encoding: 'wbxml', version: 3 }),
      TNDS,
    ],
    ['XML text as octets', () => Buffer.from(E_MAIL), TNDS],
    ['base64', () => Buffer.from(E_MAIL).toString('base64'), { ...TNDS, format: 'b64' }],
    ['a document without namespace', () => E_MAIL.replace(' xmlns="syncml:dmddf1.2"', ''), { type: TNDS.type }],
  ])('device: takes %s', async (_, data, meta) => {
    expect((await run('Add', './V/Box', data(), meta)).codes).toEqual([200]);
    expect(await values('./V/Box/E-Mail')).toEqual(E_MAIL_VALUES);
  });

  it('device: respects Path, Name, Format, Type and ACL', async () => {
    const nodes =
      `<Node><NodeName>Leaf</NodeName><Path>A/B</Path>${rt('int', 'text/x', '<ACL>Get=*</ACL>')}<Value>7</Value></Node>` +
      `<Node><NodeName/><Path>./A</Path><RTProperties><Format><b64/></Format><Name>Octets</Name><Type><MIME>a/b</MIME></Type></RTProperties><Value>AP8=</Value></Node>` +
      `<Node><NodeName>Bare</NodeName></Node><Node><NodeName>Text</NodeName><Value> two </Value></Node>`;
    expect((await run('Add', './V/Box', document(nodes), TNDS)).codes).toEqual([200]);
    expect(await values('./V/Box')).toEqual({
      './V/Box': undefined,
      './V/Box/In': '1',
      './V/Box/A': undefined,
      './V/Box/A/B': undefined,
      './V/Box/A/B/Leaf': '7',
      './V/Box/A/Octets': Buffer.of(0, 255),
      './V/Box/Bare': undefined,
      './V/Box/Text': ' two ',
    });
    expect(await tree.find(['V', 'Box', 'A', 'B', 'Leaf'])).toMatchObject({ format: 'int', type: 'text/x' });
    expect(await tree.acls.get(['V', 'Box', 'A', 'B', 'Leaf'])).toBe('Get=*');
  });

  it('device: takes a node of the name of the target, or of none, for the target itself', async () => {
    const node = (name: string) => document(`<Node><NodeName>${name}</NodeName><Value>x</Value></Node>`);
    expect((await run('Add', './V/Box/New', node('New'), TNDS)).codes).toEqual([200]);
    expect((await run('Add', './V/Box/Nameless', node(''), TNDS)).codes).toEqual([200]);
    expect((await run('Add', './V/Box/Other', node('Leaf'), TNDS)).codes).toEqual([200]);
    expect(Object.keys(await values('./V/Box'))).toEqual([
      './V/Box',
      './V/Box/In',
      './V/Box/New',
      './V/Box/Nameless',
      './V/Box/Other',
      './V/Box/Other/Leaf',
    ]);
    expect((await run('Add', './V/Box', node('In'), TNDS)).codes).toEqual([418]);
  });

  it.each<[string, string, Data | undefined, number]>([
    ['what is no XML', './V/Box', 'hello', 415],
    ['a truncated document', './V/Box', E_MAIL.slice(0, -5), 415],
    ['another document', './V/Box', '<Item xmlns="SYNCML:SYNCML1.2"/>', 415],
    ['a document without nodes', './V/Box', document(''), 415],
    ['nothing', './V/Box', undefined, 400],
    ['a node twice', './V/Box', document('<Node><NodeName>A</NodeName></Node>'.repeat(2)), 400],
    ['a way out of the target', './V/Box', document('<Node><NodeName>A</NodeName><Path>../..</Path></Node>'), 400],
    [
      'a nested Path',
      './V/Box',
      document('<Node><NodeName>A</NodeName><Node><NodeName>B</NodeName><Path>x</Path></Node></Node>'),
      400,
    ],
    [
      'a malformed ACL',
      './V/Box',
      document(`<Node><NodeName>A</NodeName>${rt('node', '', '<ACL>Get</ACL>')}</Node>`),
      400,
    ],
    ['a node that is there', './V', E_MAIL.replace('E-Mail', 'Text'), 418],
    [
      'a value that is not of its Format',
      './V/Box',
      document(
        `<Node><NodeName>A</NodeName><Node><NodeName>B</NodeName>${rt('int', 'x')}<Value>x</Value></Node></Node>`,
      ),
      415,
    ],
    ['a place that takes nothing', './DevInfo', E_MAIL, 405],
    [
      'a value too large',
      './V/Box',
      document(
        `<Node><NodeName>A</NodeName></Node><Node><NodeName>B</NodeName><Value>${'x'.repeat(4_194_000)}</Value></Node>`,
      ),
      420,
    ],
  ])('device: refuses %s, and the tree is as it was', async (_, locUri, data, code) => {
    const before = await values('./V');
    expect((await run('Add', locUri, data, TNDS)).codes).toEqual([code]);
    expect(await values('./V')).toEqual(before);
  });

  it('device: refuses an ACL that the server may not set, and nodes that it may not add', async () => {
    const data = document(
      `<Node><NodeName>A</NodeName><Value>x</Value></Node><Node><NodeName>B</NodeName>${rt('chr', 'text/plain', '<ACL>Get=*</ACL>')}<Value>y</Value></Node>`,
    );
    await tree.acls.set(['V', 'Box'], 'Add=srv&Get=srv');
    expect((await run('Add', './V/Box', data, TNDS)).codes).toEqual([425]);
    await tree.acls.set(['V', 'Box'], 'Get=srv&Replace=srv');
    expect((await run('Add', './V/Box', data, TNDS)).codes).toEqual([425]);
    expect(await values('./V/Box')).toEqual({ './V/Box': undefined, './V/Box/In': '1' });
    await tree.acls.set(['V', 'Box'], 'Add=srv&Get=srv&Replace=srv');
    expect((await run('Add', './V/Box', data, TNDS)).codes).toEqual([200]);
  });
});

describe('TNDS in Replace', () => {
  it('device: replaces all below the node, its ACLs too', async () => {
    await tree.acls.set(['V', 'Box', 'In'], 'Get=*');
    expect((await run('Replace', './V/Box', E_MAIL, TNDS)).codes).toEqual([200]);
    expect(await values('./V/Box')).toEqual({ './V/Box': undefined, ...E_MAIL_VALUES });
    expect(await tree.acls.get(['V', 'Box', 'In'])).toBeUndefined();
  });

  it('device: puts back what a Get of the node brought', async () => {
    await run('Add', './V/Box', E_MAIL, TNDS);
    await tree.acls.set(['V', 'Box', 'E-Mail'], 'Get=*&Replace=*');
    const [item] = (await run('Get', './V/Box?list=TNDS')).items;
    const before = await values('./V/Box');
    await run('Replace', './V/Box', document('<Node><NodeName>Other</NodeName></Node>'), TNDS);
    expect((await run('Replace', './V/Box', item?.data, item?.meta)).codes).toEqual([200]);
    expect(await values('./V/Box')).toEqual(before);
    expect(await tree.acls.get(['V', 'Box', 'E-Mail'])).toBe('Get=*&Replace=*');
  });

  it.each([
    ['a node that is not there', './V/Nothing', 404],
    ['a leaf', './V/Text', 415],
    ['a node that allows no Replace', './V', 405],
    ['a node with a permanent one below', './V/Safe', 405],
  ])('device: refuses to replace %s, and the tree is as it was', async (_, locUri, code) => {
    const before = await values('./V');
    expect((await run('Replace', locUri, E_MAIL, TNDS)).codes).toEqual([code]);
    expect(await values('./V')).toEqual(before);
  });

  it('device: needs only the right to Replace the node', async () => {
    await tree.acls.set(['V', 'Box'], 'Get=srv');
    expect((await run('Replace', './V/Box', E_MAIL, TNDS)).codes).toEqual([425]);
    await tree.acls.set(['V', 'Box'], 'Get=srv&Replace=srv');
    expect((await run('Replace', './V/Box', E_MAIL, TNDS)).codes).toEqual([200]);
  });
});
