import { setImmediate } from 'node:timers/promises';
import { DmError, StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { Data } from '../../protocol/message/message.ts';
import { describedType, isPermanent, type NodeDescription, type ObjectDescription } from '../../tree/description.ts';
import { formatLocUri } from '../../tree/loc-uri.ts';
import type {
  AccessType,
  BranchNode,
  Caller,
  ExecRequest,
  ExecResult,
  Keeper,
  ManagementObject,
  NodeInfo,
  NodeValue,
  Path,
  Undo,
} from '../../tree/management-object.ts';

/** How long the children of a node are read, and all that is below them, without a turn for others. */
const TURN_MS = 10;

export type { NodeDescription as NodeRow, ObjectDescription as NodeTable } from '../../tree/description.ts';

/** The names that stand for the `*` of a path, in order. */
export type NamesOf<P extends string> = P extends `${string}*${infer Rest}`
  ? readonly [string, ...NamesOf<Rest>]
  : readonly [];

type ParentsOf<Names> = Names extends readonly [...infer Parents, string] ? Readonly<Parents> : readonly [];

/** What one node of a table does beyond what its row says. */
export interface NodeBehaviour<Names> {
  /** A `*` node, or one that may be missing: whether it is there, with all nodes above it. */
  exists?(names: Names): Promise<boolean>;
  /** A `*` node: the names there are below its parent. */
  list?(parents: ParentsOf<Names>): AsyncIterable<string>;
  /** A leaf that keeps the Format and Type it was written with. */
  shape?(names: Names): Promise<Pick<NodeInfo, 'format' | 'type'>>;
  /** Undefined: the leaf is not there. */
  read?(names: Names): Promise<Data | undefined>;
  /** A node without `*` below: the leaves there are below it, by their path, in one go. Undefined: it is not there. */
  leaves?(names: Names): Promise<Leaves | undefined>;
  add?(names: Names, value: NodeValue, caller: Caller): Promise<void>;
  replace?(names: Names, value: NodeValue, caller: Caller): Promise<void>;
  /** A leaf that may be missing: a Replace makes it. */
  readonly madeByReplace?: boolean;
  delete?(names: Names, caller: Caller): Promise<void>;
  /** A node that is not permanent. */
  rename?(names: Names, name: string, caller: Caller): Promise<void>;
  exec?(names: Names, request: ExecRequest, caller: Caller): Promise<ExecResult>;
  /** Keeps the node and all below it before it is written; nodes below that keep nothing themselves rely on it. */
  keep?(names: Names): Promise<Undo>;
}

/** Values by path; undefined: the leaf is not there. */
export type Leaves = Readonly<Record<string, Data | undefined>>;

export type Behaviours<T extends ObjectDescription> = {
  readonly [P in keyof T & string]?: NodeBehaviour<NamesOf<P>>;
};

/** The same where the path, and with it the number of names, is not known to the compiler. */
type AnyBehaviour = Omit<NodeBehaviour<readonly string[]>, 'list'> & {
  list?(parents: readonly string[]): AsyncIterable<string>;
};
type AnyBehaviours = Readonly<Record<string, AnyBehaviour>>;

/** A row with what it does, where the table holds it. */
interface Entry {
  readonly row: NodeDescription;
  readonly does: AnyBehaviour;
  readonly permanent: boolean;
  readonly fixed: Map<string, Entry>;
  any: Entry | undefined;
}

/** Where a path leads: the entries from the root down, and the names of the `*` among them. */
interface Place {
  readonly entry: Entry;
  readonly names: readonly string[];
  /** The last `*` entry of the path, and how many of `names` lead to it. */
  readonly lastAny: { readonly entry: Entry; readonly depth: number } | undefined;
}

/** A management object made of its table and what its nodes do. Nothing is kept: every call asks the behaviour. */
export function tableObject<const T extends ObjectDescription>(
  root: Path,
  table: T,
  behaviours: Behaviours<T>,
): ManagementObject {
  const top = entriesOf(table, behaviours as AnyBehaviours);
  const nodesBelow = new Map<Entry, readonly BranchNode[]>();

  async function isThere({ entry, names, lastAny }: Place): Promise<boolean> {
    if (entry.does.exists) return entry.does.exists(names);
    if (lastAny && !(await lastAny.entry.does.exists?.(names.slice(0, lastAny.depth)))) return false;
    if (entry.row.occurrence !== 'ZeroOrOne') return true;
    return (await entry.does.read?.(names)) !== undefined;
  }

  async function* children(path: Path): AsyncIterable<string> {
    const place = locate(top, path);
    if (!place) return;
    for (const [name, entry] of place.entry.fixed) {
      const mayLack = entry.row.occurrence !== 'One';
      if (!mayLack || (await isThere({ ...place, entry }))) yield name;
    }
    if (place.entry.any?.does.list) yield* withTurns(place.entry.any.does.list(place.names));
  }

  return {
    root,
    async find(path) {
      const place = locate(top, path);
      if (!place || !(await isThere(place))) return undefined;
      const shape = await place.entry.does.shape?.(place.names);
      return { ...infoOf(place.entry), ...shape };
    },
    children,
    async read(path) {
      const place = locate(top, path);
      const data = await place?.entry.does.read?.(place.names);
      if (data === undefined) throw missing(root, path);
      return data;
    },
    async branch(path) {
      const place = locate(top, path);
      const leaves = await place?.entry.does.leaves?.(place.names);
      if (!place || !leaves) return undefined;
      const nodes = nodesBelow.get(place.entry) ?? branchOf(place.entry, []);
      nodesBelow.set(place.entry, nodes);
      return nodes.flatMap((each) => {
        if (each.node.format === 'node') return [each];
        const data = leaves[each.path.join('/')];
        return data === undefined ? [] : [{ ...each, data }];
      });
    },
    blank(path) {
      const entry = locate(top, path)?.entry;
      return entry?.does.madeByReplace ? infoOf(entry) : undefined;
    },
    async add(path, node, caller) {
      const { entry, names } = writable(root, top, path, 'Add');
      if (!entry.does.add) throw notAllowed(root, path, 'Add');
      checkFormat(root, path, entry, node);
      await entry.does.add(names, node, caller);
    },
    async replace(path, value, caller) {
      const { entry, names } = writable(root, top, path, 'Replace');
      if (!entry.does.replace) throw notAllowed(root, path, 'Replace');
      checkFormat(root, path, entry, value);
      await entry.does.replace(names, value, caller);
    },
    async delete(path, caller) {
      const { entry, names } = writable(root, top, path, 'Delete');
      if (!entry.does.delete) throw notAllowed(root, path, 'Delete');
      await entry.does.delete(names, caller);
    },
    async rename(path, name, caller) {
      const { entry, names } = writable(root, top, path, 'Replace');
      if (!entry.does.rename) {
        throw new StatusError(
          STATUS.featureNotSupported,
          'GATEWAY_NOT_RENAMED',
          `${formatLocUri([...root, ...path])} keeps its name`,
        );
      }
      await entry.does.rename(names, name, caller);
    },
    keeper: (path) => keeperOf(top, path),
    async exec(path, request, caller) {
      const { entry, names } = writable(root, top, path, 'Exec');
      if (!entry.does.exec) throw notAllowed(root, path, 'Exec');
      return entry.does.exec(names, request, caller);
    },
  };
}

/** The names, with a turn for others whenever what is done for them has taken a while: a list can be long. */
async function* withTurns(names: AsyncIterable<string>): AsyncGenerator<string> {
  let since = performance.now();
  for await (const name of names) {
    if (performance.now() - since > TURN_MS) {
      await setImmediate();
      since = performance.now();
    }
    yield name;
  }
}

/** Data of a leaf as text; octets must be UTF-8 [400]. */
export function textOf(data: Data, locUri: string): string {
  if (typeof data === 'string') return data;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch (cause) {
    throw new StatusError(STATUS.badRequest, 'GATEWAY_NOT_TEXT', `${locUri} takes text in UTF-8`, { cause });
  }
}

function entriesOf(table: ObjectDescription, behaviours: AnyBehaviours): Entry | undefined {
  let top: Entry | undefined;
  for (const [path, row] of Object.entries(table)) {
    const entry: Entry = {
      row,
      does: behaviours[path] ?? {},
      permanent: isPermanent(path, row),
      fixed: new Map(),
      any: undefined,
    };
    const names = path === '' ? [] : path.split('/');
    const last = names.pop();
    if (last === undefined) {
      top = entry;
      continue;
    }
    const parent = names.reduce((at: Entry | undefined, name) => (name === '*' ? at?.any : at?.fixed.get(name)), top);
    if (!parent) throw new DmError('GATEWAY_NODE_TABLE', `${path} stands before the row above it`);
    if (last === '*') parent.any = entry;
    else parent.fixed.set(last, entry);
  }
  return top;
}

function locate(top: Entry | undefined, path: Path): Place | undefined {
  const names: string[] = [];
  let entry = top;
  let lastAny: Place['lastAny'];
  for (const name of path) {
    const fixed = entry?.fixed.get(name);
    if (!fixed && entry?.any) {
      names.push(name);
      lastAny = { entry: entry.any, depth: names.length };
    }
    entry = fixed ?? entry?.any;
  }
  return entry && { entry, names, lastAny };
}

/** The nearest row at or above the node that keeps; what cannot be written needs none. */
function keeperOf(top: Entry | undefined, path: Path): Keeper | undefined {
  const written = locate(top, path)?.entry.does;
  const isWritten = written?.add ?? written?.replace ?? written?.delete ?? written?.rename;
  if (!isWritten) return { scope: path, keep: () => Promise.resolve(() => Promise.resolve()) };
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const scope = path.slice(0, depth);
    const place = locate(top, scope);
    if (place?.entry.does.keep) return { scope, keep: async () => undoOf(place.entry.does, place.names) };
  }
  return undefined;
}

