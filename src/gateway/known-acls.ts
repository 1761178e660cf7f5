import type { AclValues } from '../store/nodes.ts';

/** More of them are not held in memory. */
const MAX_KNOWN = 1000;

/**
 * The same ACLs, held in memory as long as they are few: the ACL of every node that is got is asked for, and hardly any
 * node has one. All are read together, and anew after each change; what changes them does it here.
 */
export function knownAcls(acls: AclValues): AclValues {
  let known: Promise<ReadonlyMap<string, string> | undefined> | undefined;
  /** They stay so: to see that they are fewer would mean to read them all. */
  let areMany = false;

  async function readAll(): Promise<ReadonlyMap<string, string> | undefined> {
    const all = await acls.all().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    areMany = all.length > MAX_KNOWN;
    return areMany ? undefined : new Map(all.map(({ locUri, acl }) => [locUri, acl]));
  }

  async function get(locUri: string): Promise<string | undefined> {
    if (areMany) return acls.get(locUri);
    known ??= readAll();
    const inMemory = await known;
    return inMemory ? inMemory.get(locUri) : acls.get(locUri);
  }

  async function changing(change: Promise<void>): Promise<void> {
    try {
      await change;
    } finally {
      known = undefined;
    }
  }

  return {
    get,
    set: (locUri, acl) => changing(acls.set(locUri, acl)),
    forget: (locUri) => changing(acls.forget(locUri)),
    move: (from, to) => changing(acls.move(from, to)),
    all: () => acls.all(),
  };
}
