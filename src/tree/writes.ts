import { STATUS } from '../protocol/message/codes.ts';
import type { Data, Item, Meta } from '../protocol/message/message.ts';
import { type Acl, allows, formatAcl, isAclServerId } from './acl.ts';
import { formatLocUri } from './loc-uri.ts';
import type { ExecRequest, NodeValue, Path } from './management-object.ts';
import { noteChange } from './kept-properties.ts';
import { newNodeOf, newValueOf } from './node-value.ts';
import { attempt, DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { refusalOf } from './rights.ts';

/** Whether the ACL must give Add, or has given what counts already. */
export type Rights = 'checked' | 'given';

const INTERIOR: NodeValue = { format: 'node', type: '', data: '' };

/** Add: makes a node that is not there yet, and the interior nodes above it that are missing. [REPPRO] */
export async function add(execution: Execution, path: Path, meta: Meta, data: Data | undefined): Promise<Outcome> {
  if (await execution.tree.find(path)) return refused(STATUS.alreadyExists);
  return create(execution, path, newNodeOf(meta, data), 'checked');
}

/** Replace of a value: the leaf is there already, or is one that a Replace makes. [REPPRO] */
export async function replace(execution: Execution, path: Path, meta: Meta, data: Data | undefined): Promise<Outcome> {
  const at = execution.tree.objectAt(path);
  const node = (await execution.tree.find(path)) ?? at?.object.blank?.(at.path);
  if (!node) return refused(STATUS.notFound);
  const refusal = await refusalOf(execution, path, node, 'Replace');
  if (refusal) return refusal;
  if (node.format === 'node') return refused(STATUS.commandNotAllowed);
  const value = newValueOf(node, meta, data);
  if (!at?.object.replace) return refused(STATUS.commandNotAllowed);
  await execution.stage?.keep(path);
  await at.object.replace(at.path, value, execution.caller);
  await noteChange(execution.tree, path);
  return DONE;
}

/** Delete: the node and all below it, and their ACLs. Rights below the node do not count. [REPPRO] */
export async function remove(execution: Execution, path: Path): Promise<Outcome> {
  const node = await execution.tree.find(path);
  if (!node) return refused(STATUS.notFound);
  if (node.permanent) return refused(STATUS.commandNotAllowed);
  return (await refusalOf(execution, path, node, 'Delete')) ?? removeUnchecked(execution, path);
}

/** Exec: the object answers with the Status itself. [REPPRO] */
export async function exec(execution: Execution, path: Path, request: ExecRequest): Promise<Outcome> {
  const node = await execution.tree.find(path);
  if (!node) return refused(STATUS.notFound);
  const refusal = await refusalOf(execution, path, node, 'Exec');
  if (refusal) return refusal;
  const at = execution.tree.objectAt(path);
  if (!at?.object.exec) return refused(STATUS.commandNotAllowed);
  const { status, data } = await at.object.exec(at.path, request, execution.caller);
  return { code: status, items: data === undefined ? [] : [{ data }] };
}

/** A node that is not there, from its nearest existing ancestor down. What was made is taken back when one of them fails. */
export async function create(execution: Execution, path: Path, value: NodeValue, rights: Rights): Promise<Outcome> {
  const { tree } = execution;
  let depth = path.length - 1;
  while (!(await tree.find(path.slice(0, depth)))) depth -= 1;
  let topmost: Path | undefined;
  for (depth += 1; depth <= path.length; depth += 1) {
    const node = path.slice(0, depth);
    const isImplicit = depth < path.length;
    const isInterior = isImplicit || value.format === 'node';
    // An object may make the nodes below a new one of its own accord.
    if (topmost && isInterior && (await tree.find(node))) continue;
    const outcome = await attempt(execution, () => createOne(execution, node, isImplicit ? INTERIOR : value, rights));
    if (outcome.code !== STATUS.ok) {
      const created = topmost;
      if (created) await attempt(execution, () => removeUnchecked(execution, created));
      return isImplicit ? { ...outcome, items: naming(node, outcome.items) } : outcome;
    }
    topmost ??= node;
  }
  return DONE;
}

async function createOne(execution: Execution, path: Path, value: NodeValue, rights: Rights): Promise<Outcome> {
  const { tree, caller } = execution;
  const parentPath = path.slice(0, -1);
  const parent = await tree.find(parentPath);
  if (!parent) return refused(STATUS.notFound);
  if (parent.format !== 'node') return refused(STATUS.commandNotAllowed);
  if (!parent.access.includes('Add')) return refused(STATUS.commandNotAllowed);
  const refusal = rights === 'checked' ? await refusalOf(execution, parentPath, parent, 'Add') : undefined;
  if (refusal) return refusal;
  const at = tree.objectAt(path);
  if (!at?.object.add || at.path.length === 0) return refused(STATUS.commandNotAllowed);
  await execution.stage?.keep(path);
  await at.object.add(at.path, value, caller);
  const acl = aclOfNew(value, await tree.effectiveAcl(parentPath), caller.serverId);
  if (acl !== undefined) await tree.acls.set(path, acl);
  await noteChange(tree, path, parentPath);
  return DONE;
}

/** A server that could not replace the ACL of its new interior node gets rights on it; any other new node inherits. [TND 7.7.1] */
function aclOfNew(value: NodeValue, parentAcl: Acl, serverId: string): string | undefined {
  if (value.format !== 'node' || allows(parentAcl, 'Replace', serverId) || !isAclServerId(serverId)) return undefined;
  const ids = [serverId];
  return formatAcl(
    new Map([
      ['Add', ids],
      ['Delete', ids],
      ['Replace', ids],
    ]),
  );
}

/** Deletes a node with all below it and what the tree keeps of them, whoever asks. */
export async function removeUnchecked({ tree, caller, stage }: Execution, path: Path): Promise<Outcome> {
  const at = tree.objectAt(path);
  if (!at?.object.delete) return refused(STATUS.commandNotAllowed);
  await stage?.keep(path);
  await at.object.delete(at.path, caller);
  await Promise.all([tree.acls.forget(path), tree.properties?.store.forget(path), noteChange(tree, path.slice(0, -1))]);
  return DONE;
}

/** The node that failed, beside why. */
function naming(path: Path, items: readonly Item[]): readonly Item[] {
  return [{ target: { locUri: formatLocUri(path) }, data: items[0]?.data }];
}
