import { DmError } from '../protocol/errors.ts';

/** The caller asked for something that makes no sense, or that is not there. */
export class UsageError extends DmError {
  constructor(message: string, code = 'USAGE') {
    super(code, message);
  }
}

/** The other side answered with a refusal. */
export class RefusedError extends DmError {}

/** Nobody answered. */
export class UnreachableError extends DmError {}

/** The user did not want it any more. */
export class CancelledError extends DmError {
  constructor(message: string) {
    super('CANCELLED', message);
  }
}
