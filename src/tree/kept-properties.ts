import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Path } from './management-object.ts';
import type { MaybePromise, NodeMap } from './node-map.ts';
import type { Tree } from './tree.ts';

/** What is kept of a node that was changed through the tree. [TND 7.7] */
export interface KeptProperties {
  readonly title: string | undefined;
  /** Epoch ms of the last change; undefined: only the title was ever set. */
  readonly changedAt: number | undefined;
  /** 16 bits; goes up with each change, and after 65535 begins at 0 again. */
  readonly verNo: number;
}

/** What is kept of nodes that were changed, by path. */
export interface PropertyMap extends NodeMap<KeptProperties> {
  /** Counts a change at this time: what is kept becomes what `counted` makes of it, and no other change comes between. */
  count(path: Path, at: number): MaybePromise<void>;
}

/** Where a tree keeps Title, TStamp and VerNo, and the clock that TStamp is read from. */
export interface PropertyKeeping {
  readonly store: PropertyMap;
  /** Epoch ms. */
  now(): number;
}

const VER_NO_LIMIT = 0x1_0000;
const MAX_TITLE_BYTES = 255;

/** A node that was never changed through the tree. */
export const UNCHANGED: KeptProperties = { title: undefined, changedAt: undefined, verNo: 0 };

/**
 * Counts a change of these nodes. [TND 7.7]
 *
 * Choice: a change is one of the value, and that of an interior node is the names below it. Other properties do not
 * count, nor does what an object changes of its own accord.
 */
export async function noteChange({ properties }: Tree, ...paths: readonly Path[]): Promise<void> {
  if (!properties) return;
  const { store } = properties;
  await Promise.all(
    paths.map(async (path) => {
      await store.count(path, properties.now());
    }),
  );
}

/** What is kept of a node after a change of it at `changedAt`. [TND 7.7] */
export function counted(before: KeptProperties = UNCHANGED, changedAt: number): KeptProperties {
  return { ...before, changedAt, verNo: (before.verNo + 1) % VER_NO_LIMIT };
}

/** Throws `StatusError` 413 for a Title that no node can have. [TND 7.7] */
export function checkTitle(title: string): void {
  if (Buffer.byteLength(title) <= MAX_TITLE_BYTES) return;
  throw new StatusError(STATUS.tooLarge, 'TREE_TITLE', `a Title has at most ${MAX_TITLE_BYTES} bytes`);
}

/** Gives a node its Title; empty takes it away. [TND 7.7] */
export async function setTitle({ properties }: Tree, path: Path, title: string): Promise<void> {
  const before = (await properties?.store.get(path)) ?? UNCHANGED;
  const after = { ...before, title: title === '' ? undefined : title };
  const isNothing = after.title === undefined && after.changedAt === undefined;
  await properties?.store.set(path, isNothing ? undefined : after);
}

/** A time as TStamp shows it: `20010711T163817Z`. [TND 7.7] */
export function timeStamp(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}
