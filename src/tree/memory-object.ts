import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data } from '../protocol/message/message.ts';
import { formatLocUri } from './loc-uri.ts';
import type {
  AccessType,
  Caller,
  ExecRequest,
  ExecResult,
  ManagementObject,
  NodeInfo,
  NodeValue,
  Path,
} from './management-object.ts';
import type { ObjectTemplate, TemplateEntry } from './object-template.ts';

/** What a server may do with a node it added. */
const ADDED_LEAF: readonly AccessType[] = ['Copy', 'Delete', 'Get', 'Replace'];
const ADDED_INTERIOR: readonly AccessType[] = ['Add', 'Delete', 'Get', 'Replace'];
const DEFAULT_MAX_CHANGED_BYTES = 4 * 1024 * 1024;
/** About what a node takes besides its value. */
const NODE_BYTES = 200;

/** Where one object differs from its template, node by node. */
interface Change {
  /** A node that was added, or the new value of a leaf of the template. */
  own: NodeValue | undefined;
  /** The template does not count here and below: the node was deleted, or added in the place of a deleted one. */
  covers: boolean;
  children: Map<string, Change> | undefined;
}

/** A node as the template and the changes together show it; with neither of the two it is not there. */
interface Place<D> {
  readonly entry: TemplateEntry<D> | undefined;
  readonly change: Change | undefined;
}

/**
 * A management object in memory: a template that many share, and what this one differs from it. Untouched it costs
 * little more than itself. Servers may add nodes wherever the template lets them. [TND 8]
 */
export class MemoryObject<D = undefined> implements ManagementObject {
  readonly #template: ObjectTemplate<D>;
  readonly #device: D;
  readonly #maxChangedBytes: number;
  #changes: Change | undefined;

  /** What servers write beyond `maxChangedBytes`, nodes and values together, is refused [420]; default 4 MiB. */
  constructor(template: ObjectTemplate<D>, device: D, maxChangedBytes = DEFAULT_MAX_CHANGED_BYTES) {
    this.#template = template;
    this.#device = device;
    this.#maxChangedBytes = maxChangedBytes;
  }

  get root(): Path {
    return this.#template.root;
  }

  /** Makes a node and all below it not be there, whatever its access types; the root makes the whole object vanish. */
  remove(path: Path): void {
    const parent = this.#locate(path.slice(0, -1));
    const name = path.at(-1);
    if (name !== undefined && !parent.entry?.children.has(name)) {
      parent.change?.children?.delete(name);
      return;
    }
    Object.assign(this.#changeAt(path), { own: undefined, covers: true, children: undefined });
  }

  find(path: Path): Promise<NodeInfo | undefined> {
    return Promise.resolve(infoOf(this.#locate(path)));
  }

  async *children(path: Path): AsyncGenerator<string> {
    yield* await Promise.resolve(namesBelow(this.#locate(path)));
  }

  read(path: Path): Promise<Data> {
    return promised(() => {
      const { entry, change } = this.#locate(path);
      if (change?.own) return change.own.data;
      if (!entry) throw this.#refusal(STATUS.notFound, path, 'is not there');
      const value = entry.node.value ?? '';
      return typeof value === 'function' ? value(this.#device) : value;
    });
  }

  add(path: Path, node: NodeValue): Promise<void> {
    return promised(() => {
      this.#checkRoom(path, node.data);
      Object.assign(this.#changeAt(path), { own: node, covers: true, children: undefined });
    });
  }

  replace(path: Path, value: NodeValue): Promise<void> {
    return promised(() => {
      const format = infoOf(this.#locate(path))?.format;
      if (format !== value.format) {
        throw this.#refusal(STATUS.unsupportedType, path, `takes Format ${format ?? 'none'}, not ${value.format}`);
      }
      this.#checkRoom(path, value.data);
      this.#changeAt(path).own = value;
    });
  }

  delete(path: Path): Promise<void> {
    return promised(() => this.remove(path));
  }

  exec(path: Path, request: ExecRequest, caller: Caller): Promise<ExecResult> {
    return promised(() => {
      const node = this.#locate(path).entry?.node;
      if (!node?.exec) throw this.#refusal(STATUS.commandNotAllowed, path, 'has nothing to execute');
      return node.exec(this.#device, request, caller);
    });
  }

  #locate(path: Path): Place<D> {
    let place: Place<D> = visible(this.#template.top, this.#changes);
    for (const name of path) place = visible(place.entry?.children.get(name), place.change?.children?.get(name));
    return place;
  }

  /** The change of a node, made with those above it where there is none yet. */
  #changeAt(path: Path): Change {
    let change = (this.#changes ??= noChange());
    for (const name of path) {
      change.children ??= new Map();
      let child = change.children.get(name);
      if (!child) {
        child = noChange();
        change.children.set(name, child);
      }
      change = child;
    }
    return change;
  }

  #checkRoom(path: Path, data: Data): void {
    const before = this.#locate(path).change?.own;
    const bytes = bytesOf(this.#changes) - (before ? Buffer.byteLength(before.data) : 0) + Buffer.byteLength(data);
    if (bytes + NODE_BYTES <= this.#maxChangedBytes) return;
    throw this.#refusal(
      STATUS.deviceFull,
      path,
      `does not fit: all changes take at most ${this.#maxChangedBytes} bytes`,
    );
  }

  #refusal(status: number, path: Path, what: string): StatusError {
    return new StatusError(status, 'TREE_REFUSED', `${formatLocUri([...this.root, ...path])} ${what}`);
  }
}

function noChange(): Change {
  return { own: undefined, covers: false, children: undefined };
}

function visible<D>(entry: TemplateEntry<D> | undefined, change: Change | undefined): Place<D> {
  return { entry: change?.covers ? undefined : entry, change };
}

function infoOf<D>({ entry, change }: Place<D>): NodeInfo | undefined {
  const own = change?.own;
  if (!entry) {
    if (!own) return undefined;
    const access = own.format === 'node' ? ADDED_INTERIOR : ADDED_LEAF;
    return { format: own.format, type: own.type, access, permanent: false };
  }
  return own && own.type !== entry.info.type ? { ...entry.info, type: own.type } : entry.info;
}

/** In the order of the template, then in the order in which they were added. */
function namesBelow<D>({ entry, change }: Place<D>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const name of entry?.children.keys() ?? []) {
    const child = change?.children?.get(name);
    if (!child?.covers || child.own) names.add(name);
  }
  for (const [name, { own }] of change?.children ?? []) {
    if (own) names.add(name);
  }
  return names;
}

function bytesOf(change: Change | undefined): number {
  if (!change) return 0;
  let bytes = NODE_BYTES + (change.own ? Buffer.byteLength(change.own.data) : 0);
  for (const child of change.children?.values() ?? []) bytes += bytesOf(child);
  return bytes;
}

function promised<T>(work: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
