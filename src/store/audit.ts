import type { EpochMs } from '../fanout/store.ts';

/** What somebody did that others may want to know of later. */
export interface NewAuditEntry {
  readonly at: EpochMs;
  /** ServerID of a DM Server, or `api`. */
  readonly actor: string;
  /** `run.start`, `device.remove` and the like. */
  readonly action: string;
  /** What it was done to: `run 7`, a DeviceID. */
  readonly subject: string;
  readonly detail: string;
}

export interface AuditEntry extends NewAuditEntry {
  readonly id: number;
}

/** Who did what. Writes are durable when their promise resolves. */
export interface AuditStore {
  add(entry: NewAuditEntry): Promise<void>;
  /** Entries with `id < before`, newest first. */
  list(before: number | undefined, limit: number): Promise<readonly AuditEntry[]>;
  /** Forgets at most `limit` entries that are older than `before`, or not among the newest `keep`. */
  prune(before: EpochMs, keep: number, limit: number): Promise<number>;
}
