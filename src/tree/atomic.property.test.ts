import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFile } from '../protocol/codec.ts';
import { branch, leaf } from '../protocol/element.ts';
import type { Item, RequestCommand, StatusCommand } from '../protocol/message/message.ts';
import { formatAcl } from './acl.ts';
import { executeCommands } from './executor.ts';
import { formatLocUri } from './loc-uri.ts';
import type { Path } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const RUNS = 1_200;
const TNDS = { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' };
const TEMPLATE = objectTemplate(['R'], {
  '': { format: 'node', access: ['Get', 'Add', 'Replace'] },
  'a/b': { format: 'chr', access: ['Get', 'Copy', 'Replace'], value: 'template' },
  b: { format: 'node', access: ['Get', 'Add', 'Copy', 'Delete', 'Replace'] },
  'b/a': { format: 'chr', access: ['Get', 'Copy', 'Delete', 'Replace'], value: 'template' },
  'b/b': { format: 'node', access: ['Get', 'Add', 'Delete', 'Replace'] },
  'b/b/c': { format: 'int', access: ['Get', 'Copy', 'Delete', 'Replace'], value: '1' },
  s: { format: 'node', access: ['Get'] },
  's/*': { format: 'node', access: ['Add', 'Copy', 'Delete', 'Get', 'Replace'], occurrence: 2 },
  's/*/a': { format: 'chr', access: ['Add', 'Copy', 'Delete', 'Get', 'Replace'] },
});

function sample(): Tree {
  return createTree({
    objects: [new MemoryObject(TEMPLATE, undefined)],
    rootAcl: 'Add=*&Delete=*&Exec=*&Get=*&Replace=*',
  });
}

async function run(tree: Tree, commands: readonly RequestCommand[]): Promise<number[]> {
  const statuses: Pick<StatusCommand, 'code'>[] = [];
  const errors: unknown[] = [];
  const options = { onError: (error: unknown) => errors.push(error) };
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', commands, options)) {
    if (answer.kind === 'Status') statuses.push(answer);
  }
  expect(errors).toEqual([]);
  return statuses.map(({ code }) => code);
}

/** Everything there is to know of a tree, in its order. */
async function everything(tree: Tree, path: Path = []): Promise<unknown[]> {
  const node = await tree.find(path);
  const at = tree.objectAt(path);
  const value = node?.format === 'node' ? undefined : await at?.object.read(at.path);
  const all: unknown[] = [[formatLocUri(path), node, value, formatAcl(await tree.ownAcl(path))]];
  for await (const name of tree.children(path)) all.push(...(await everything(tree, [...path, name])));
  return all;
}

const locUri = fc
  .array(fc.constantFrom('a', 'b', 'c', 's', 'n'), { minLength: 1, maxLength: 3 })
  .map((names) => ['.', 'R', ...names].join('/'));
const data = fc.constantFrom('', 'x', '7', 'long text');
const plain = fc.record({ target: fc.record({ locUri }), data }, { requiredKeys: ['target', 'data'] });
const interior = fc.record({ target: fc.record({ locUri }), meta: fc.constant({ format: 'node' }) });
const document = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'n'), data), {
    selector: ([name]) => name,
    minLength: 1,
    maxLength: 3,
  })
  .map((leaves) => {
    const nodes = leaves.map(([name, text]) =>
      branch('ddf:Node', [leaf('ddf:NodeName', name), leaf('ddf:Value', text)]),
    );
    const root = branch('ddf:MgmtTree', [leaf('ddf:VerDTD', '1.2'), ...nodes]);
    return Buffer.from(encodeFile([root], { encoding: 'xml' })).toString();
  });
const tnds = fc.record({ target: fc.record({ locUri }), meta: fc.constant(TNDS), data: document });
const acl = fc.record({
  target: fc.record({ locUri: locUri.map((uri) => `${uri}?prop=ACL`) }),
  data: fc.constantFrom('', 'Get=*&Replace=srv', 'Get=*', 'Get=other', 'bad'),
});
const rename = fc.record({
  target: fc.record({ locUri: locUri.map((uri) => `${uri}?prop=Name`) }),
  data: fc.constantFrom('a', 'b', 'n', 'm', '..'),
});
const copied = fc.record({ source: fc.record({ locUri }), target: fc.record({ locUri }) });

function command(kind: 'Add' | 'Copy' | 'Delete' | 'Replace', item: fc.Arbitrary<Item>): fc.Arbitrary<RequestCommand> {
  return fc.array(item, { minLength: 1, maxLength: 2 }).map((items) => ({ kind, cmdId: '2', items }));
}

/** Weighted so that about half of the lists apply. */
const anyCommand = fc.oneof(
  { weight: 4, arbitrary: command('Add', plain) },
  { weight: 2, arbitrary: command('Add', interior) },
  { weight: 2, arbitrary: command('Add', tnds) },
  { weight: 2, arbitrary: command('Replace', plain) },
  { weight: 2, arbitrary: command('Replace', tnds) },
  { weight: 2, arbitrary: command('Replace', acl) },
  { weight: 2, arbitrary: command('Replace', rename) },
  { weight: 3, arbitrary: command('Delete', plain) },
  { weight: 2, arbitrary: command('Copy', copied) },
);

describe('Atomic', () => {
  it('device: applies a list as if its commands stood alone, or leaves the tree exactly as it was', async () => {
    const seen = { applied: 0, rolledBack: 0 };
    const commandsBefore = fc.array(anyCommand, { maxLength: 4 });
    const commands = fc.array(anyCommand, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(commandsBefore, commands, async (before, list) => {
        const [tree, twin] = [sample(), sample()];
        await run(tree, before);
        await run(twin, before);
        const untouched = await everything(tree);
        const [code, ...childCodes] = await run(tree, [{ kind: 'Atomic', cmdId: '1', commands: list }]);
        if (code === 200) {
          seen.applied += 1;
          expect(new Set(childCodes)).toEqual(new Set([200]));
          expect(new Set(await run(twin, list))).toEqual(new Set([200]));
          expect(await everything(tree)).toEqual(await everything(twin));
          return;
        }
        seen.rolledBack += childCodes.includes(216) ? 1 : 0;
        expect(code).toBe(507);
        expect(childCodes.filter((each) => ![215, 216].includes(each))).toHaveLength(1);
        expect(await everything(tree)).toEqual(untouched);
      }),
      { numRuns: RUNS },
    );
    expect(seen.applied).toBeGreaterThan(10);
    expect(seen.rolledBack).toBeGreaterThan(10);
  });

  it('device: leaves the tree exactly as it was when a serialised subtree fails, also outside of an Atomic', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyCommand, { maxLength: 4 }),
        fc.oneof(command('Add', tnds), command('Replace', tnds)),
        async (before, list) => {
          const tree = sample();
          await run(tree, before);
          const untouched = await everything(tree);
          const codes = await run(tree, [list]);
          if (!codes.includes(200)) expect(await everything(tree)).toEqual(untouched);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
