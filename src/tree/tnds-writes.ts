import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data, Meta } from '../protocol/message/message.ts';
import { setTitle } from './kept-properties.ts';
import { isAtOrBelow, type Path } from './management-object.ts';
import { replaceProperty } from './node-properties.ts';
import { DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { refusalOf } from './rights.ts';
import { allOrNothing } from './all-or-nothing.ts';
import { canTakeBack } from './stage.ts';
import { readTnds, type TndsNode } from './tnds-reader.ts';
import { create, removeUnchecked, type Rights } from './writes.ts';

/** Add of a serialised subtree: all its nodes or none, under the rights of the caller. [REPPRO 6.6.1, TNDS] */
export async function addTnds(execution: Execution, path: Path, meta: Meta, data: Data | undefined): Promise<Outcome> {
  const at = execution.tree.objectAt(path);
  if (at?.object.placeFor) return addToInbox(execution, path, meta, data);
  if (!canTakeBack(execution.tree, path)) return refused(STATUS.unsupportedType);
  const nodes = readTnds(documentOf(meta, data), path.at(-1));
  return allOrNothing(execution, (inside) => addAll(inside, path, nodes, 'checked'));
}

/**
 * Replace by a serialised subtree: as if all below the node were deleted and added again, all or nothing. The right to
 * Replace the node is enough. [REPPRO 6.6.11, TNDS]
 */
export async function replaceTnds(
  execution: Execution,
  path: Path,
  meta: Meta,
  data: Data | undefined,
): Promise<Outcome> {
  const node = await execution.tree.find(path);
  if (!node) return refused(STATUS.notFound);
  const refusal = await refusalOf(execution, path, node, 'Replace');
  if (refusal) return refusal;
  if (node.format !== 'node' || !canTakeBack(execution.tree, path)) return refused(STATUS.unsupportedType);
  const nodes = readTnds(documentOf(meta, data), path.at(-1));
  if (nodes.some(({ path: below, value }) => below.length === 0 && value.format !== 'node')) {
    return refused(STATUS.unsupportedType);
  }
  return allOrNothing(execution, async (inside) => {
    await inside.stage?.keep(path);
    const names: string[] = [];
    for await (const name of inside.tree.children(path)) names.push(name);
    for (const name of names) {
      const child = [...path, name];
      if ((await inside.tree.find(child))?.permanent) return refused(STATUS.commandNotAllowed);
      const outcome = await removeUnchecked(inside, child);
      if (outcome.code !== STATUS.ok) return outcome;
    }
    const below = nodes.filter((each) => each.path.length > 0);
    const outcome = await addAll(inside, path, below, 'given');
    const top = nodes.find((each) => each.path.length === 0);
    if (outcome.code !== STATUS.ok || !top) return outcome;
    if (top.title !== undefined) await setTitle(inside.tree, path, top.title);
    return top.acl === undefined ? outcome : replaceProperty(inside, path, 'ACL', top.acl);
  });
}

/** Each object at the top of the document goes where its MO identifier belongs. [STDOBJ 5.3.4] */
async function addToInbox(execution: Execution, inbox: Path, meta: Meta, data: Data | undefined): Promise<Outcome> {
  const info = await execution.tree.find(inbox);
  if (!info) return refused(STATUS.notFound);
  const refusal = await refusalOf(execution, inbox, info, 'Add');
  if (refusal) return refusal;
  const nodes = readTnds(documentOf(meta, data), undefined);
  const placeOf = (type: string) => execution.tree.objectAt(inbox)?.object.placeFor?.(type);
  return allOrNothing(execution, async (inside) => {
    let top: TndsNode | undefined;
    for (const node of nodes) {
      if (top && isAtOrBelow(node.path, top.path)) continue;
      top = node;
      const place = placeOf(node.value.type);
      if (!place) {
        throw new StatusError(STATUS.unsupportedType, 'TREE_INBOX', 'the inbox knows no place for an MO of this Type');
      }
      const root = [...place, node.path.at(-1) ?? (await freeName(inside, place))];
      const own = nodes.filter(({ path }) => isAtOrBelow(path, node.path));
      const moved = own.map((each) => ({ ...each, path: each.path.slice(node.path.length) }));
      const outcome = await addAll(inside, root, moved, 'given');
      if (outcome.code !== STATUS.ok) return outcome;
    }
    return DONE;
  });
}

/** The client names what comes without a name: the lowest free number. */
async function freeName({ tree }: Execution, parent: Path): Promise<string> {
  for (let number = 1; ; number += 1) {
    if (!(await tree.find([...parent, String(number)]))) return String(number);
  }
}

/** Parents first; ACLs come last and from the bottom up, so that none of them is in the way of another node. */
async function addAll(
  execution: Execution,
  target: Path,
  nodes: readonly TndsNode[],
  rights: Rights,
): Promise<Outcome> {
  const { tree } = execution;
  const made = new Set<string>();
  for (const { path, value, title } of nodes) {
    const at = [...target, ...path];
    const existing = await tree.find(at);
    // An object may make the nodes below a new one of its own accord.
    const isMade = rights === 'given' || made.has(path.slice(0, -1).join('/'));
    made.add(path.join('/'));
    if (existing && path.length > 0 && isMade && existing.format === 'node' && value.format === 'node') continue;
    if (existing) return refused(STATUS.alreadyExists);
    const outcome = await create(execution, at, value, rights);
    if (outcome.code !== STATUS.ok) return outcome;
    if (title !== undefined) await setTitle(tree, at, title);
  }
  for (const { path, acl } of nodes.toReversed()) {
    if (acl === undefined) continue;
    const outcome = await replaceProperty(execution, [...target, ...path], 'ACL', acl);
    if (outcome.code !== STATUS.ok) return outcome;
  }
  return DONE;
}

/** The octets of the document, where they came as base64. */
function documentOf(meta: Meta, data: Data | undefined): Data {
  if (data === undefined) throw new StatusError(STATUS.badRequest, 'TREE_NO_DATA', 'the Item has no Data');
  const isBase64 = meta.format?.trim().toLowerCase() === 'b64' && typeof data === 'string';
  return isBase64 ? Buffer.from(data, 'base64') : data;
}
