import { formatAcl, parseAcl, withoutServer } from './acl.ts';
import type { Path } from './management-object.ts';
import { formatLocUri } from './loc-uri.ts';

type MaybePromise<T> = T | Promise<T>;

/** Where a tree keeps the ACLs of its nodes but the root. Writes are as durable as the store when they return. */
export interface AclStore {
  /** The node's own ACL; undefined: empty. */
  get(path: Path): MaybePromise<string | undefined>;
  /** Undefined removes it. */
  set(path: Path, acl: string | undefined): MaybePromise<void>;
  /** The node was deleted: forgets its ACL and those of all nodes below. */
  forget(path: Path): MaybePromise<void>;
}

/** ACLs in memory; without one it takes next to none. */
export class MemoryAclStore implements AclStore {
  #acls: Map<string, string> | undefined;

  get(path: Path): string | undefined {
    return this.#acls?.get(formatLocUri(path));
  }

  set(path: Path, acl: string | undefined): void {
    if (acl === undefined) this.#acls?.delete(formatLocUri(path));
    else (this.#acls ??= new Map()).set(formatLocUri(path), acl);
  }

  forget(path: Path): void {
    const locUri = formatLocUri(path);
    for (const key of this.#acls?.keys() ?? []) {
      if (key === locUri || key.startsWith(`${locUri}/`)) this.#acls?.delete(key);
    }
  }

  /** Takes a server that is no more out of every ACL. [TND 7.7.1] */
  removeServer(serverId: string): void {
    for (const [key, acl] of this.#acls ?? []) {
      const left = formatAcl(withoutServer(parseAcl(acl), serverId, 'below'));
      if (left === '') this.#acls?.delete(key);
      else this.#acls?.set(key, left);
    }
  }
}
