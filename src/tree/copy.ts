import { STATUS } from '../protocol/message/codes.ts';
import { allOrNothing } from './all-or-nothing.ts';
import { isAtOrBelow, type Path } from './management-object.ts';
import { DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { refusalOf } from './rights.ts';
import { subtree, type SubtreeNode, valueOf } from './subtree.ts';
import { canTakeBack } from './stage.ts';
import { create, replace } from './writes.ts';

/**
 * Copy: the value of a leaf to another, which is made where it is not there; or, all or nothing, an interior node with
 * what the caller may get below it to where nothing is yet. [REPPRO 6.6.4]
 *
 * Choice: the source must allow Copy and Get, the target what Replace or Add need. The standard asks for leaves only.
 */
export async function copy(execution: Execution, from: Path, to: Path): Promise<Outcome> {
  const { tree } = execution;
  const source = await tree.find(from);
  if (!source) return refused(STATUS.notFound);
  if (!source.access.includes('Copy')) return refused(STATUS.commandNotAllowed);
  const refusal = await refusalOf(execution, from, source, 'Get');
  if (refusal) return refusal;
  const target = await tree.find(to);
  if (source.format === 'node') {
    if (target) return refused(target.format === 'node' ? STATUS.alreadyExists : STATUS.forbidden);
    if (isAtOrBelow(to, from) || !canTakeBack(tree, to)) return refused(STATUS.forbidden);
    const nodes = subtree(execution, from, source, await tree.effectiveAcl(from));
    return allOrNothing(execution, (inside) => copyAll(inside, nodes, from, to));
  }
  if (target?.format === 'node') return refused(STATUS.forbidden);
  const { format, type } = source;
  const data = await valueOf(execution, { path: from, node: source });
  return target
    ? replace(execution, to, { format, type }, data)
    : create(execution, to, { format, type, data }, 'checked');
}

async function copyAll(
  execution: Execution,
  nodes: AsyncIterable<SubtreeNode>,
  from: Path,
  to: Path,
): Promise<Outcome> {
  for await (const { path, node } of nodes) {
    const at = [...to, ...path.slice(from.length)];
    const data = node.format === 'node' ? '' : await valueOf(execution, { path, node });
    const outcome = await create(execution, at, { format: node.format, type: node.type, data }, 'checked');
    if (outcome.code !== STATUS.ok) return outcome;
  }
  return DONE;
}
