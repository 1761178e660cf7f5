import { DmError } from '../protocol/errors.ts';
import type { Data } from '../protocol/message/message.ts';
import { describedType, type ObjectDescription, type Occurrence } from './description.ts';
import type { AccessType, Caller, ExecRequest, ExecResult, Format, NodeInfo, Path } from './management-object.ts';

/** What a template says of one node; `D` is what tells one device from another. [TND 8] */
export interface TemplateNode<D> {
  readonly format: Format;
  /** Default: text/plain for a leaf, empty for an interior node. */
  readonly type?: string | undefined;
  readonly access: readonly AccessType[];
  /** Default: permanent unless Delete is allowed. */
  readonly permanent?: boolean | undefined;
  /** A node that servers add: how often. Default: any number of a `*`, one of any other. */
  readonly occurrence?: Occurrence | undefined;
  /** Value of a leaf until one is written. Default: empty. */
  readonly value?: Data | ((device: D) => Data) | undefined;
  exec?(device: D, request: ExecRequest, caller: Caller): ExecResult | Promise<ExecResult>;
}

/** A node of a template where the template holds it. */
export interface TemplateEntry<D> {
  readonly info: NodeInfo;
  readonly node: TemplateNode<D>;
  readonly children: ReadonlyMap<string, TemplateEntry<D>>;
  /** What describes a child of any other name; undefined: nothing does, and where Add is allowed, servers are free. */
  readonly any: TemplateEntry<D> | undefined;
}

/** The nodes that all devices of a kind have, made once and shared. */
export interface ObjectTemplate<D> {
  readonly root: Path;
  readonly top: TemplateEntry<D>;
}

interface GrowingEntry<D> extends TemplateEntry<D> {
  info: NodeInfo;
  readonly children: Map<string, GrowingEntry<D>>;
  any: GrowingEntry<D> | undefined;
}

/**
 * Makes a template of nodes by their path below `root`: names joined by `/`, empty for the root itself. Interior nodes
 * that lead to others need no row: they are permanent and allow Get. A `*` describes nodes that servers add, with what
 * they may add below; none of them is there before. Throws `DmError` TREE_TEMPLATE. [TND 8]
 */
export function objectTemplate<D = undefined>(
  root: Path,
  nodes: Readonly<Record<string, TemplateNode<D>>>,
): ObjectTemplate<D> {
  const byPath = new Map(Object.entries(nodes));
  const top = entryOf(byPath.get('') ?? implied(), '');
  for (const path of byPath.keys()) {
    if (path === '') continue;
    const names = path.split('/');
    let at: GrowingEntry<D> = top;
    for (const [index, name] of names.entries()) {
      if (name === '') throw new DmError('TREE_TEMPLATE', `the template has an empty name in ${path}`);
      if (at.info.format !== 'node')
        throw new DmError('TREE_TEMPLATE', `the template has nodes below the leaf of ${path}`);
      let child = name === '*' ? at.any : at.children.get(name);
      if (!child) {
        const childPath = names.slice(0, index + 1).join('/');
        child = entryOf(byPath.get(childPath) ?? implied(), childPath);
        if (name === '*') at.any = child;
        else at.children.set(name, child);
        if (childPath.includes('*')) allowAdd(at, child);
      }
      at = child;
    }
  }
  return { root, top };
}

/** The rows of a template, as its DDF lists them. [TND 8] */
export function descriptionOf<D>({ top }: ObjectTemplate<D>): ObjectDescription {
  return Object.fromEntries(rowsOf(top, ''));
}

function* rowsOf<D>(entry: TemplateEntry<D>, path: string): Generator<[string, ObjectDescription[string]]> {
  const { node, info, children, any } = entry;
  const isAny = path === '*' || path.endsWith('/*');
  yield [
    path,
    {
      format: info.format,
      type: node.type,
      access: node.access,
      occurrence: node.occurrence ?? (isAny ? 'ZeroOrMore' : 'One'),
      permanent: info.permanent,
    },
  ];
  const prefix = path === '' ? '' : `${path}/`;
  if (any) yield* rowsOf(any, `${prefix}*`);
  for (const [name, child] of children) yield* rowsOf(child, `${prefix}${name}`);
}

/** Add stands in the row of the node that is added; the tree looks for it at the node it is added to. */
function allowAdd<D>(parent: GrowingEntry<D>, { node }: TemplateEntry<D>): void {
  const { access } = parent.info;
  if (!node.access.includes('Add') || access.includes('Add')) return;
  parent.info = { ...parent.info, access: ['Add', ...access] };
}

function implied<D>(): TemplateNode<D> {
  return { format: 'node', access: ['Get'] };
}

function entryOf<D>(node: TemplateNode<D>, path: string): GrowingEntry<D> {
  const { format, access } = node;
  const type = describedType({ ...node, occurrence: 'One' });
  const isPermanent = !path.includes('*') && !access.includes('Delete');
  const info = { format, type, access, permanent: node.permanent ?? isPermanent };
  return { node, info, children: new Map(), any: undefined };
}
