import { STATUS } from '../protocol/message/codes.ts';
import type { Data } from '../protocol/message/message.ts';
import { allows, formatAcl, parseAcl } from './acl.ts';
import { checkTitle, noteChange, setTitle, timeStamp, UNCHANGED } from './kept-properties.ts';
import { checkedName, formatLocUri, parseLocUri } from './loc-uri.ts';
import type { NodeInfo, Path } from './management-object.ts';
import { outgoing } from './node-value.ts';
import { DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { refusalOf } from './rights.ts';
import type { Tree } from './tree.ts';

/** What a Get of a property answers: its value, or why there is none. */
export type PropertyReading =
  { readonly kind: 'value'; readonly data: string } | { readonly kind: 'refused'; readonly outcome: Outcome };

/** Properties of DM. [TND 7.7] */
const PROPERTIES = ['ACL', 'Format', 'Name', 'Size', 'Title', 'TStamp', 'Type', 'VerNo'] as const;
type PropertyName = (typeof PROPERTIES)[number];

/**
 * Get of `?prop=Name` on a node that exists. [TND 7.7]
 *
 * Choice: AccessType is about the value, so only the ACL counts; but Size tells something of the value and needs both.
 * Title, TStamp and VerNo have no value of a node that no server can change [406]: its object may change at any time.
 */
export async function readProperty(
  execution: Execution,
  path: Path,
  node: NodeInfo,
  name: string,
): Promise<PropertyReading> {
  const { tree, caller } = execution;
  const property = propertyNamed(tree, name);
  if (tree.objectAt(path)?.object.placeFor) return refusedReading(STATUS.commandNotAllowed);
  if (property === undefined) return refusedReading(STATUS.featureNotSupported);
  if (!allows(await tree.effectiveAcl(path), 'Get', caller.serverId)) return refusedReading(STATUS.permissionDenied);
  switch (property) {
    case 'ACL':
      return { kind: 'value', data: formatAcl(await tree.ownAcl(path)) };
    case 'Format':
      return { kind: 'value', data: node.format };
    case 'Name':
      return { kind: 'value', data: path.at(-1) ?? '.' };
    case 'Type':
      return { kind: 'value', data: node.type };
    case 'Size': {
      if (node.format === 'node') return refusedReading(STATUS.featureNotSupported);
      const at = tree.objectAt(path);
      if (!at || !node.access.includes('Get')) return refusedReading(STATUS.commandNotAllowed);
      const data = outgoing(node.format, await at.object.read(at.path));
      return { kind: 'value', data: String(Buffer.byteLength(data)) };
    }
    case 'Title':
    case 'TStamp':
    case 'VerNo': {
      const { title, changedAt, verNo } = (await tree.properties?.store.get(path)) ?? UNCHANGED;
      const isChangeable = node.access.includes('Add') || node.access.includes('Replace');
      if (changedAt === undefined && !isChangeable) return refusedReading(STATUS.featureNotSupported);
      if (property === 'Title') return { kind: 'value', data: title ?? '' };
      if (property === 'VerNo') return { kind: 'value', data: String(verNo) };
      return { kind: 'value', data: changedAt === undefined ? '' : timeStamp(changedAt) };
    }
  }
}

/**
 * Replace on `?prop=Name`. [TND 7.7]
 *
 * Choice: the ACL of the root stays as the device was given it [405].
 */
export async function replaceProperty(
  execution: Execution,
  path: Path,
  name: string,
  data: Data | undefined,
): Promise<Outcome> {
  const { tree } = execution;
  const node = await tree.find(path);
  if (!node) return refused(STATUS.notFound);
  switch (propertyNamed(tree, name)) {
    case 'ACL':
      return replaceAcl(execution, path, node, data);
    case 'Name':
      return rename(execution, path, node, data);
    case 'Title':
      return replaceTitle(execution, path, node, data);
    case 'Format':
    case 'Size':
    case 'TStamp':
    case 'Type':
    case 'VerNo':
      return refused(STATUS.commandNotAllowed);
    case undefined:
      return refused(STATUS.featureNotSupported);
  }
}

async function replaceAcl(execution: Execution, path: Path, node: NodeInfo, data: Data | undefined): Promise<Outcome> {
  if (path.length === 0) return refused(STATUS.commandNotAllowed);
  if (!(await mayReplaceAcl(execution, path, node))) return refused(STATUS.permissionDenied);
  if (typeof data !== 'string') return refused(STATUS.badRequest);
  const acl = formatAcl(parseAcl(data));
  await execution.tree.acls.set(path, acl === '' ? undefined : acl);
  return DONE;
}

/** Choice: who may Replace the node may give it a title, where the node allows that. [TND 7.7] */
async function replaceTitle(
  execution: Execution,
  path: Path,
  node: NodeInfo,
  data: Data | undefined,
): Promise<Outcome> {
  const refusal = await refusalOf(execution, path, node, 'Replace');
  if (refusal) return refusal;
  if (typeof data !== 'string') return refused(STATUS.badRequest);
  checkTitle(data);
  await setTitle(execution.tree, path, data);
  return DONE;
}

/** Another name for a node that is not permanent; what is kept of it and of all below goes with it. [TND 7.7.4] */
async function rename(execution: Execution, path: Path, node: NodeInfo, data: Data | undefined): Promise<Outcome> {
  const { tree, caller } = execution;
  if (node.permanent) return refused(STATUS.commandNotAllowed);
  const refusal = await refusalOf(execution, path, node, 'Replace');
  if (refusal) return refusal;
  if (typeof data !== 'string') return refused(STATUS.badRequest);
  const name = checkedName(data);
  const renamed = [...path.slice(0, -1), name];
  parseLocUri(formatLocUri(renamed), tree.uriLimits);
  if (name === path.at(-1)) return DONE;
  if (await tree.find(renamed)) return refused(STATUS.alreadyExists);
  const at = tree.objectAt(path);
  if (!at?.object.rename || at.path.length === 0) return refused(STATUS.featureNotSupported);
  await execution.stage?.keep(path);
  await execution.stage?.keep(renamed);
  await at.object.rename(at.path, name, caller);
  await Promise.all([
    tree.acls.move(path, renamed),
    tree.properties?.store.move(path, renamed),
    noteChange(tree, path.slice(0, -1)),
  ]);
  return DONE;
}

/** The ACL of a leaf belongs to who may replace the parent, that of an interior node also to who may replace it itself. */
async function mayReplaceAcl({ tree, caller }: Execution, path: Path, node: NodeInfo): Promise<boolean> {
  if (allows(await tree.effectiveAcl(path.slice(0, -1)), 'Replace', caller.serverId)) return true;
  return node.format === 'node' && allows(await tree.effectiveAcl(path), 'Replace', caller.serverId);
}

/** Undefined: there is no such property, or it is not kept here. */
function propertyNamed(tree: Tree, name: string): PropertyName | undefined {
  const property = PROPERTIES.find((known) => known === name);
  const isKept = property === 'Title' || property === 'TStamp' || property === 'VerNo';
  return isKept && !tree.properties ? undefined : property;
}

function refusedReading(code: number): PropertyReading {
  return { kind: 'refused', outcome: refused(code) };
}
