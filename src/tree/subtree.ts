import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data } from '../protocol/message/message.ts';
import { type Acl, allows } from './acl.ts';
import { formatLocUri } from './loc-uri.ts';
import type { BranchNode, NodeInfo, Path } from './management-object.ts';
import { outgoing } from './node-value.ts';
import type { Execution } from './outcome.ts';

/** A node of a subtree, from the root of the tree. */
export interface SubtreeNode {
  readonly path: Path;
  readonly node: NodeInfo;
  /** Of a leaf that was read with its parent. */
  readonly data?: Data | undefined;
}

/**
 * The node and all below it that the caller may get, parents first, read while they are pulled. `acl` is the one that
 * counts at the node. [TND 8.4]
 *
 * Choice: below a node that may not be got nothing is listed, because its children's names are its value.
 */
export async function* subtree(
  execution: Execution,
  path: Path,
  node: NodeInfo,
  acl: Acl,
): AsyncGenerator<SubtreeNode> {
  const { tree, caller } = execution;
  const branch = node.format === 'node' ? await tree.branch(path) : undefined;
  if (branch) {
    yield* ofBranch(execution, path, branch, acl);
    return;
  }
  yield { path, node };
  if (node.format !== 'node') return;
  for await (const name of tree.children(path)) {
    const child = [...path, name];
    const info = await tree.find(child);
    if (!info?.access.includes('Get')) continue;
    const own = await tree.ownAcl(child);
    const effective = own.size > 0 ? own : acl;
    if (allows(effective, 'Get', caller.serverId)) yield* subtree(execution, child, info, effective);
  }
}

/** What `subtree` yields of nodes that are there already. */
async function* ofBranch(
  { tree, caller }: Execution,
  top: Path,
  branch: readonly BranchNode[],
  acl: Acl,
): AsyncGenerator<SubtreeNode> {
  /** ACLs that count at the last node and those above it, by depth below the top; undefined: it may not be got. */
  const acls: (Acl | undefined)[] = [];
  for (const { path: below, node, data } of branch) {
    const path = [...top, ...below];
    const depth = below.length;
    acls[depth] = depth === 0 ? acl : await aclBelow(acls[depth - 1], path, node);
    if (acls[depth]) yield { path, node, data };
  }

  async function aclBelow(parent: Acl | undefined, path: Path, node: NodeInfo): Promise<Acl | undefined> {
    if (!parent || !node.access.includes('Get')) return undefined;
    const own = await tree.ownAcl(path);
    const effective = own.size > 0 ? own : parent;
    return allows(effective, 'Get', caller.serverId) ? effective : undefined;
  }
}

/** Value of a leaf as it goes into a message. Throws `StatusError` 404, and whatever its object throws. */
export async function valueOf({ tree }: Execution, { path, node, data }: SubtreeNode): Promise<Data> {
  if (data !== undefined) return outgoing(node.format, data);
  const at = tree.objectAt(path);
  if (!at) throw new StatusError(STATUS.notFound, 'TREE_NO_NODE', `there is no node ${formatLocUri(path)}`);
  return outgoing(node.format, await at.object.read(at.path));
}

/** Value of a leaf of a subtree; undefined where it cannot be read: the Status is on its way already. */
export async function readable(execution: Execution, leaf: SubtreeNode): Promise<{ readonly data: Data } | undefined> {
  try {
    return { data: await valueOf(execution, leaf) };
  } catch (error) {
    if (!(error instanceof StatusError)) execution.report(error);
    return undefined;
  }
}
