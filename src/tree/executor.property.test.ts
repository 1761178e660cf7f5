import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer, Item, RequestCommand } from '../protocol/message/message.ts';
import { executeCommands } from './executor.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

const RUNS = 300;
const TEMPLATE = objectTemplate(['R'], {
  '': { format: 'node', access: ['Get', 'Add'] },
  'a/b': { format: 'chr', access: ['Get', 'Copy', 'Replace'], value: 'template' },
  b: { format: 'node', access: ['Get', 'Add', 'Delete', 'Replace'] },
  'b/a': { format: 'chr', access: ['Get', 'Copy', 'Delete', 'Replace'], value: 'template' },
  c: { format: 'null', access: ['Exec'], exec: () => ({ status: 200 }) },
});

function sample(): Tree {
  return createTree({
    objects: [new MemoryObject(TEMPLATE, undefined)],
    rootAcl: 'Add=*&Delete=*&Exec=*&Get=*&Replace=*',
  });
}

async function run(tree: Tree, commands: readonly RequestCommand[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for await (const answer of executeCommands(tree, { serverId: 'srv' }, '1', commands)) answers.push(answer);
  return answers;
}

/** The same tree as plain as it can be: a value for each leaf, undefined for an interior node. */
class Model {
  readonly #nodes = new Map<string, string | undefined>([
    ['.', undefined],
    ['./R', undefined],
    ['./R/a', undefined],
    ['./R/a/b', 'template'],
    ['./R/b', undefined],
    ['./R/b/a', 'template'],
    ['./R/c', ''],
  ]);
  /** What the template has and nobody deletes. */
  readonly #permanent = ['.', './R', './R/a', './R/a/b', './R/c'];

  code(step: Step): number {
    const { kind, path } = step;
    const exists = this.#nodes.has(path);
    const isLeaf = this.#nodes.get(path) !== undefined;
    switch (kind) {
      case 'Add':
        return exists ? 418 : this.#add(path, step.data);
      case 'Get':
        return !exists ? 404 : path === './R/c' ? 405 : 200;
      case 'Delete':
        if (!exists) return 404;
        if (this.#permanent.includes(path)) return 405;
        for (const node of [...this.#nodes.keys()]) if (isAt(node, path)) this.#nodes.delete(node);
        return 200;
      case 'Replace':
        if (!exists) return 404;
        if (!isLeaf || path === './R/c') return 405;
        this.#nodes.set(path, step.data);
        return 200;
    }
  }

  /** Every leaf that can be read, in any order. */
  leaves(): [string, string][] {
    return [...this.#nodes].flatMap(([path, value]) =>
      value === undefined || path === './R/c' ? [] : [[path, value]],
    );
  }

  #add(path: string, data: string): number {
    const parents = path.split('/').map((_, at, names) => names.slice(0, at + 1).join('/'));
    const nearest = parents.findLast((node) => this.#nodes.has(node)) ?? '.';
    const takes = this.#nodes.get(nearest) === undefined && !['.', './R/a'].includes(nearest);
    if (!takes) return 405;
    for (const node of parents.slice(0, -1)) if (!this.#nodes.has(node)) this.#nodes.set(node, undefined);
    this.#nodes.set(path, data);
    return 200;
  }
}

function isAt(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

interface Step {
  readonly kind: 'Add' | 'Get' | 'Delete' | 'Replace';
  readonly path: string;
  readonly data: string;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('Add', 'Get', 'Delete', 'Replace'),
  path: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }).map((names) => ['.', 'R', ...names].join('/')),
  data: fc.string({ maxLength: 3 }),
});

describe('executor over a memory object', () => {
  it('agrees with a plain map of nodes, command by command', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const tree = sample();
        const model = new Model();
        for (const each of steps) {
          const item: Item = { target: { locUri: each.path }, data: each.data };
          const [answer] = await run(tree, [{ kind: each.kind, cmdId: '1', items: [item] }]);
          expect([each, answer]).toMatchObject([each, { kind: 'Status', code: model.code(each) }]);
        }
        const get: RequestCommand = { kind: 'Get', cmdId: '1', items: [{ target: { locUri: '.?list=StructData' } }] };
        const listed = (await run(tree, [get])).flatMap((answer) => (answer.kind === 'Results' ? answer.items : []));
        const leaves = listed.flatMap(({ source, data }) => (data === undefined ? [] : [[source?.locUri, data]]));
        expect(leaves.sort()).toEqual(model.leaves().sort());
      }),
      { numRuns: RUNS },
    );
  });
});

describe('executor', () => {
  const locUri = fc.oneof(
    fc.string({
      unit: fc.constantFrom('.', '/', 'R', 'a', 'b', 'c', '?', 'prop=ACL', 'list=StructData', ' '),
      maxLength: 8,
    }),
    fc.constantFrom('./R', './R/a/b', './R/b/a', './R/c', './R/b/x', './R?list=Struct', './R/b?prop=ACL'),
  );
  const location = fc.record({ locUri });
  const data = fc.oneof(fc.string(), fc.uint8Array({ maxLength: 8 }), fc.constantFrom('Get=*', '1', 'true'));
  const meta = fc.record(
    { format: fc.oneof(fc.string(), fc.constantFrom('int', 'bin', 'b64', 'node', 'null')), type: fc.string() },
    { requiredKeys: [] },
  );
  const items = fc.array(fc.record({ target: location, source: location, data, meta }, { requiredKeys: [] }), {
    maxLength: 3,
  });
  const cmdId = fc.string({ minLength: 1, maxLength: 3 });
  const { command } = fc.letrec<{ command: RequestCommand }>((tie) => ({
    command: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.record({ kind: fc.constantFrom('Add', 'Replace', 'Delete', 'Copy', 'Get'), cmdId, items, meta }),
      fc.record({ kind: fc.constant('Exec'), cmdId, items, correlator: fc.option(fc.string(), { nil: undefined }) }),
      fc.record({ kind: fc.constant('Alert'), cmdId, code: fc.nat(2000), items }),
      fc.record({ kind: fc.constant('Foreign'), cmdId, name: fc.constantFrom('Sync', 'Map', 'Put', 'Search', 'Move') }),
      fc.record({
        kind: fc.constantFrom('Sequence', 'Atomic'),
        cmdId,
        commands: fc.array(tie('command'), { maxLength: 3 }),
      }),
    ),
  }));

  it('answers any command with a Status, in order, and never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 5 }), async (commands) => {
        const unexpected: unknown[] = [];
        const answers: Answer[] = [];
        const options = { onError: (error: unknown) => unexpected.push(error) };
        for await (const answer of executeCommands(sample(), { serverId: 'srv' }, '1', commands, options)) {
          answers.push(answer);
        }
        expect(unexpected).toEqual([]);
        const cmdRefs = answers.filter(({ kind }) => kind === 'Status').map(({ cmdRef }) => cmdRef);
        expect(withoutRepeats(cmdRefs)).toEqual(withoutRepeats(commands.flatMap(cmdIdsOf)));
      }),
      { numRuns: RUNS },
    );
  });

  function cmdIdsOf(of: RequestCommand): string[] {
    return [of.cmdId, ...('commands' in of ? of.commands.flatMap(cmdIdsOf) : [])];
  }

  /** A command with several Items may have several Status in a row. */
  function withoutRepeats(cmdIds: readonly string[]): string[] {
    return cmdIds.filter((id, at) => id !== cmdIds[at - 1]);
  }
});
