import { describe, expect, it } from 'vitest';
import type { Answer, Data, Item, Meta, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands, type ExecutorOptions } from './executor.ts';
import type { ManagementObject } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const ROOT_ACL = 'Add=*&Delete=*&Exec=*&Get=*&Replace=*';
const LEAF = { format: 'chr', access: ['Get', 'Copy', 'Replace'] } as const;

const TEMPLATE = objectTemplate(['V'], {
  '': { format: 'node', type: 'urn:example:v', access: ['Get', 'Add'] },
  Text: { ...LEAF, value: 'text' },
  Other: { ...LEAF, value: 'other', type: 'text/css' },
  Int: { format: 'int', access: ['Get', 'Replace'], value: '1' },
  Bool: { format: 'bool', access: ['Get', 'Replace'], value: 'true' },
  Bin: { format: 'bin', access: ['Get', 'Replace'], value: 'AB', type: 'a/b' },
  Base: { format: 'b64', access: ['Get', 'Replace'], value: 'AAEC' },
  Fixed: { format: 'chr', access: ['Get'], value: 'fixed' },
  Secret: { format: 'chr', access: ['Copy'], value: 'secret' },
  Box: { format: 'node', access: ['Get', 'Add', 'Delete', 'Replace'] },
  'Box/In': { format: 'chr', access: ['Get', 'Delete'], value: 'in' },
  Shut: { format: 'node', access: ['Get', 'Delete'] },
  Do: {
    format: 'null',
    access: ['Exec'],
    exec: (_, { correlator, item }) => ({ status: 202, data: `${correlator ?? ''}:${String(item.data)}` }),
  },
});

function sample(rootAcl = ROOT_ACL, ...more: readonly ManagementObject[]): Tree {
  return createTree({ objects: [new MemoryObject(TEMPLATE, undefined), ...more], rootAcl });
}

async function run(tree: Tree, commands: readonly RequestCommand[], options?: ExecutorOptions): Promise<Answer[]> {
  const answers: Answer[] = [];
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', commands, options)) answers.push(answer);
  return answers;
}

type Verb = 'Add' | 'Replace' | 'Delete' | 'Get' | 'Copy';

function command(kind: Verb, ...items: readonly Item[]): RequestCommand {
  return { kind, cmdId: '1', items };
}

function item(locUri: string, data?: Data, meta?: Meta): Item {
  return { target: { locUri }, data, meta };
}

async function codes(tree: Tree, ...commands: readonly RequestCommand[]): Promise<number[]> {
  return (await run(tree, commands)).flatMap((answer) => (answer.kind === 'Status' ? [answer.code] : []));
}

async function found(tree: Tree, locUri: string): Promise<readonly Item[]> {
  const answers = await run(tree, [command('Get', item(locUri))]);
  return answers.flatMap((answer) => (answer.kind === 'Results' ? answer.items : []));
}

it('executor: lets others have their turn between the Items of a command', async () => {
  const items = ['./A', './B', './C'].map((locUri) => ({ target: { locUri } }));
  let turns = 0;
  const breathe = () => {
    turns += 1;
    return Promise.resolve();
  };
  const get: RequestCommand = { kind: 'Get', cmdId: '1', items };
  expect(await run(sample(), [get], { breathe })).not.toEqual([]);
  expect(turns).toBeGreaterThanOrEqual(items.length);
});

