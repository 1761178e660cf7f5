import type { AclStore } from './acl-store.ts';
import { formatLocUri } from './loc-uri.ts';
import { isAtOrBelow, type Path } from './management-object.ts';

/** A change of the ACL of one node, or the end of that of a node and of all below it. */
interface AclChange {
  readonly path: Path;
  readonly kind: 'set' | 'forget';
  readonly acl: string | undefined;
  /** Place in the order of all changes. */
  readonly number: number;
}

/** ACLs over those of a store that stays as it is until they are committed. */
export class StagedAcls implements AclStore {
  readonly #store: AclStore;
  readonly #changes: AclChange[] = [];
  /** The last change of each node by LocURI. */
  readonly #sets = new Map<string, AclChange>();
  readonly #forgets: AclChange[] = [];

  constructor(store: AclStore) {
    this.#store = store;
  }

  async get(path: Path): Promise<string | undefined> {
    const set = this.#sets.get(formatLocUri(path));
    const forget = this.#forgets.findLast((change) => isAtOrBelow(path, change.path));
    if (set && set.number > (forget?.number ?? -1)) return set.acl;
    return forget ? undefined : await this.#store.get(path);
  }

  set(path: Path, acl: string | undefined): void {
    this.#sets.set(formatLocUri(path), this.#changed({ path, kind: 'set', acl }));
  }

  forget(path: Path): void {
    this.#forgets.push(this.#changed({ path, kind: 'forget', acl: undefined }));
  }

  /** Makes the changes in the store, in their order. */
  async commit(): Promise<void> {
    for (const { path, kind, acl } of this.#changes.splice(0)) {
      if (kind === 'set') await this.#store.set(path, acl);
      else await this.#store.forget(path);
    }
  }

  #changed(change: Omit<AclChange, 'number'>): AclChange {
    const numbered = { ...change, number: this.#changes.length };
    this.#changes.push(numbered);
    return numbered;
  }
}
