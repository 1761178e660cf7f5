import { DmError } from '../protocol/errors.ts';
import { type Acl, DEFAULT_ROOT_ACL, parseAcl } from './acl.ts';
import type { PropertyKeeping } from './kept-properties.ts';
import { DEFAULT_LOC_URI_LIMITS, formatLocUri, type LocUriLimits } from './loc-uri.ts';
import { type BranchNode, isAtOrBelow, type ManagementObject, type NodeInfo, type Path } from './management-object.ts';
import { type AclStore, MemoryNodeMap } from './node-map.ts';

/** A management tree made of mounted objects. Paths are from the root; nothing here checks a caller's rights. [TND] */
export interface Tree {
  /** Undefined: no such node. The root and every node above an object are always there, and permanent. */
  find(path: Path): Promise<NodeInfo | undefined>;
  /** Names of the children, read as they are asked for. */
  children(path: Path): AsyncIterable<string>;
  /** The node and all below it, where the object reads them in one go. */
  branch(path: Path): Promise<readonly BranchNode[] | undefined>;
  /** The object that answers for the path; undefined: the node holds objects and nothing else. */
  objectAt(path: Path): ObjectAt | undefined;
  /** The node's own ACL; empty: it inherits. */
  ownAcl(path: Path): Promise<Acl>;
  /** The ACL that counts: the node's own, or the whole ACL of the nearest node above that has one. [TND 7.7.1] */
  effectiveAcl(path: Path): Promise<Acl>;
  /** Where the ACLs of all nodes but the root are kept. */
  readonly acls: AclStore;
  /** Where Title, TStamp and VerNo are kept; undefined: nowhere. */
  readonly properties: PropertyKeeping | undefined;
  /** The same nodes with what is kept elsewhere; the ACL of the root stays. */
  keeping(kept: Kept): Tree;
  /** Bounds on the LocURIs it takes, as its DevDetail/URI tells them. [STDOBJ 5.3.3] */
  readonly uriLimits: LocUriLimits;
}

/** What a tree keeps of nodes besides what their objects hold. */
type Kept = Pick<Tree, 'acls' | 'properties'>;

/** An object, and a path from its root. */
export interface ObjectAt {
  readonly object: ManagementObject;
  readonly path: Path;
}

export interface TreeSetup {
  /** An object mounted below another answers in its place; no two have the same root. */
  readonly objects: readonly ManagementObject[];
  /** Default: in memory, and none. */
  readonly acls?: AclStore | undefined;
  /** Default: nodes have no Title, TStamp and VerNo. */
  readonly properties?: PropertyKeeping | undefined;
  /** Empty gives nobody any right. Default: `Add=*&Get=*`. */
  readonly rootAcl?: string | undefined;
  /** Default: `DEFAULT_LOC_URI_LIMITS`. */
  readonly uriLimits?: LocUriLimits | undefined;
}

const IMPLIED_NODE: NodeInfo = { format: 'node', type: '', access: ['Get'], permanent: true };

/** Makes a tree of its objects. Throws `DmError` TREE_MOUNT when two have the same root, and `StatusError` for a malformed ACL. */
export function createTree({ objects, acls, properties, rootAcl, uriLimits }: TreeSetup): Tree {
  const roots = new Set<string>();
  for (const { root } of objects) {
    const locUri = formatLocUri(root);
    if (roots.has(locUri)) throw new DmError('TREE_MOUNT', `two objects are mounted at ${locUri}; allowed is one`);
    roots.add(locUri);
  }
  return new MountedTree(
    objects,
    { acls: acls ?? new MemoryNodeMap<string>(), properties },
    parseAcl(rootAcl ?? DEFAULT_ROOT_ACL),
    uriLimits ?? DEFAULT_LOC_URI_LIMITS,
  );
}

class MountedTree implements Tree {
  /** The deepest first, so that the first match is the object that answers. */
  readonly #objects: readonly ManagementObject[];
  readonly #rootAcl: Acl;
  readonly acls: AclStore;
  readonly properties: PropertyKeeping | undefined;
  readonly uriLimits: LocUriLimits;

  constructor(objects: readonly ManagementObject[], { acls, properties }: Kept, rootAcl: Acl, uriLimits: LocUriLimits) {
    this.#objects = objects.toSorted((a, b) => b.root.length - a.root.length);
    this.acls = acls;
    this.properties = properties;
    this.#rootAcl = rootAcl;
    this.uriLimits = uriLimits;
  }

  keeping(kept: Kept): Tree {
    return new MountedTree(this.#objects, kept, this.#rootAcl, this.uriLimits);
  }

  objectAt(path: Path): ObjectAt | undefined {
    const object = this.#objects.find(({ root }) => isAtOrBelow(path, root));
    return object && { object, path: path.slice(object.root.length) };
  }

  async find(path: Path): Promise<NodeInfo | undefined> {
    const at = this.objectAt(path);
    const node = await at?.object.find(at.path);
    if (path.length > 0 && this.#mountedBelow(path).size === 0) return node;
    return node ? { ...node, permanent: true } : IMPLIED_NODE;
  }

  async *children(path: Path): AsyncGenerator<string> {
    const mounted = this.#mountedBelow(path);
    for (const name of mounted) {
      if (await this.find([...path, name])) yield name;
    }
    const at = this.objectAt(path);
    if (!at) return;
    for await (const name of at.object.children(at.path)) {
      if (!mounted.has(name)) yield name;
    }
  }

  async branch(path: Path): Promise<readonly BranchNode[] | undefined> {
    const at = this.objectAt(path);
    return at?.object.branch && this.#mountedBelow(path).size === 0 ? at.object.branch(at.path) : undefined;
  }

  async ownAcl(path: Path): Promise<Acl> {
    return path.length === 0 ? this.#rootAcl : parseAcl((await this.acls.get(path)) ?? '');
  }

  async effectiveAcl(path: Path): Promise<Acl> {
    for (let depth = path.length; depth > 0; depth -= 1) {
      const acl = await this.ownAcl(path.slice(0, depth));
      if (acl.size > 0) return acl;
    }
    return this.#rootAcl;
  }

  /** Names of the children that are objects or lead to one. */
  #mountedBelow(path: Path): ReadonlySet<string> {
    const names = new Set<string>();
    for (const { root } of this.#objects) {
      const name = root[path.length];
      if (name !== undefined && isAtOrBelow(root, path)) names.add(name);
    }
    return names;
  }
}
