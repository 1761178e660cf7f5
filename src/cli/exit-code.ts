import { ConfigError } from '../app/config.ts';
import { CancelledError, RefusedError, UnreachableError, UsageError } from '../app/failure.ts';
import { DmError } from '../protocol/errors.ts';

/** What the exit codes of `dmgw` say. */
export const EXIT = {
  ok: 0,
  /** Ran, some devices did not succeed. */ someFailed: 1,
  /** Wrong usage or configuration. */ usage: 2,
  /** Ran and no device succeeded, or the peer refused. */ refused: 3,
  /** Cannot reach, or cannot store. */ unavailable: 4,
  cancelled: 5,
  /** Verify or compare found a difference. */ different: 6,
} as const;

const USAGE_AREAS = /^(USAGE|CONFIG|XML|WBXML|MESSAGE|DEVICE_ACCOUNTS|FANOUT|STORE_URL|TRANSPORT_ADDRESS)(_|$)/;
const UNAVAILABLE_AREAS = /^(STORE|TRANSPORT|API_PORT)(_|$)/;

/** The exit code for an error that ends a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError || error instanceof UsageError) return EXIT.usage;
  if (error instanceof RefusedError) return EXIT.refused;
  if (error instanceof UnreachableError) return EXIT.unavailable;
  if (error instanceof CancelledError) return EXIT.cancelled;
  if (error instanceof DmError && USAGE_AREAS.test(error.code)) return EXIT.usage;
  if (error instanceof DmError && UNAVAILABLE_AREAS.test(error.code)) return EXIT.unavailable;
  return EXIT.unavailable;
}

/** What a person reads on stderr: lines that say what, where and what to do. */
export function describeError(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof DmError) return `${error.message} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}
