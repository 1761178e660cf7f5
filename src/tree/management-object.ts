import type { Data, Item } from '../protocol/message/message.ts';

/** Formats a node can have. [TND 7.7] */
export type Format = 'b64' | 'bin' | 'bool' | 'chr' | 'int' | 'node' | 'null' | 'xml' | 'date' | 'time' | 'float';

export type AccessType = 'Add' | 'Copy' | 'Delete' | 'Exec' | 'Get' | 'Replace';

/** Names from the root of a tree or of a management object down; empty is the root itself. */
export type Path = readonly string[];

/** Whether a path is that of the node or of one below it. */
export function isAtOrBelow(path: Path, top: Path): boolean {
  return top.length <= path.length && top.every((name, at) => path[at] === name);
}

/** What the tree must know of a node besides its value. */
export interface NodeInfo {
  /** `node` makes it an interior node. */
  readonly format: Format;
  /** Leaf: MIME type; interior: MO identifier or empty. */
  readonly type: string;
  /** Commands the node itself allows, whatever the ACL says. */
  readonly access: readonly AccessType[];
  /** Scope Permanent: never deleted or renamed. */
  readonly permanent: boolean;
}

/** A node of a branch, from its top. */
export interface BranchNode {
  readonly path: Path;
  readonly node: NodeInfo;
  /** Of a leaf. */
  readonly data?: Data | undefined;
}

/** A node to be created, or a new value for one. */
export interface NodeValue {
  readonly format: Format;
  readonly type: string;
  readonly data: Data;
}

/** Who sends the command: the ServerID of the authenticated DM Server. */
export interface Caller {
  readonly serverId: string;
}

/** How an Exec went: a Status code, and text for the Status Item when there is something to say. */
export interface ExecResult {
  readonly status: number;
  readonly data?: string | undefined;
}

/**
 * A subtree of the management tree that answers for its own nodes. Nothing is copied into the tree: every call asks
 * the object, which may ask a store. Paths are relative to `root`. The tree has checked node existence, access types
 * and ACL before it calls a write; an object throws `StatusError` for what only it can refuse.
 */
export interface ManagementObject {
  /** Where it is mounted, from the tree's root. */
  readonly root: Path;
  /** Undefined: no such node [404]. */
  find(path: Path): Promise<NodeInfo | undefined>;
  /** Names of the children in a stable order; read lazily, so there may be very many. */
  children(path: Path): AsyncIterable<string>;
  /** Value of a leaf. */
  read(path: Path): Promise<Data>;
  /** The node and all below it, parents first, read in one go; undefined: it is to be read node by node, or is not there. */
  branch?(path: Path): Promise<readonly BranchNode[] | undefined>;
  /** A leaf that is not there and that a Replace makes: what it will be. Undefined: a Replace needs it to be there. */
  blank?(path: Path): NodeInfo | undefined;
  /** Creates the node; its parent is there and is interior. */
  add?(path: Path, node: NodeValue, caller: Caller): Promise<void>;
  /** Sets the value of a leaf. */
  replace?(path: Path, value: NodeValue, caller: Caller): Promise<void>;
  /** Deletes the node and all below it. */
  delete?(path: Path, caller: Caller): Promise<void>;
  /** Gives a node that is not permanent another name; no sibling has it. */
  rename?(path: Path, name: string, caller: Caller): Promise<void>;
  exec?(path: Path, request: ExecRequest, caller: Caller): Promise<ExecResult>;
  /** Whether the children of this node have nothing to do with one another: Adds below different ones may overlap. */
  isBulk?(path: Path): boolean;
  /** How a write to the node is taken back; undefined: it cannot be, so nothing that is all or nothing may touch it. */
  keeper?(path: Path): Keeper | undefined;
  /** An inbox: where an object of this MO identifier goes that is added here; undefined: nowhere. [STDOBJ 5.3.4] */
  placeFor?(type: string): Path | undefined;
}

/** Puts back what stood there. Runs once, and after it nothing else of the same keeping. */
export type Undo = () => Promise<void>;

/** Keeps a part of an object before it is written, so that all writes to it can be taken back at once. */
export interface Keeper {
  /** The written node or one above it: it is kept with all below it. */
  readonly scope: Path;
  keep(): Promise<Undo>;
}

export interface ExecRequest {
  readonly item: Item;
  readonly correlator: string | undefined;
}
