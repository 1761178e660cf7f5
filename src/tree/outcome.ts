import { DmError, StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data, Item } from '../protocol/message/message.ts';
import type { Caller } from './management-object.ts';
import type { Stage } from './stage.ts';
import type { Tree } from './tree.ts';

/** Longest cause told to a peer. */
const MAX_CAUSE_CHARS = 200;

/** What the execution of a command works with. */
export interface Execution {
  readonly tree: Tree;
  readonly caller: Caller;
  /** What the command is a part of that happens all or not at all; its tree is `tree`. */
  readonly stage?: Stage | undefined;
  /** Whether the caller takes a value that large; default: any. */
  readonly fits?: ((data: Data) => boolean) | undefined;
  /** Takes what an object threw unexpectedly; the peer learns no more than that the command failed. */
  report(error: unknown): void;
}

/** How one Item of a command ended, as a Status says it. [REPPRO 5] */
export interface Outcome {
  readonly code: number;
  /** What there is to say besides the code. */
  readonly items: readonly Item[];
}

export const DONE: Outcome = { code: STATUS.ok, items: [] };

/** An outcome that its code alone explains. */
export function refused(code: number): Outcome {
  return { code, items: [] };
}

/** What a store throws that could not be written. */
const STORE_FAILURE = /^STORE_/;

/**
 * Runs a part of a command. A `StatusError` becomes the outcome it stands for; any other error is reported and becomes
 * 510 when it comes from a store, else 500.
 */
export async function attempt(execution: Execution, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StatusError) {
      return { code: error.status, items: [{ data: error.message.slice(0, MAX_CAUSE_CHARS) }] };
    }
    execution.report(error);
    const isStoreFailure = error instanceof DmError && STORE_FAILURE.test(error.code);
    return refused(isStoreFailure ? STATUS.dataStoreFailure : STATUS.commandFailed);
  }
}