async function undoOf({ keep }: AnyBehaviour, names: readonly string[]): Promise<Undo> {
  return (await keep?.(names)) ?? (() => Promise.resolve());
}

function writable(root: Path, top: Entry | undefined, path: Path, command: AccessType): Place {
  const place = locate(top, path);
  if (!place) throw missing(root, path);
  if (!place.entry.row.access.includes(command)) throw notAllowed(root, path, command);
  return place;
}

function checkFormat(root: Path, path: Path, { row, does }: Entry, value: NodeValue): void {
  if (does.shape || value.format === row.format) return;
  throw new StatusError(
    STATUS.unsupportedType,
    'GATEWAY_FORMAT',
    `${formatLocUri([...root, ...path])} has Format ${row.format}, not ${value.format}`,
  );
}

function infoOf(entry: Entry): NodeInfo {
  const { row, permanent } = entry;
  return { format: row.format, type: describedType(row), access: accessOf(entry), permanent };
}

/** The node and all that may be below it, parents first. */
function branchOf(entry: Entry, path: Path): readonly BranchNode[] {
  const below = [...entry.fixed].flatMap(([name, child]) => branchOf(child, [...path, name]));
  return [{ path, node: infoOf(entry) }, ...below];
}

/** Add stands in the row of the node that is added; the tree looks for it at the node it is added to. */
function accessOf({ row, fixed, any }: Entry): readonly AccessType[] {
  const access = row.access.filter((command) => command !== 'Add');
  const below = any ? [any, ...fixed.values()] : [...fixed.values()];
  return below.some((entry) => entry.row.access.includes('Add')) ? ['Add', ...access] : access;
}

function missing(root: Path, path: Path): StatusError {
  return new StatusError(STATUS.notFound, 'GATEWAY_NO_NODE', `there is no node ${formatLocUri([...root, ...path])}`);
}

function notAllowed(root: Path, path: Path, command: string): StatusError {
  return new StatusError(
    STATUS.commandNotAllowed,
    'GATEWAY_NOT_ALLOWED',
    `${formatLocUri([...root, ...path])} does not allow ${command}`,
  );
}