describe('executor: Get', () => {
  it('answers the Status and then the Results of a leaf', async () => {
    expect(await run(sample(), [command('Get', item(' /V/Int '))])).toEqual([
      {
        kind: 'Status',
        cmdRef: '1',
        cmd: 'Get',
        targetRefs: [' /V/Int '],
        sourceRefs: [],
        code: 200,
        items: [],
      },
      {
        kind: 'Results',
        cmdRef: '1',
        items: [{ source: { locUri: './V/Int' }, meta: { format: 'int', type: 'text/plain' }, data: '1' }],
      },
    ]);
  });

  it.each([
    ['./V/Text', { source: { locUri: './V/Text' }, data: 'text' }],
    ['./V/Other', { source: { locUri: './V/Other' }, meta: { format: 'chr', type: 'text/css' }, data: 'other' }],
    ['./V/Bin', { source: { locUri: './V/Bin' }, meta: { format: 'bin', type: 'a/b' }, data: Buffer.from('AB') }],
    ['./V/Box', { source: { locUri: './V/Box' }, meta: { format: 'node', type: 'text/plain' }, data: 'In' }],
    ['./V/Shut', { source: { locUri: './V/Shut' }, meta: { format: 'node', type: 'text/plain' }, data: '' }],
    ['.', { source: { locUri: '.' }, meta: { format: 'node', type: 'text/plain' }, data: 'V' }],
    ['V?prop=Type', { source: { locUri: './V?prop=Type' }, data: 'urn:example:v' }],
    ['V/Int?prop=Format', { source: { locUri: './V/Int?prop=Format' }, data: 'int' }],
    ['V/Int?prop=Name', { source: { locUri: './V/Int?prop=Name' }, data: 'Int' }],
    ['.?prop=Name', { source: { locUri: '.?prop=Name' }, data: '.' }],
    ['.?prop=ACL', { source: { locUri: '.?prop=ACL' }, data: ROOT_ACL }],
    ['V/Int?prop=ACL', { source: { locUri: './V/Int?prop=ACL' }, data: '' }],
    ['V/Other?prop=Size', { source: { locUri: './V/Other?prop=Size' }, data: '5' }],
    ['V/Text?list=Struct', { source: { locUri: './V/Text' } }],
    ['V/Text?list=StructData', { source: { locUri: './V/Text' }, data: 'text' }],
  ])('of %s brings one Item', async (locUri, expected) => {
    expect(await found(sample(), locUri)).toEqual([expected]);
  });

  it('lists a subtree with and without data, parents first', async () => {
    const tree = sample();
    await run(tree, [command('Add', item('./V/Box/Sub/Leaf', 'x'))]);
    const meta = { format: 'node' };
    expect(await found(tree, './V/Box?list=StructData')).toEqual([
      { source: { locUri: './V/Box' }, meta },
      { source: { locUri: './V/Box/In' }, data: 'in' },
      { source: { locUri: './V/Box/Sub' }, meta },
      { source: { locUri: './V/Box/Sub/Leaf' }, data: 'x' },
    ]);
    expect((await found(tree, './V/Box?list=Struct')).map(({ data }) => data)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('lists only what the caller may get', async () => {
    const tree = sample();
    await tree.acls.set(['V', 'Box'], 'Get=other');
    await tree.acls.set(['V', 'Box', 'In'], 'Get=*');
    await tree.acls.set(['V', 'Int'], 'Replace=*');
    const listed = (await found(tree, './V?list=Struct')).map(({ source }) => source?.locUri);
    expect(listed).toEqual([
      './V',
      './V/Text',
      './V/Other',
      './V/Bool',
      './V/Bin',
      './V/Base',
      './V/Fixed',
      './V/Shut',
    ]);
  });

  it('fills Results with 32 Items at most, and gives a large value its own', async () => {
    const tree = sample();
    const adds = Array.from({ length: 70 }, (_, at) => command('Add', item(`./V/Box/${at}`, String(at))));
    await run(tree, [...adds, command('Add', item('./V/Box/large', 'x'.repeat(10_000)), item('./V/Box/last', ''))]);
    const answers = await run(tree, [command('Get', item('./V/Box?list=StructData'))]);
    const sizes = answers.map((answer) => (answer.kind === 'Results' ? answer.items.length : 0));
    expect(sizes.reduce((sum, size) => sum + size)).toBe(74);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(32);
    const large = answers.find(({ items }) => items.some(({ source }) => source?.locUri === './V/Box/large'));
    expect(large?.items).toHaveLength(1);
  });

  it('reads a subtree no further than its Results are pulled', async () => {
    let reads = 0;
    const endless: ManagementObject = {
      root: ['E'],
      find: (path) =>
        Promise.resolve({
          format: path.length === 0 ? 'node' : 'chr',
          type: 'text/plain',
          access: ['Get'],
          permanent: true,
        }),
      async *children() {
        for (let at = 0; ; at += 1) yield await Promise.resolve(String(at));
      },
      read() {
        reads += 1;
        return Promise.resolve('x');
      },
    };
    const commands = [command('Get', item('./E?list=StructData'))];
    const answers = executeCommands(sample(ROOT_ACL, endless), { serverId: 'srv' }, '1', commands);
    await answers.next();
    expect(reads).toBe(0);
    await answers.next();
    expect(reads).toBeLessThan(100);
    await answers.return(undefined);
  });

  it.each([
    ['./V/Nothing', 404],
    ['./V/Text/Below', 404],
    ['./V/Nothing?prop=ACL', 404],
    ['./V/Nothing?list=TNDS', 404],
    ['./V/Secret', 405],
    ['./V/Secret?prop=Size', 405],
    ['./V?prop=Size', 406],
    ['./V?prop=Title', 406],
    ['./V?prop=Colour', 406],
    ['./V?list=TNDS+Colour', 406],
    ['./V?list=Colour', 406],
    ['./V/../V', 400],
    [`./${'x'.repeat(5000)}`, 414],
  ])('of %.30s is refused with %i', async (locUri, code) => {
    const tree = sample();
    expect(await codes(tree, command('Get', item(locUri)))).toEqual([code]);
    expect(await found(tree, locUri)).toEqual([]);
  });
});

describe('executor: writes', () => {
  it.each([
    ['./V/Box/New', 'value', undefined, 200],
    ['./V/Box/New', undefined, { format: 'node', type: 'urn:x' }, 200],
    ['./V/Box/A/B/C', 'value', undefined, 200],
    ['./V/Box/In', 'value', undefined, 418],
    ['.', undefined, { format: 'node' }, 418],
    ['./V/Shut/New', 'value', undefined, 405],
    ['./V/Shut/A/New', 'value', undefined, 405],
    ['./V/Text/New', 'value', undefined, 405],
    ['./New', 'value', undefined, 405],
    ['./V/Box?prop=Title', 'value', undefined, 405],
    ['./V/Nothing?prop=Title', 'value', undefined, 404],
    ['./V/Box/New', undefined, undefined, 400],
    ['./V/Box/New', 'x', { format: 'int' }, 415],
    ['./V/Box/New', 'x', { format: 'picture' }, 415],
    ['./V/Box/New', 'x', { format: 'b64' }, 200],
    ['./V/Box/New', '*', { format: 'b64' }, 415],
    ['./V/Box/New', Uint8Array.of(255), { format: 'chr' }, 415],
    ['./V/Box/New', undefined, { format: 'null' }, 200],
    ['./V/Box/New', '<x/>', { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' }, 415],
    ['./V/Box/', 'x', undefined, 400],
  ] as const)('Add of %s with %j, %j: %i', async (locUri, data, meta, code) => {
    expect(await codes(sample(), command('Add', item(locUri, data, meta)))).toEqual([code]);
  });

  it('Add makes the missing nodes above, and takes them back when it fails', async () => {
    const tree = sample();
    await run(tree, [command('Add', item('./V/Box/A/B', 'x'))]);
    expect(await tree.find(['V', 'Box', 'A'])).toMatchObject({ format: 'node' });
    expect(await codes(tree, command('Add', item('./V/Box/C/D/E', 'x'.repeat(5_000_000))))).toEqual([420]);
    expect(await tree.find(['V', 'Box', 'C'])).toBeUndefined();
  });

  it('Add names the node above that failed', async () => {
    const answers = await run(sample(), [command('Add', item('./V/Shut/A/New', 'x'))]);
    expect(answers).toMatchObject([{ code: 405, items: [{ target: { locUri: './V/Shut/A' } }] }]);
  });

  it.each([
    ['./V/Text', 'new', undefined, 200, 'new'],
    ['./V/Text', 'new', { format: 'Chr' }, 200, 'new'],
    ['./V/Text', '', undefined, 200, ''],
    ['./V/Text', 'AQ==', { format: 'b64' }, 200, '\u0001'],
    ['./V/Text', '/w==', { format: 'b64' }, 415, 'text'],
    ['./V/Text', undefined, undefined, 400, 'text'],
    ['./V/Text', '5', { format: 'int' }, 415, 'text'],
    ['./V/Int', '-12', undefined, 200, '-12'],
    ['./V/Int', '1.5', undefined, 415, '1'],
    ['./V/Int', '', undefined, 415, '1'],
    ['./V/Bool', 'false', { format: 'bool' }, 200, 'false'],
    ['./V/Bool', 'yes', undefined, 415, 'true'],
    ['./V/Bin', 'AQI=', { format: 'b64' }, 200, Buffer.of(1, 2)],
    ['./V/Bin', Uint8Array.of(7), { format: 'bin' }, 200, Uint8Array.of(7)],
    ['./V/Base', 'AQI=', { format: 'b64' }, 200, 'AQI='],
    ['./V/Fixed', 'new', undefined, 405, 'fixed'],
    ['./V/Box', 'new', undefined, 405, 'In'],
    ['./V/Box', '<x/>', { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' }, 415, 'In'],
    ['./V/Nothing', 'new', undefined, 404, undefined],
  ] as const)('Replace of %s with %j, %j: %i', async (locUri, data, meta, code, after) => {
    const tree = sample();
    expect(await codes(tree, command('Replace', item(locUri, data, meta)))).toEqual([code]);
    expect((await found(tree, locUri))[0]?.data).toEqual(after);
  });

  it('takes Format and Type from the command where an Item has none', async () => {
    const tree = sample();
    const items = [item('./V/Box/A', '5'), item('./V/Box/B', 'true', { format: 'bool' })];
    await run(tree, [{ kind: 'Add', cmdId: '1', meta: { format: 'int', type: 'a/b' }, items }]);
    expect(await tree.find(['V', 'Box', 'A'])).toMatchObject({ format: 'int', type: 'a/b' });
    expect(await tree.find(['V', 'Box', 'B'])).toMatchObject({ format: 'bool', type: 'a/b' });
  });

  it.each([
    ['./V/Box', 200],
    ['./V/Box/In', 200],
    ['.', 405],
    ['./V', 405],
    ['./V/Text', 405],
    ['./V/Nothing', 404],
    ['./V/Box?prop=ACL', 405],
  ])('Delete of %s: %i', async (locUri, code) => {
    const tree = sample();
    expect(await codes(tree, command('Delete', item(locUri)))).toEqual([code]);
    if (code === 200) expect(await found(tree, locUri)).toEqual([]);
  });

  it('Delete takes the ACLs of the subtree with it', async () => {
    const tree = sample();
    await tree.acls.set(['V', 'Box', 'In'], 'Get=srv');
    await run(tree, [command('Delete', item('./V/Box')), command('Add', item('./V/Box/In', 'again'))]);
    expect((await found(tree, './V/Box/In?prop=ACL'))[0]?.data).toBe('');
  });

  it.each([
    ['./V/Text', './V/Other', 200],
    ['./V/Text', './V/Box/A/New', 200],
    ['./V/Text', './V/Fixed', 405],
    ['./V/Text', './V/Int', 415],
    ['./V/Text', './V/Box', 403],
    ['./V/Fixed', './V/Other', 405],
    ['./V/Secret', './V/Other', 405],
    ['./V/Nothing', './V/Other', 404],
    ['./V/Text?prop=Name', './V/Other', 405],
    ['./V/Text', './V/Shut/New', 405],
  ])('Copy of %s to %s: %i', async (source, target, code) => {
    const tree = sample();
    const copied: Item = { source: { locUri: source }, target: { locUri: target } };
    const [status] = await run(tree, [command('Copy', copied)]);
    expect(status).toMatchObject({ code, targetRefs: [target], sourceRefs: [source] });
    if (code === 200) expect((await found(tree, target))[0]?.data).toBe('text');
  });

  it.each([
    ['./V/Text?prop=Name', 405],
    ['./V/Text?prop=Format', 405],
    ['./V/Text?prop=Title', 406],
    ['./V/Nothing?prop=ACL', 404],
    ['.?prop=ACL', 405],
    ['./V/Box?list=Struct', 405],
  ])('Replace of the property %s is refused with %i', async (locUri, code) => {
    expect(await codes(sample(), command('Replace', item(locUri, 'Get=*')))).toEqual([code]);
  });

  it('Replace sets an ACL as a whole, and empties it', async () => {
    const tree = sample();
    const set = (acl: string) => codes(tree, command('Replace', item('./V/Box?prop=ACL', acl)));
    expect(await set('Get=srv&Replace=srv')).toEqual([200]);
    expect(await codes(tree, command('Add', item('./V/Box/A', 'x')))).toEqual([425]);
    expect(await set('Get=a=b')).toEqual([400]);
    expect(await set('')).toEqual([200]);
    expect(await codes(tree, command('Add', item('./V/Box/A', 'x')))).toEqual([200]);
  });

  it('Exec hands over data and Correlator, and answers what the object says', async () => {
    const answers = await run(sample(), [
      { kind: 'Exec', cmdId: '4', correlator: 'c1', items: [item('./V/Do', 'arg')] },
      { kind: 'Exec', cmdId: '5', items: [item('./V/Text')] },
      { kind: 'Exec', cmdId: '6', items: [item('./V/Nothing')] },
    ]);
    expect(answers).toMatchObject([
      { cmdRef: '4', cmd: 'Exec', code: 202, targetRefs: ['./V/Do'], items: [{ data: 'c1:arg' }] },
      { cmdRef: '5', code: 405, items: [] },
      { cmdRef: '6', code: 404 },
    ]);
  });
});

describe('executor: Status', () => {
  it('is one for Items that ended alike', async () => {
    const answers = await run(sample(), [command('Delete', item('./V/A'), item('./V/B'))]);
    expect(answers).toMatchObject([{ code: 404, targetRefs: [] }]);
  });

  it('is one for each Item when they ended differently, before all Results', async () => {
    const answers = await run(sample(), [command('Get', item('./V/Text'), item('./V/No'), item('./V/Int'))]);
    expect(answers).toMatchObject([
      { kind: 'Status', code: 200, targetRefs: ['./V/Text'] },
      { kind: 'Status', code: 404, targetRefs: ['./V/No'] },
      { kind: 'Status', code: 200, targetRefs: ['./V/Int'] },
      { kind: 'Results', items: [{ data: 'text' }, { data: '1' }] },
    ]);
  });

  it('is 400 for a command without Items, or an Item without Target or Source', async () => {
    expect(await codes(sample(), command('Get'), command('Get', {}), command('Copy', item('./V/Text')))).toEqual([
      400, 400, 400,
    ]);
  });

  it('brings the cause that was given with a refusal', async () => {
    const answers = await run(sample(), [command('Replace', item('./V/Text', '5', { format: 'int' }))]);
    expect(answers).toMatchObject([{ items: [{ data: './V/Text takes Format chr, not int' }] }]);
  });

  it('is 500 without a word when an object breaks, and the error is reported', async () => {
    const broken: ManagementObject = {
      root: ['B'],
      find: () => Promise.reject(new TypeError('password is hunter2')),
      children: () => {
        throw new TypeError('never');
      },
      read: () => Promise.reject(new TypeError('never')),
    };
    const errors: unknown[] = [];
    const answers = await run(
      sample(ROOT_ACL, broken),
      [command('Get', item('./B')), command('Replace', item('./B', 'x'))],
      { onError: (error, where) => errors.push([String(error), where]) },
    );
    expect(answers).toMatchObject([
      { code: 500, items: [] },
      { code: 500, items: [] },
    ]);
    expect(errors).toEqual([
      ['TypeError: password is hunter2', { msgId: '1', cmdId: '1', cmd: 'Get' }],
      ['TypeError: password is hunter2', { msgId: '1', cmdId: '1', cmd: 'Replace' }],
    ]);
  });

  it('stays when a subtree breaks in the middle: what was read is sent', async () => {
    const broken: ManagementObject = {
      root: ['B'],
      find: (path) =>
        Promise.resolve({
          format: path.length === 0 ? 'node' : 'chr',
          type: 'text/plain',
          access: ['Get'],
          permanent: true,
        }),
      async *children() {
        yield await Promise.resolve('a');
        yield 'b';
        throw new Error('lost');
      },
      read: ([name]) => (name === 'a' ? Promise.reject(new Error('unreadable')) : Promise.resolve('x')),
    };
    const errors: unknown[] = [];
    const answers = await run(sample(ROOT_ACL, broken), [command('Get', item('./B?list=StructData'))], {
      onError: (error) => errors.push(String(error)),
    });
    expect(answers).toMatchObject([
      { code: 200 },
      { items: [{ source: { locUri: './B' } }, { source: { locUri: './B/b' }, data: 'x' }] },
    ]);
    expect(errors).toEqual(['Error: unreadable', 'Error: lost']);
  });
});

describe('executor: containers, alerts and foreign commands', () => {
  it('runs a Sequence in order, its own Status first, past failures', async () => {
    const nested = (cmdId: string, kind: Verb, of: Item): RequestCommand => ({ kind, cmdId, items: [of] });
    const answers = await run(sample(), [
      {
        kind: 'Sequence',
        cmdId: '1',
        commands: [
          nested('2', 'Get', item('./V/No')),
          nested('3', 'Replace', item('./V/Text', 'new')),
          { kind: 'Sequence', cmdId: '4', commands: [nested('5', 'Get', item('./V/Text'))] },
        ],
      },
      nested('6', 'Get', item('./V/Int')),
    ]);
    expect(
      answers.map((answer) => [answer.cmdRef, answer.kind === 'Status' ? answer.code : answer.items[0]?.data]),
    ).toEqual([
      ['1', 200],
      ['2', 404],
      ['3', 200],
      ['4', 200],
      ['5', 200],
      ['5', 'new'],
      ['6', 200],
      ['6', '1'],
    ]);
  });

  it('refuses an Atomic and executes none of its children', async () => {
    const writes: unknown[] = [];
    const forgetful: ManagementObject = {
      root: ['F'],
      find: () => Promise.resolve({ format: 'chr', type: 'text/plain', access: ['Replace'], permanent: true }),
      async *children() {
        // None.
      },
      read: () => Promise.resolve(''),
      replace: (_, value) => Promise.resolve(void writes.push(value)),
    };
    const tree = sample(ROOT_ACL, forgetful);
    const commands = [command('Replace', item('./V/Text', 'new')), command('Replace', item('./F', 'new'))];
    expect(await codes(tree, { kind: 'Atomic', cmdId: '1', commands })).toEqual([406, 215, 215]);
    expect((await found(tree, './V/Text'))[0]?.data).toBe('text');
    expect(writes).toEqual([]);
  });

  it.each<RequestCommand>([
    { kind: 'Alert', cmdId: '1', code: 1101, items: [] },
    { kind: 'Alert', cmdId: '1', items: [] },
    { kind: 'Foreign', cmdId: '1', name: 'Put' },
  ])('refuses %j', async (refusedCommand) => {
    expect(await codes(sample(), refusedCommand)).toEqual([406]);
  });
});
