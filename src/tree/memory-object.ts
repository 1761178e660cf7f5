import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data } from '../protocol/message/message.ts';
import { formatLocUri } from './loc-uri.ts';
import type {
  AccessType,
  Caller,
  ExecRequest,
  ExecResult,
  Keeper,
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
const NOT_DESCRIBED = 'has no place in the description of the object';

/** Where one object differs from its template, node by node. */
interface Change<D> {
  /** A node that was added, or the new value of a leaf of the template. */
  own: NodeValue | undefined;
  /** The template does not count here and below: the node was deleted, or added in the place of a deleted one. */
  covers: boolean;
  /** A node of the template that got another name and is here now. */
  moved: TemplateEntry<D> | undefined;
  children: Map<string, Change<D>> | undefined;
}

/** A node as the template and the changes together show it; with neither of the two it is not there. */
interface Place<D> {
  readonly entry: TemplateEntry<D> | undefined;
  /** The row of the template that describes what servers add here, on a path that has a `*`. */
  readonly row: TemplateEntry<D> | undefined;
  readonly change: Change<D> | undefined;
}

/**
 * A management object in memory: a template that many share, and what this one differs from it. Untouched it costs
 * little more than itself. Servers may add nodes wherever the template lets them. [TND 8]
 */
export class MemoryObject<D = undefined> implements ManagementObject {
  readonly #template: ObjectTemplate<D>;
  readonly #device: D;
  readonly #maxChangedBytes: number;
  #changes: Change<D> | undefined;
  /** Of all changes. */
  #bytes = 0;

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
      this.#bytes -= bytesOf(parent.change?.children?.get(name));
      parent.change?.children?.delete(name);
      return;
    }
    this.#put(path, { own: undefined, covers: true, moved: undefined, children: undefined });
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
      this.#checkDescription(path, node);
      this.#checkRoom(path, node.data);
      this.#put(path, { own: node, covers: true, moved: undefined, children: undefined });
    });
  }

  replace(path: Path, value: NodeValue): Promise<void> {
    return promised(() => {
      const place = this.#locate(path);
      const format = infoOf(place)?.format;
      if (format !== value.format) {
        throw this.#refusal(STATUS.unsupportedType, path, `takes Format ${format ?? 'none'}, not ${value.format}`);
      }
      this.#checkRoom(path, value.data);
      this.#put(path, { ...(place.change ?? noChange()), own: value });
    });
  }

  delete(path: Path): Promise<void> {
    return promised(() => this.remove(path));
  }

  rename(path: Path, name: string): Promise<void> {
    return promised(() => {
      const { entry, row, change = noChange<D>() } = this.#locate(path);
      const renamed = [...path.slice(0, -1), name];
      if (this.#locate(renamed).row !== row) throw this.#refusal(STATUS.commandNotAllowed, renamed, NOT_DESCRIBED);
      const moved = { ...change, covers: true, moved: entry };
      this.remove(path);
      this.#put(renamed, moved);
    });
  }

  exec(path: Path, request: ExecRequest, caller: Caller): Promise<ExecResult> {
    return promised(() => {
      const node = this.#locate(path).entry?.node;
      if (!node?.exec) throw this.#refusal(STATUS.commandNotAllowed, path, 'has nothing to execute');
      return node.exec(this.#device, request, caller);
    });
  }

  keeper(): Keeper {
    return {
      scope: [],
      keep: () => {
        const [changes, bytes] = [copyOf(this.#changes), this.#bytes];
        return Promise.resolve(() => {
          this.#changes = changes;
          this.#bytes = bytes;
          return Promise.resolve();
        });
      },
    };
  }

  #locate(path: Path): Place<D> {
    let place = visible(this.#template.top, undefined, this.#changes);
    for (const name of path) {
      const { entry, row, change } = place;
      const rowBelow = entry ? entry.any : (row?.children.get(name) ?? row?.any);
      place = visible(entry?.children.get(name), rowBelow, change?.children?.get(name));
    }
    return place;
  }

  /** Sets the change of a node; those above it are made where there is none yet. */
  #put(path: Path, change: Change<D>): void {
    let at = this.#changes;
    if (!at) {
      at = this.#changes = noChange();
      this.#bytes += NODE_BYTES;
    }
    for (const name of path) {
      at.children ??= new Map();
      let child = at.children.get(name);
      if (!child) {
        child = noChange();
        at.children.set(name, child);
        this.#bytes += NODE_BYTES;
      }
      at = child;
    }
    this.#bytes -= bytesOf(at);
    Object.assign(at, change);
    this.#bytes += bytesOf(at);
  }

  /** What is added below a `*` of the template is as its row says, and no more of it than the row says. */
  #checkDescription(path: Path, { format }: NodeValue): void {
    const parent = this.#locate(path.slice(0, -1));
    const { row } = this.#locate(path);
    if (!row) {
      if (parent.row) throw this.#refusal(STATUS.commandNotAllowed, path, NOT_DESCRIBED);
      return;
    }
    if (row.info.format !== format) {
      throw this.#refusal(STATUS.unsupportedType, path, `has Format ${row.info.format}, not ${format}`);
    }
    const most = row.node.occurrence;
    if (typeof most === 'number' && namesBelow(parent).size >= most) {
      throw this.#refusal(STATUS.commandNotAllowed, path, `would be one too many; allowed are ${most}`);
    }
  }

  #checkRoom(path: Path, data: Data): void {
    const before = this.#locate(path).change?.own;
    const bytes = this.#bytes - (before ? Buffer.byteLength(before.data) : 0) + Buffer.byteLength(data);
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

function noChange<D>(): Change<D> {
  return { own: undefined, covers: false, moved: undefined, children: undefined };
}

function copyOf<D>(change: Change<D> | undefined): Change<D> | undefined {
  if (!change) return undefined;
  const copy: Change<D> = { ...change, children: change.children && new Map() };
  for (const [name, child] of change.children ?? []) copy.children?.set(name, copyOf(child) ?? noChange());
  return copy;
}

function visible<D>(
  entry: TemplateEntry<D> | undefined,
  row: TemplateEntry<D> | undefined,
  change: Change<D> | undefined,
): Place<D> {
  return { entry: change?.moved ?? (change?.covers ? undefined : entry), row, change };
}

function infoOf<D>({ entry, row, change }: Place<D>): NodeInfo | undefined {
  const own = change?.own;
  if (!entry) {
    if (!own) return undefined;
    const access = own.format === 'node' ? ADDED_INTERIOR : ADDED_LEAF;
    return { format: own.format, type: own.type, access: row?.info.access ?? access, permanent: false };
  }
  return own && own.type !== entry.info.type ? { ...entry.info, type: own.type } : entry.info;
}

/** In the order of the template, then in the order in which they were added. */
function namesBelow<D>({ entry, change }: Place<D>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const name of entry?.children.keys() ?? []) {
    const child = change?.children?.get(name);
    if (!child?.covers || isNode(child)) names.add(name);
  }
  for (const [name, child] of change?.children ?? []) {
    if (isNode(child)) names.add(name);
  }
  return names;
}

/** Whether the change makes a node of its own, besides what the template has there. */
function isNode<D>({ own, moved }: Change<D>): boolean {
  return own !== undefined || moved !== undefined;
}

function bytesOf<D>(change: Change<D> | undefined): number {
  if (!change) return 0;
  let bytes = NODE_BYTES + (change.own ? Buffer.byteLength(change.own.data) : 0);
  for (const child of change.children?.values() ?? []) bytes += bytesOf(child);
  return bytes;
}

function promised<T>(work: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
