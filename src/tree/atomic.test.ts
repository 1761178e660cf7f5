import { beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Item, Meta, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import type { ManagementObject } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';
import type { UserAnswer, UserInteraction } from './user-interaction.ts';

const TEMPLATE = objectTemplate(['V'], {
  '': { format: 'node', access: ['Get', 'Add'] },
  Text: { format: 'chr', access: ['Get', 'Copy', 'Replace'], value: 'text' },
  Box: { format: 'node', access: ['Get', 'Add', 'Delete', 'Replace'] },
  'Box/In': { format: 'chr', access: ['Get', 'Copy', 'Delete', 'Replace'], value: 'in' },
  'Box/Out': { format: 'chr', access: ['Get', 'Delete'], value: 'out' },
  Do: { format: 'null', access: ['Exec'], exec: () => ({ status: 200 }) },
});

let tree: Tree;
let errors: unknown[];
beforeEach(() => {
  tree = treeOf();
  errors = [];
});

function treeOf(...more: readonly ManagementObject[]): Tree {
  return createTree({
    objects: [new MemoryObject(TEMPLATE, undefined), ...more],
    rootAcl: 'Add=*&Delete=*&Exec=*&Get=*&Replace=*',
  });
}

function one(cmdId: string, kind: 'Add' | 'Delete' | 'Get' | 'Replace', locUri: string, data?: string): RequestCommand {
  return { kind, cmdId, items: [{ target: { locUri }, data }] };
}

function atomic(...commands: readonly RequestCommand[]): RequestCommand {
  return { kind: 'Atomic', cmdId: '1', commands };
}

async function run(command: RequestCommand, user?: UserInteraction): Promise<[string, number][]> {
  const answers: Answer[] = [];
  const options = { user, onError: (error: unknown) => errors.push(error) };
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command], options)) answers.push(answer);
  return answers.map((answer) => [answer.cmdRef, answer.kind === 'Status' ? answer.code : 0]);
}

async function listed(): Promise<readonly Item[]> {
  const items: Item[] = [];
  const command = one('1', 'Get', './V?list=StructData');
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', [command])) {
    if (answer.kind === 'Results') items.push(...answer.items);
  }
  return items;
}

function answering(answer: UserAnswer): UserInteraction {
  return { ask: () => Promise.resolve(answer) };
}

const CONFIRM: RequestCommand = { kind: 'Alert', cmdId: '2', code: 1101, items: [{ data: '' }, { data: 'Sure?' }] };

