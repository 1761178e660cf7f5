import { encodeFile } from '../protocol/codec.ts';
import { branch, type Element, leaf } from '../protocol/element.ts';
import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data, Meta } from '../protocol/message/message.ts';
import { formatAcl } from './acl.ts';
import { type KeptProperties, timeStamp } from './kept-properties.ts';
import type { LocUriQuery } from './loc-uri.ts';
import type { Format, NodeInfo } from './management-object.ts';
import type { Execution } from './outcome.ts';
import { readable, type SubtreeNode } from './subtree.ts';

/** Longest document: it is one value, so it is in memory as a whole. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
/** About what a node takes besides its name and value. */
const NODE_BYTES = 200;
/** A document holds those of the second list unless it is asked for others. [TNDS 5.1] */
const PROPERTIES = ['ACL', 'Format', 'Name', 'Size', 'Title', 'TStamp', 'Type', 'Value', 'VerNo'] as const;
const DEFAULT_PROPERTIES: readonly Property[] = ['ACL', 'Format', 'Type', 'Value'];
/** Of them, those that only nodes have that were changed through the tree. */
const KEPT_PROPERTIES: readonly Property[] = ['Title', 'TStamp', 'VerNo'];

type Property = (typeof PROPERTIES)[number];
type TndsQuery = Extract<LocUriQuery, { readonly list: 'TNDS' }>;

/** Meta of an Item that holds a serialised subtree. [TNDS] */
export const TNDS_XML = {
  format: 'xml',
  type: 'application/vnd.syncml.dmtnds+xml',
} as const satisfies Meta;

/**
 * A subtree, parents first, as one document of XML text. Throws `StatusError` 406 for a property that does not exist, and
 * 413 for what would become too long. [TND 8.4, TNDS 5]
 *
 * Choice: the first node has no Path, so the document can be written back to where it was read. RTProperties always have
 * their Type, because the DTD wants it.
 */
export async function tndsOf(
  execution: Execution,
  nodes: AsyncIterable<SubtreeNode>,
  query: TndsQuery,
): Promise<string> {
  const wanted = propertiesOf(query);
  const keptIn = KEPT_PROPERTIES.some((name) => wanted.has(name)) ? execution.tree.properties?.store : undefined;
  const top: Element[] = [];
  /** The children of the last node and of those above it. */
  const open: { readonly depth: number; readonly children: Element[] }[] = [];
  let bytes = 0;
  for await (const { path, node } of nodes) {
    const value = node.format === 'node' ? undefined : await readable(execution, { path, node });
    if (node.format !== 'node' && !value) continue;
    const name = path.at(-1) ?? '.';
    bytes += NODE_BYTES + name.length + (wanted.has('Value') ? Buffer.byteLength(value?.data ?? '') : 0);
    if (bytes > MAX_DOCUMENT_BYTES) {
      throw new StatusError(
        STATUS.tooLarge,
        'TREE_TNDS_SIZE',
        `the subtree takes more than ${MAX_DOCUMENT_BYTES} bytes as TNDS; ?list=StructData has no such limit`,
      );
    }
    const about = { name, acl: formatAcl(await execution.tree.ownAcl(path)), kept: await keptIn?.get(path) };
    const children = [leaf('ddf:NodeName', name), ...runtimeProperties(wanted, node, about, value?.data)];
    if (value && wanted.has('Value')) children.push(leaf('ddf:Value', asText(value.data)));
    while ((open.at(-1)?.depth ?? -1) >= path.length) open.pop();
    (open.at(-1)?.children ?? top).push(branch('ddf:Node', children));
    open.push({ depth: path.length, children });
  }
  const document = branch('ddf:MgmtTree', [leaf('ddf:VerDTD', '1.2'), ...top]);
  return Buffer.from(encodeFile([document], { encoding: 'xml' })).toString();
}

function propertiesOf({ sign, properties }: TndsQuery): ReadonlySet<Property> {
  const unknown = properties.find((name) => !isProperty(name));
  if (unknown !== undefined) {
    throw new StatusError(
      STATUS.featureNotSupported,
      'TREE_TNDS_PROPERTY',
      `TNDS has no property ${unknown.slice(0, 20)}; known are ${PROPERTIES.join(', ')}`,
    );
  }
  if (properties.length === 0) return new Set(DEFAULT_PROPERTIES);
  if (sign === '+') return new Set(properties.filter(isProperty));
  return new Set(DEFAULT_PROPERTIES.filter((name) => !properties.includes(name)));
}

function isProperty(name: string): name is Property {
  return PROPERTIES.some((known) => known === name);
}

function runtimeProperties(
  wanted: ReadonlySet<Property>,
  node: NodeInfo,
  { name, acl, kept }: { readonly name: string; readonly acl: string; readonly kept: KeptProperties | undefined },
  data: Data | undefined,
): readonly Element[] {
  const { title, changedAt, verNo } = kept ?? {};
  const properties: Element[] = [];
  if (wanted.has('ACL') && acl !== '') properties.push(leaf('ddf:ACL', acl));
  if (wanted.has('Format')) properties.push(branch('ddf:Format', [leaf(`ddf:${formatInXml(node.format)}`)]));
  if (wanted.has('Name')) properties.push(leaf('ddf:Name', name));
  if (wanted.has('Size') && data !== undefined) properties.push(leaf('ddf:Size', String(Buffer.byteLength(data))));
  if (wanted.has('Title') && title !== undefined) properties.push(leaf('ddf:Title', title));
  if (wanted.has('TStamp') && changedAt !== undefined) properties.push(leaf('ddf:TStamp', timeStamp(changedAt)));
  const version = wanted.has('VerNo') && verNo !== undefined ? [leaf('ddf:VerNo', String(verNo))] : [];
  if (properties.length + version.length === 0 && !wanted.has('Type')) return [];
  const type = node.format === 'node' ? leaf('ddf:DDFName', node.type) : leaf('ddf:MIME', node.type);
  return [branch('ddf:RTProperties', [...properties, branch('ddf:Type', [type]), ...version])];
}

/** Octets go as base64, and say so. [TND 7.7.3] */
function formatInXml(format: Format): Format {
  return format === 'bin' ? 'b64' : format;
}

function asText(data: Data): string {
  return typeof data === 'string' ? data : Buffer.from(data).toString('base64');
}
