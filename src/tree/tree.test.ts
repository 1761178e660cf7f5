import { describe, expect, it } from 'vitest';
import { formatAcl } from './acl.ts';
import { MemoryNodeMap } from './node-map.ts';
import type { Path } from './management-object.ts';
import { MemoryObject } from './memory-object.ts';
import { objectTemplate } from './object-template.ts';
import { createTree, type Tree } from './tree.ts';

function objectAt(root: string, leaf = 'leaf'): MemoryObject {
  return new MemoryObject(
    objectTemplate(root === '' ? [] : root.split('/'), {
      [leaf]: { format: 'chr', access: ['Get', 'Delete'] },
    }),
    undefined,
  );
}

async function namesAt(tree: Tree, path: Path): Promise<string[]> {
  const names: string[] = [];
  for await (const name of tree.children(path)) names.push(name);
  return names;
}

describe('tree', () => {
  it('has a permanent root even without objects', async () => {
    const tree = createTree({ objects: [] });
    expect(await tree.find([])).toMatchObject({ format: 'node', permanent: true });
    expect(await namesAt(tree, [])).toEqual([]);
    expect(await tree.find(['A'])).toBeUndefined();
  });

  it('implies the nodes above an object', async () => {
    const tree = createTree({ objects: [objectAt('SCR/Results'), objectAt('SCR/Other'), objectAt('DevInfo')] });
    expect(await namesAt(tree, [])).toEqual(['SCR', 'DevInfo']);
    expect(await namesAt(tree, ['SCR'])).toEqual(['Results', 'Other']);
    expect(await tree.find(['SCR'])).toMatchObject({ format: 'node', access: ['Get'], permanent: true });
    expect(tree.objectAt(['SCR'])).toBeUndefined();
    expect(tree.objectAt(['SCR', 'Results', 'leaf'])?.path).toEqual(['leaf']);
    expect(await tree.find(['SCR', 'Nothing'])).toBeUndefined();
  });

  it('lets the deeper object answer, and shows both where they meet', async () => {
    const tree = createTree({ objects: [objectAt(''), objectAt('A/B'), objectAt('A', 'B')] });
    expect(await namesAt(tree, [])).toEqual(['A', 'leaf']);
    expect(await namesAt(tree, ['A'])).toEqual(['B']);
    expect(await namesAt(tree, ['A', 'B'])).toEqual(['leaf']);
    expect(await tree.find(['A', 'B'])).toMatchObject({ format: 'node' });
  });

  it('leaves out an object that has no root of its own at the moment', async () => {
    const gone = objectAt('Gone');
    gone.remove([]);
    const tree = createTree({ objects: [gone, objectAt('Here')] });
    expect(await namesAt(tree, [])).toEqual(['Here']);
  });

  it('refuses two objects at one place', () => {
    expect(() => createTree({ objects: [objectAt('A'), objectAt('A')] })).toThrow(/\.\/A/);
  });

  it('takes the whole ACL of the nearest node above that has one', async () => {
    const acls = new MemoryNodeMap<string>();
    const tree = createTree({ objects: [], acls });
    expect(formatAcl(await tree.effectiveAcl(['A', 'B']))).toBe('Add=*&Get=*');
    acls.set(['A'], 'Replace=srv');
    expect(formatAcl(await tree.effectiveAcl(['A', 'B']))).toBe('Replace=srv');
    expect((await tree.ownAcl(['A', 'B'])).size).toBe(0);
    acls.set(['A', 'B'], 'Get=srv');
    expect(formatAcl(await tree.effectiveAcl(['A', 'B']))).toBe('Get=srv');
    expect(formatAcl(await tree.effectiveAcl(['AB']))).toBe('Add=*&Get=*');
  });

  it('gives nobody any right under an empty root ACL', async () => {
    expect((await createTree({ objects: [], rootAcl: '' }).effectiveAcl(['A'])).size).toBe(0);
  });
});