describe('Atomic', () => {
  it('device: executes all children, the Status of the Atomic first', async () => {
    const copy: RequestCommand = {
      kind: 'Copy',
      cmdId: '4',
      items: [{ source: { locUri: './V/Text' }, target: { locUri: './V/Box/In' } }],
    };
    const commands = [one('2', 'Add', './V/Box/New/Leaf', 'x'), one('3', 'Replace', './V/Text', 'new'), copy];
    expect(await run(atomic(...commands, one('5', 'Delete', './V/Box/Out')))).toEqual([
      ['1', 200],
      ['2', 200],
      ['3', 200],
      ['4', 200],
      ['5', 200],
    ]);
    expect((await listed()).map(({ data }) => data)).toEqual([undefined, 'new', undefined, 'new', undefined, 'x']);
  });

  it('device: rolls back when a child fails, and says of each child what became of it', async () => {
    await tree.acls.set(['V', 'Box', 'In'], 'Get=srv&Replace=srv');
    const before = await listed();
    const commands = [
      one('2', 'Add', './V/Box/A/B', 'x'),
      one('3', 'Delete', './V/Box'),
      one('4', 'Add', './V/Box/In', 'other'),
      one('5', 'Replace', './V/Text?prop=ACL', 'Get=srv'),
      one('6', 'Replace', './V/Nothing', 'x'),
      one('7', 'Replace', './V/Text', 'x'),
    ];
    expect(await run(atomic(...commands))).toEqual([
      ['1', 507],
      ['2', 216],
      ['3', 216],
      ['4', 216],
      ['5', 216],
      ['6', 404],
      ['7', 215],
    ]);
    expect(await listed()).toEqual(before);
    expect(await tree.acls.get(['V', 'Box', 'In'])).toBe('Get=srv&Replace=srv');
    expect(await tree.acls.get(['V', 'Text'])).toBeUndefined();
  });

  it('device: rolls back a rename with the ACLs below it', async () => {
    await tree.acls.set(['V', 'Box', 'In'], 'Get=srv');
    const before = await listed();
    const rename = one('2', 'Replace', './V/Box?prop=Name', 'Chest');
    expect(await run(atomic(rename, one('3', 'Delete', './V/Chest/Out'), one('4', 'Delete', './V/Text')))).toEqual([
      ['1', 507],
      ['2', 216],
      ['3', 216],
      ['4', 405],
    ]);
    expect(await listed()).toEqual(before);
    expect(await tree.acls.get(['V', 'Box', 'In'])).toBe('Get=srv');
  });

  it('device: says of each Item of a child what became of it', async () => {
    const items = ['./V/Text', './V/Nothing', './V/Box/In'].map((locUri) => ({ target: { locUri }, data: 'x' }));
    expect(await run(atomic({ kind: 'Replace', cmdId: '2', items }))).toEqual([
      ['1', 507],
      ['2', 216],
      ['2', 404],
      ['2', 215],
    ]);
  });

  it.each<[string, RequestCommand, number]>([
    ['a Get', one('3', 'Get', './V/Text'), 500],
    ['an Exec', { kind: 'Exec', cmdId: '3', items: [{ target: { locUri: './V/Do' } }] }, 500],
    ['an Atomic', { kind: 'Atomic', cmdId: '3', commands: [] }, 500],
    ['a Sequence', { kind: 'Sequence', cmdId: '3', commands: [] }, 500],
    ['a Put', { kind: 'Foreign', cmdId: '3', name: 'Put' }, 406],
    ['a command without Items', { kind: 'Delete', cmdId: '3', items: [] }, 400],
  ])('device: fails at %s inside, and nothing is changed', async (_, child, code) => {
    const before = await listed();
    const [first, second, third] = await run(atomic(one('2', 'Replace', './V/Text', 'new'), child));
    expect([first, third]).toEqual([
      ['1', 507],
      ['3', code],
    ]);
    expect([215, 216]).toContain(second?.[1]);
    expect(await listed()).toEqual(before);
  });

  it('device: answers 516 when a roll-back fails, and reports why', async () => {
    const stuck: ManagementObject = {
      root: ['S'],
      find: () => Promise.resolve({ format: 'chr', type: 'text/plain', access: ['Replace'], permanent: true }),
      async *children() {
        // None.
      },
      read: () => Promise.resolve(''),
      replace: () => Promise.resolve(),
      keeper: (path) => ({ scope: path, keep: () => Promise.resolve(() => Promise.reject(new Error('stuck'))) }),
    };
    tree = treeOf(stuck);
    expect(await run(atomic(one('2', 'Replace', './S', 'x'), one('3', 'Delete', './V')))).toEqual([
      ['1', 507],
      ['2', 516],
      ['3', 405],
    ]);
    expect(errors.map(String)).toEqual(['Error: stuck']);
  });

  it.each<[UserAnswer, readonly number[], string]>([
    [{ kind: 'yes' }, [200, 200, 200], 'new'],
    [{ kind: 'no' }, [507, 304, 215], 'text'],
    [{ kind: 'cancelled' }, [507, 214, 215], 'text'],
    [{ kind: 'timedOut' }, [507, 408, 215], 'text'],
  ])('user: answers %j to a question inside, and decides over the whole', async (answer, codes, text) => {
    const answers = await run(atomic(CONFIRM, one('3', 'Replace', './V/Text', 'new')), answering(answer));
    expect(answers.map(([, code]) => code)).toEqual(codes);
    expect((await listed())[1]?.data).toBe(text);
  });

  it('device: has executed all of it before the first Status is pulled', async () => {
    const commands = [atomic(one('2', 'Replace', './V/Text', 'new'))];
    const answers = executeCommands(tree, { serverId: 'srv' }, '1', commands);
    await answers.next();
    await answers.return(undefined);
    expect((await listed())[1]?.data).toBe('new');
  });

  it('device: takes a TNDS document as one child', async () => {
    const before = await listed();
    const node = '<Node><NodeName>A</NodeName><Node><NodeName>B</NodeName><Value>x</Value></Node></Node>';
    const data = `<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>${node}</MgmtTree>`;
    const meta: Meta = { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' };
    const add: RequestCommand = { kind: 'Add', cmdId: '2', items: [{ target: { locUri: './V/Box' }, meta, data }] };
    expect(await run(atomic(add, one('3', 'Add', './V/Box/A', 'x')))).toEqual([
      ['1', 507],
      ['2', 216],
      ['3', 418],
    ]);
    expect(await listed()).toEqual(before);
  });
});
