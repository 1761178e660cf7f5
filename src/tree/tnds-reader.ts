import { decodeFile } from '../protocol/codec.ts';
import { childOf, childrenOf, type Element } from '../protocol/element.ts';
import { DecodeError, StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data } from '../protocol/message/message.ts';
import { parseAcl } from './acl.ts';
import { checkTitle } from './kept-properties.ts';
import { checkedName } from './loc-uri.ts';
import type { NodeValue, Path } from './management-object.ts';
import { newNodeOf } from './node-value.ts';

/** A node of a serialised subtree. */
export interface TndsNode {
  /** From the node that the document is written to; empty is that node itself. */
  readonly path: Path;
  readonly value: NodeValue;
  /** Undefined: the document says none. */
  readonly acl: string | undefined;
  /** Undefined: the document says none. */
  readonly title: string | undefined;
}

/** How the values of a document were carried. */
type Carrier = 'xml' | 'wbxml';

/**
 * Reads a serialised subtree in XML or WBXML: its nodes, parents first, each once. Paths count from the target.
 * `targetName` is the last name of the target. Throws `StatusError` 415 for what is no such document, 400 for one that
 * names no place. [TNDS 5]
 *
 * Choice: a single node at the top that has no Path and no name, or the name of the target, is the target itself; that is
 * what a Get of the target brings. A node without Format is a leaf when it has a Value or a MIME type, else interior.
 */
export function readTnds(data: Data, targetName: string | undefined): readonly TndsNode[] {
  const { root, carrier } = documentOf(data);
  const nodes = childrenOf(root, 'ddf:Node');
  if (nodes.length === 0) throw unsupported('a TNDS document without a Node');
  const found = new Map<string, TndsNode>();
  for (const node of nodes) {
    const name = nameOf(node);
    const path = childOf(node, 'ddf:Path');
    const isTarget = nodes.length === 1 && path === undefined && (name === '' || name === targetName);
    collect(found, node, isTarget ? [] : [...pathOf(path), checkedName(name)], carrier);
  }
  return [...found.values()];
}

function documentOf(data: Data): { readonly root: Element; readonly carrier: Carrier } {
  try {
    const { elements, encoding } = decodeFile(typeof data === 'string' ? Buffer.from(data) : data);
    const [root, ...more] = elements;
    if (root?.name === 'ddf:MgmtTree' && more.length === 0) return { root, carrier: encoding };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new StatusError(STATUS.unsupportedType, 'TREE_TNDS', `no TNDS document: ${error.message}`, { cause: error });
  }
  throw unsupported('anything but one MgmtTree as TNDS');
}

function collect(found: Map<string, TndsNode>, node: Element, path: Path, carrier: Carrier): void {
  const key = path.join('/');
  if (found.has(key)) throw malformed(`the TNDS document has the node ${key} twice`);
  const children = childrenOf(node, 'ddf:Node');
  const properties = childOf(node, 'ddf:RTProperties');
  const acl = textIn(properties, 'ddf:ACL');
  if (acl !== undefined) parseAcl(acl);
  const title = textIn(properties, 'ddf:Title');
  if (title !== undefined) checkTitle(title);
  found.set(key, { path, value: valueOf(node, children.length > 0, carrier), acl, title });
  for (const child of children) {
    if (childOf(child, 'ddf:Path')) throw malformed('a Path is for the nodes at the top of a TNDS document only');
    collect(found, child, [...path, checkedName(nameOf(child))], carrier);
  }
}

function valueOf(node: Element, hasChildren: boolean, carrier: Carrier): NodeValue {
  const properties = childOf(node, 'ddf:RTProperties');
  const value = childOf(node, 'ddf:Value')?.text;
  const typed = properties && childOf(properties, 'ddf:Type');
  const mime = textIn(typed, 'ddf:MIME');
  const format = formatOf(properties) ?? (hasChildren || (value === undefined && mime === undefined) ? 'node' : 'chr');
  if (format === 'node') {
    if (value !== undefined && value.length > 0) throw malformed('a node of Format node has a Value');
    return newNodeOf({ format, type: textIn(typed, 'ddf:DDFName') ?? '' }, undefined);
  }
  if (hasChildren) throw malformed(`a node of Format ${format} has nodes below it`);
  // Choice: octets of Format bin that come through XML are base64, as everywhere in XML.
  const carried = format === 'bin' && carrier === 'xml' ? 'b64' : format;
  return newNodeOf({ format: carried, type: mime === '' ? undefined : mime }, value ?? '');
}

function formatOf(properties: Element | undefined): string | undefined {
  const [format] = (properties && childOf(properties, 'ddf:Format'))?.children ?? [];
  return format?.name.replace('ddf:', '');
}

/** NodeName; where it is empty the property Name says it. */
function nameOf(node: Element): string {
  const name = textIn(node, 'ddf:NodeName') ?? '';
  return name === '' ? (textIn(childOf(node, 'ddf:RTProperties'), 'ddf:Name') ?? '') : name;
}

function pathOf(path: Element | undefined): Path {
  const text = path ? String(path.text) : '';
  const names = text
    .trim()
    .replace(/^\.?\/|^\.$/, '')
    .replace(/\/$/, '');
  return names === '' ? [] : names.split('/').map(checkedName);
}

function textIn(
  parent: Element | undefined,
  name: 'ddf:ACL' | 'ddf:DDFName' | 'ddf:MIME' | 'ddf:Name' | 'ddf:NodeName' | 'ddf:Title',
) {
  const child = parent && childOf(parent, name);
  return child && String(child.text).trim();
}

function malformed(message: string): StatusError {
  return new StatusError(STATUS.badRequest, 'TREE_TNDS', message);
}

function unsupported(what: string): StatusError {
  return new StatusError(STATUS.unsupportedType, 'TREE_TNDS', `${what} is not supported here`);
}
