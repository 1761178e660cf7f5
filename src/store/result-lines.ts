import type { Outcome } from '../fanout/outcome.ts';

/** Results in their order as NDJSON, to be sent as it is: `n`, `deviceId`, `outcome`, and `deResult`, null for none. */
export interface ResultLines {
  /** UTF-8; each line with its end. */
  readonly octets: Uint8Array;
  /** `n` of the last of them. */
  readonly last: number;
}

/**
 * Results of this run, or job, with `n > after`; all outcomes or one; `query` is a part of the DeviceID. Undefined: there
 * are no more. Text that the database makes takes 3 us a result, rows that become text 24 (results of 1 kB; 2026-11-25,
 * 2 cores, Node 20, `results`).
 */
export type ReadResultLines = (
  id: number,
  after: number,
  limit: number,
  filter?: { readonly outcome?: Outcome | undefined; readonly query?: string | undefined },
) => Promise<ResultLines | undefined>;
