import type { Commit } from '../measures.ts';
import type { Failure } from './failure.ts';

/** How the thread is started. */
export interface ThreadOrder {
  readonly url: string;
  readonly maxBytes: number | undefined;
}

/** One call; its arguments hold nothing but data. */
export interface Call {
  readonly id: number;
  /** `METHOD` of the store itself, or with the part that has it, `PART.METHOD`. */
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What goes to the thread: in order, and those of one unit as one write. */
export type Units = readonly (readonly Call[])[];

/** What comes from the thread. */
export type News =
  /** The store is open, and can do this. */
  | { readonly kind: 'open'; readonly names: readonly string[] }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'commit'; readonly commit: Commit };
