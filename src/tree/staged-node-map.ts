import { formatLocUri } from './loc-uri.ts';
import { isAtOrBelow, type Path } from './management-object.ts';
import type { NodeMap } from './node-map.ts';

/** Changes that are handed to the store without waiting between them. */
const COMMIT_CHANGES = 256;

type Change<T> =
  | { readonly kind: 'set'; readonly path: Path; readonly value: T | undefined }
  | { readonly kind: 'forget'; readonly path: Path }
  | { readonly kind: 'move'; readonly path: Path; readonly to: Path };

/** Changes over a map that stays as it is until they are committed. */
export class StagedNodeMap<T> implements NodeMap<T> {
  readonly #store: NodeMap<T>;
  #changes: Change<T>[] = [];
  /** Numbers of the changes of one node, by its LocURI, in their order. */
  readonly #ofNode = new Map<string, number[]>();
  /** The same of those that concern all below a node too. */
  readonly #ofSubtree = new Map<string, number[]>();

  constructor(store: NodeMap<T>) {
    this.#store = store;
  }

  async get(path: Path): Promise<T | undefined> {
    let at = path;
    let before = this.#changes.length;
    for (;;) {
      before = this.#latest(at, before);
      const change = this.#changes[before];
      if (!change) return this.#store.get(at);
      if (change.kind === 'set') return change.value;
      // What stands below the new name of a node stood below its former name.
      if (change.kind === 'forget' || !isAtOrBelow(at, change.to)) return undefined;
      at = [...change.path, ...at.slice(change.to.length)];
    }
  }

  set(path: Path, value: T | undefined): void {
    const last = this.#latest(path, this.#changes.length);
    const change: Change<T> = { kind: 'set', path, value };
    if (this.#changes[last]?.kind === 'set') this.#changes[last] = change;
    else this.#add(change, this.#ofNode, [path]);
  }

  forget(path: Path): void {
    this.#add({ kind: 'forget', path }, this.#ofSubtree, [path]);
  }

  move(path: Path, to: Path): void {
    this.#add({ kind: 'move', path, to }, this.#ofSubtree, [path, to]);
  }

  /** Makes the changes in the store, in their order. */
  async commit(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    this.#ofNode.clear();
    this.#ofSubtree.clear();
    for (let from = 0; from < changes.length; from += COMMIT_CHANGES) {
      await Promise.all(changes.slice(from, from + COMMIT_CHANGES).map((change) => this.#make(change)));
    }
  }

  async #make(change: Change<T>): Promise<void> {
    switch (change.kind) {
      case 'set':
        return this.#store.set(change.path, change.value);
      case 'forget':
        return this.#store.forget(change.path);
      case 'move':
        return this.#store.move(change.path, change.to);
    }
  }

  #add(change: Change<T>, index: Map<string, number[]>, paths: readonly Path[]): void {
    for (const path of paths) {
      const locUri = formatLocUri(path);
      const numbers = index.get(locUri);
      if (numbers) numbers.push(this.#changes.length);
      else index.set(locUri, [this.#changes.length]);
    }
    this.#changes.push(change);
  }

  /** Number of the last change before another that says something of the node; -1: none does. */
  #latest(path: Path, before: number): number {
    const lastOf = (numbers: readonly number[] = []): number => numbers.findLast((number) => number < before) ?? -1;
    let latest = lastOf(this.#ofNode.get(formatLocUri(path)));
    for (let depth = 0; depth <= path.length; depth += 1) {
      latest = Math.max(latest, lastOf(this.#ofSubtree.get(formatLocUri(path.slice(0, depth)))));
    }
    return latest;
  }
}
