import { formatLocUri } from './loc-uri.ts';
import type { Path } from './management-object.ts';

export type MaybePromise<T> = T | Promise<T>;

/**
 * What a tree keeps of single nodes besides their values, by path. Changes happen in the order of the calls, and are as
 * durable as the store when they return.
 */
export interface NodeMap<T> {
  get(path: Path): MaybePromise<T | undefined>;
  /** Undefined removes it. */
  set(path: Path, value: T | undefined): MaybePromise<void>;
  /** The node was deleted: forgets what is kept of it and of all nodes below. */
  forget(path: Path): MaybePromise<void>;
  /** The node was renamed: what is kept of it and of all nodes below goes with it, in the place of what is kept there. */
  move(from: Path, to: Path): MaybePromise<void>;
}

/** ACLs of all nodes but the root; undefined: empty. */
export type AclStore = NodeMap<string>;

/** In memory; without anything to keep it takes next to none. */
export class MemoryNodeMap<T> implements NodeMap<T> {
  #values: Map<string, T> | undefined;

  get(path: Path): T | undefined {
    return this.#values?.get(formatLocUri(path));
  }

  set(path: Path, value: T | undefined): void {
    if (value === undefined) this.#values?.delete(formatLocUri(path));
    else (this.#values ??= new Map()).set(formatLocUri(path), value);
  }

  forget(path: Path): void {
    for (const [key] of this.#below(path)) this.#values?.delete(key);
  }

  move(from: Path, to: Path): void {
    this.forget(to);
    const [before, after] = [formatLocUri(from), formatLocUri(to)];
    for (const [key, value] of this.#below(from)) {
      this.#values?.delete(key);
      this.#values?.set(after + key.slice(before.length), value);
    }
  }

  /** Of the node itself too. */
  #below(path: Path): readonly (readonly [string, T])[] {
    const locUri = formatLocUri(path);
    return [...(this.#values ?? [])].filter(([key]) => key === locUri || key.startsWith(`${locUri}/`));
  }
}
