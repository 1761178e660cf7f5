import { DmError } from '../../protocol/errors.ts';

/** An error, as it can be sent to another thread. */
export interface Failure {
  /** Undefined: it is no `DmError`. */
  readonly code: string | undefined;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: Failure | undefined;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: undefined, message: String(error), stack: undefined, cause: undefined };
  return {
    code: error instanceof DmError ? error.code : undefined,
    message: error.message,
    stack: error.stack,
    cause: error.cause === undefined ? undefined : failureOf(error.cause),
  };
}

/** The error in this thread; its stack is the one of the thread where it happened. */
export function errorOf({ code, message, stack, cause }: Failure): Error {
  const options = cause && { cause: errorOf(cause) };
  const error = code === undefined ? new Error(message, options) : new DmError(code, message, options);
  if (stack !== undefined) error.stack = stack;
  return error;
}
