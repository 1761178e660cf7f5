import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import { formatLocUri } from './loc-uri.ts';
import { isAtOrBelow, type Keeper, type Path, type Undo } from './management-object.ts';
import { StagedNodeMap } from './staged-node-map.ts';
import { StagedProperties } from './staged-properties.ts';
import type { ObjectAt, Tree } from './tree.ts';

/**
 * Writes that happen all or not at all. What a write changes is kept before it, node by node, and put back by
 * `rollBack`; ACLs and what else the tree keeps wait for `commit`. One of the two ends it. [REPPRO 6.6.3]
 */
export class Stage {
  /** The tree with what it keeps as that is going to be. */
  readonly tree: Tree;
  readonly #acls: StagedNodeMap<string>;
  readonly #properties: StagedProperties | undefined;
  readonly #kept: { readonly scope: Path; readonly undo: Undo }[] = [];

  constructor(tree: Tree) {
    const { acls, properties } = tree;
    this.#acls = new StagedNodeMap(acls);
    this.#properties = properties && new StagedProperties(properties.store);
    this.tree = tree.keeping({
      acls: this.#acls,
      properties: properties && this.#properties && { store: this.#properties, now: () => properties.now() },
    });
  }

  /** Before every write to the node. Throws `StatusError` 406 when the write could not be taken back. */
  async keep(path: Path): Promise<void> {
    const at = this.tree.objectAt(path);
    if (!at || isReadOnly(at)) return;
    const keeper = keeperOf(at);
    if (!keeper) {
      throw new StatusError(
        STATUS.featureNotSupported,
        'TREE_NO_ROLL_BACK',
        `a write to ${formatLocUri(path)} cannot be taken back`,
      );
    }
    const scope = [...at.object.root, ...keeper.scope];
    if (this.#kept.some((kept) => isAtOrBelow(scope, kept.scope))) return;
    this.#kept.push({ scope, undo: await keeper.keep() });
  }

  async commit(): Promise<void> {
    await Promise.all([this.#acls.commit(), this.#properties?.commit()]);
  }

  /** Takes everything back, the last first; one that fails keeps no other from it. Answers what failed. */
  async rollBack(): Promise<readonly unknown[]> {
    const failures: unknown[] = [];
    for (const { undo } of this.#kept.splice(0).reverse()) {
      await undo().catch((error: unknown) => failures.push(error));
    }
    return failures;
  }
}

/** Whether a write to the node could be taken back, or cannot even begin. */
export function canTakeBack(tree: Tree, path: Path): boolean {
  const at = tree.objectAt(path);
  return !at || isReadOnly(at) || keeperOf(at) !== undefined;
}

function keeperOf({ object, path }: ObjectAt): Keeper | undefined {
  return object.keeper?.(path);
}

function isReadOnly({ object }: ObjectAt): boolean {
  return !object.add && !object.replace && !object.delete && !object.rename;
}
