import { branch, type Element, leaf } from '../protocol/element.ts';
import type { ElementName } from '../protocol/elements.ts';
import type { AccessType, Format, Path } from './management-object.ts';
import { DEFAULT_TYPE } from './node-value.ts';

/** How often a node may be there below its parent; a number: none, or at most so many. [TND 8] */
export type Occurrence = 'One' | 'ZeroOrOne' | 'ZeroOrMore' | 'OneOrMore' | number;

/** What the description of an object says of one node. Writes are checked against the same rows. [TND 8] */
export interface NodeDescription {
  readonly format: Format;
  /** MO identifier or MIME type; absent: none for an interior node, text/plain for a leaf. */
  readonly type?: string | undefined;
  readonly access: readonly AccessType[];
  readonly occurrence: Occurrence;
  /** Default: a node below a `*` is dynamic, any other is permanent. */
  readonly permanent?: boolean | undefined;
}

/**
 * The nodes of an object by their path below its root: names joined by `/`, `*` for any name, empty for the root
 * itself. A row stands after the one above it.
 */
export type ObjectDescription = Readonly<Record<string, NodeDescription>>;

const ACCESS_TYPES: readonly AccessType[] = ['Add', 'Copy', 'Delete', 'Exec', 'Get', 'Replace'];

/** A node while the nodes below it are collected. */
interface GrowingNode {
  readonly name: string;
  readonly row: NodeDescription;
  readonly below: GrowingNode[];
}

/** The DDF document of an object that is mounted at `root`; it is written by `encodeFile`. [TND 8] */
export function ddfOf(root: Path, description: ObjectDescription): Element {
  const byPath = new Map<string, GrowingNode>();
  for (const [path, row] of Object.entries(description)) {
    const name = path === '' ? (root.at(-1) ?? '.') : path.slice(path.lastIndexOf('/') + 1);
    const node: GrowingNode = { name: name === '*' ? '' : name, row, below: [] };
    byPath.set(path, node);
    if (path !== '') byPath.get(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '')?.below.push(node);
  }
  const above = ['.', ...root.slice(0, -1)].join('/');
  const top = byPath.get('');
  const nodes = top ? [elementOf(top, true, leaf('ddf:Path', above))] : [];
  return branch('ddf:MgmtTree', [leaf('ddf:VerDTD', '1.2'), ...nodes]);
}

/** Type of a node whose row says none. */
export function describedType({ format, type }: NodeDescription): string {
  return type ?? (format === 'node' ? '' : DEFAULT_TYPE);
}

/** Whether a row is one of a permanent node. */
export function isPermanent(path: string, { permanent }: NodeDescription): boolean {
  return permanent ?? !path.includes('*');
}

function elementOf({ name, row, below }: GrowingNode, isFixed: boolean, path?: Element): Element {
  const hasFixedName = isFixed && name !== '';
  return branch('ddf:Node', [
    leaf('ddf:NodeName', name),
    ...(path ? [path] : []),
    propertiesOf(row, row.permanent ?? hasFixedName),
    ...below.map((node) => elementOf(node, hasFixedName)),
  ]);
}

function propertiesOf(row: NodeDescription, isPermanentNode: boolean): Element {
  const type = describedType(row);
  return branch('ddf:DFProperties', [
    branch(
      'ddf:AccessType',
      ACCESS_TYPES.filter((access) => row.access.includes(access)).map((access) => leaf(`ddf:${access}`)),
    ),
    branch('ddf:DFFormat', [leaf(`ddf:${row.format}`)]),
    branch('ddf:Occurrence', [occurrenceOf(row.occurrence)]),
    branch('ddf:Scope', [leaf(isPermanentNode ? 'ddf:Permanent' : 'ddf:Dynamic')]),
    branch('ddf:DFType', [leaf(row.format === 'node' ? 'ddf:DDFName' : 'ddf:MIME', type)]),
  ]);
}

function occurrenceOf(occurrence: Occurrence): Element {
  if (typeof occurrence === 'number') return leaf('ddf:ZeroOrN', String(occurrence));
  return leaf(`ddf:${occurrence}` satisfies ElementName);
}
