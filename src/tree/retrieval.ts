import { STATUS } from '../protocol/message/codes.ts';
import type { Item, Meta } from '../protocol/message/message.ts';
import { escapedName, formatLocUri, type LocUri } from './loc-uri.ts';
import type { NodeInfo } from './management-object.ts';
import { readProperty } from './node-properties.ts';
import { DEFAULT_TYPE } from './node-value.ts';
import { DONE, type Execution, type Outcome, refused } from './outcome.ts';
import { refusalOf } from './rights.ts';
import { readable, subtree, type SubtreeNode, valueOf } from './subtree.ts';
import { tndsOf, TNDS_XML } from './tnds-document.ts';

/** How one Item of a command ended, and the Items it brings for Results: a Get has some, no other command has. */
export interface Retrieval {
  readonly outcome: Outcome;
  /** A subtree is read while it is pulled; everything else is read already. */
  readonly items: AsyncIterable<Item> | readonly Item[];
}

/** Get: a leaf, the names below an interior node, a property, or a subtree. [REPPRO, TND] */
export async function retrieve(execution: Execution, { path, query }: LocUri): Promise<Retrieval> {
  const { tree } = execution;
  const node = await tree.find(path);
  if (!node) return nothing(refused(STATUS.notFound));
  const locUri = formatLocUri(path, query);
  if (query?.kind === 'prop') {
    const reading = await readProperty(execution, path, node, query.name);
    if (reading.kind === 'refused') return nothing(reading.outcome);
    return found(execution, { source: { locUri }, data: reading.data });
  }
  const refusal = await refusalOf(execution, path, node, 'Get');
  if (refusal) return nothing(refusal);
  if (query?.list === 'TNDS') {
    const nodes = subtree(execution, path, node, await tree.effectiveAcl(path));
    return found(execution, { source: { locUri }, meta: TNDS_XML, data: await tndsOf(execution, nodes, query) });
  }
  if (query !== undefined && node.format === 'node') {
    const nodes = subtree(execution, path, node, await tree.effectiveAcl(path));
    return { outcome: DONE, items: unbroken(execution, listed(execution, nodes, query.list === 'StructData')) };
  }
  if (node.format === 'node') {
    const names: string[] = [];
    for await (const name of tree.children(path)) names.push(escapedName(name));
    const meta = metaFor({ format: 'node', type: DEFAULT_TYPE });
    return found(execution, { source: { locUri }, meta, data: names.join('/') });
  }
  const data = query?.list === 'Struct' ? undefined : await valueOf(execution, { path, node });
  return found(execution, { source: { locUri: formatLocUri(path) }, meta: metaFor(node), data });
}

/** Whether it is no larger than the caller takes. */
function isTaken({ fits }: Execution, { data }: Item): boolean {
  return data === undefined || fits === undefined || fits(data);
}

/** One Item for each node. Choice: a leaf that cannot be read, or is larger than the caller takes, is left out. [TND 8.4] */
async function* listed(
  execution: Execution,
  nodes: AsyncIterable<SubtreeNode>,
  withData: boolean,
): AsyncGenerator<Item> {
  for await (const each of nodes) {
    const { path, node } = each;
    const item = { source: { locUri: formatLocUri(path) }, meta: metaFor(node) };
    if (node.format === 'node') {
      yield item;
      continue;
    }
    const leaf = withData ? await readable(execution, each) : { data: undefined };
    if (leaf && isTaken(execution, leaf)) yield { ...item, ...leaf };
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

/** Left out where it says what holds without it. [TND] */
function metaFor({ format, type }: Pick<NodeInfo, 'format' | 'type'>): Meta | undefined {
  if (format === 'chr' && type === DEFAULT_TYPE) return undefined;
  return type === '' ? { format } : { format, type };
}

function found(execution: Execution, item: Item): Retrieval {
  return isTaken(execution, item) ? { outcome: DONE, items: [item] } : nothing(refused(STATUS.tooLarge));
}

/** An outcome without Results. */
export function nothing(outcome: Outcome): Retrieval {
  return { outcome, items: [] };
}
