import { DmError } from '../protocol/errors.ts';
import type { Data } from '../protocol/message/message.ts';
import type { AccessType, Caller, ExecRequest, ExecResult, Format, NodeInfo, Path } from './management-object.ts';
import { DEFAULT_TYPE } from './node-value.ts';

/** What a template says of one node; `D` is what tells one device from another. [TND 8] */
export interface TemplateNode<D> {
  readonly format: Format;
  /** Default: text/plain for a leaf, empty for an interior node. */
  readonly type?: string | undefined;
  readonly access: readonly AccessType[];
  /** Default: permanent unless Delete is allowed. */
  readonly permanent?: boolean | undefined;
  /** Value of a leaf until one is written. Default: empty. */
  readonly value?: Data | ((device: D) => Data) | undefined;
  exec?(device: D, request: ExecRequest, caller: Caller): ExecResult | Promise<ExecResult>;
}

/** A node of a template where the template holds it. */
export interface TemplateEntry<D> {
  readonly info: NodeInfo;
  readonly node: TemplateNode<D>;
  readonly children: ReadonlyMap<string, TemplateEntry<D>>;
}

/** The nodes that all devices of a kind have, made once and shared. */
export interface ObjectTemplate<D> {
  readonly root: Path;
  readonly top: TemplateEntry<D>;
}

interface GrowingEntry<D> extends TemplateEntry<D> {
  readonly children: Map<string, GrowingEntry<D>>;
}

/**
 * Makes a template of nodes by their path below `root`: names joined by `/`, empty for the root itself. Interior nodes
 * that lead to others need no row: they are permanent and allow Get. Throws `DmError` TREE_TEMPLATE. [TND 8]
 */
export function objectTemplate<D = undefined>(
  root: Path,
  nodes: Readonly<Record<string, TemplateNode<D>>>,
): ObjectTemplate<D> {
  const byPath = new Map(Object.entries(nodes));
  const top = entryOf(byPath.get('') ?? implied());
  for (const path of byPath.keys()) {
    if (path === '') continue;
    const names = path.split('/');
    let at: GrowingEntry<D> = top;
    for (const [index, name] of names.entries()) {
      if (name === '') throw new DmError('TREE_TEMPLATE', `the template has an empty name in ${path}`);
      if (at.info.format !== 'node')
        throw new DmError('TREE_TEMPLATE', `the template has nodes below the leaf of ${path}`);
      let child = at.children.get(name);
      if (!child) {
        child = entryOf(byPath.get(names.slice(0, index + 1).join('/')) ?? implied());
        at.children.set(name, child);
      }
      at = child;
    }
  }
  return { root, top };
}

function implied<D>(): TemplateNode<D> {
  return { format: 'node', access: ['Get'] };
}

function entryOf<D>(node: TemplateNode<D>): GrowingEntry<D> {
  const { format, access } = node;
  const type = node.type ?? (format === 'node' ? '' : DEFAULT_TYPE);
  const info = { format, type, access, permanent: node.permanent ?? !access.includes('Delete') };
  return { node, info, children: new Map() };
}
