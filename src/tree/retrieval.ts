import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data, Item, Meta } from '../protocol/message/message.ts';
import { type Acl, allows } from './acl.ts';
import { formatLocUri, type LocUri } from './loc-uri.ts';
import type { NodeInfo, Path } from './management-object.ts';
import { readProperty } from './node-properties.ts';
import { DEFAULT_TYPE, outgoing } from './node-value.ts';
import { DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { refusalOf } from './rights.ts';

/** How one Item of a command ended, and the Items it brings for Results: a Get has some, no other command has. */
export interface Retrieval {
  readonly outcome: Outcome;
  /** A subtree is read while it is pulled; everything else is read already. */
  readonly items: AsyncIterable<Item> | readonly Item[];
}

/** Get: a leaf, the names below an interior node, a property, or a subtree. [REPPRO, TND] */
export async function retrieve(execution: Execution, { path, query }: LocUri): Promise<Retrieval> {
  const node = await execution.tree.find(path);
  if (!node) return nothing(refused(STATUS.notFound));
  if (query?.kind === 'list' && query.list === 'TNDS') return nothing(refused(STATUS.featureNotSupported));
  const locUri = formatLocUri(path, query);
  if (query?.kind === 'prop') {
    const reading = await readProperty(execution, path, node, query.name);
    if (reading.kind === 'refused') return nothing(reading.outcome);
    return found([{ source: { locUri }, data: reading.data }]);
  }
  const refusal = await refusalOf(execution, path, node, 'Get');
  if (refusal) return nothing(refusal);
  if (query !== undefined && node.format === 'node') {
    const acl = await execution.tree.effectiveAcl(path);
    return found(unbroken(execution, subtree(execution, path, node, acl, query.list === 'StructData')));
  }
  if (node.format === 'node') {
    const names: string[] = [];
    for await (const name of execution.tree.children(path)) names.push(name);
    return found([
      { source: { locUri }, meta: metaFor({ format: 'node', type: DEFAULT_TYPE }), data: names.join('/') },
    ]);
  }
  const data = query?.list === 'Struct' ? undefined : await valueOf(execution, path, node);
  return found([{ source: { locUri: formatLocUri(path) }, meta: metaFor(node), data }]);
}

/**
 * The node and all below it that the caller may get, parents first. `acl` is the one that counts at the node. [TND]
 *
 * Choice: below a node that may not be got nothing is listed, because its children's names are its value. A leaf that
 * cannot be read is left out: the Status is on its way already.
 */
async function* subtree(
  execution: Execution,
  path: Path,
  node: NodeInfo,
  acl: Acl,
  withData: boolean,
): AsyncGenerator<Item> {
  const { tree, caller } = execution;
  const item = { source: { locUri: formatLocUri(path) }, meta: metaFor(node) };
  if (node.format !== 'node') {
    const leaf = withData ? await readable(execution, path, node) : { data: undefined };
    if (leaf) yield { ...item, ...leaf };
    return;
  }
  yield item;
  for await (const name of tree.children(path)) {
    const child = [...path, name];
    const info = await tree.find(child);
    if (!info?.access.includes('Get')) continue;
    const own = await tree.ownAcl(child);
    const effective = own.size > 0 ? own : acl;
    if (allows(effective, 'Get', caller.serverId)) yield* subtree(execution, child, info, effective, withData);
  }
}

/** Ends where the source fails: what was read before is worth having. */
async function* unbroken(execution: Execution, items: AsyncIterable<Item>): AsyncGenerator<Item> {
  try {
    yield* items;
  } catch (error) {
    execution.report(error);
  }
}

async function readable(execution: Execution, path: Path, node: NodeInfo): Promise<{ data: Data } | undefined> {
  try {
    return { data: await valueOf(execution, path, node) };
  } catch (error) {
    if (!(error instanceof StatusError)) execution.report(error);
    return undefined;
  }
}

async function valueOf({ tree }: Execution, path: Path, node: NodeInfo): Promise<Data> {
  const at = tree.objectAt(path);
  if (!at) throw new StatusError(STATUS.notFound, 'TREE_NO_NODE', `there is no node ${formatLocUri(path)}`);
  return outgoing(node.format, await at.object.read(at.path));
}

/** Left out where it says what holds without it. [TND] */
function metaFor({ format, type }: Pick<NodeInfo, 'format' | 'type'>): Meta | undefined {
  if (format === 'chr' && type === DEFAULT_TYPE) return undefined;
  return type === '' ? { format } : { format, type };
}

function found(items: Retrieval['items']): Retrieval {
  return { outcome: DONE, items };
}

/** An outcome without Results. */
export function nothing(outcome: Outcome): Retrieval {
  return { outcome, items: [] };
}
