import type { Clock } from '../fanout/engine.ts';
import type { EpochMs } from '../fanout/store.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import type { Trace } from '../transport/trace.ts';
import type { GatewayLog } from './gateway.ts';
import { deleteRun } from './run-removal.ts';

const PRUNE_INTERVAL_MS = 300_000;
/** Rows or runs that are deleted at a time: others have their turn between. */
const BATCH = 200;

/** How long something is kept, and how much of it. */
export interface KeepLimits {
  readonly maxAgeMs: number;
  readonly maxCount: number;
}

/** What is kept, and for how long. [FANOUT 8] */
export interface Retention {
  /** From the end of a run. Never applies to an active run, nor to one whose alert was not accepted. */
  readonly runs: KeepLimits;
  /** Alerts of devices; never those that wait to be passed on. */
  readonly deviceAlerts: KeepLimits;
  readonly audit: KeepLimits;
  /** Files of the trace of this gateway. */
  readonly trace: { readonly maxAgeMs: number; readonly maxBytes: number };
}

interface RetentionPorts {
  readonly store: Pick<GatewayStore, 'fanOut' | 'deviceAlerts' | 'audit' | 'nodes'>;
  readonly trace: Pick<Trace, 'prune'> | undefined;
  readonly limits: Retention;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly log: GatewayLog;
}

/** Forgets what is too old or too much, every few minutes. */
export interface RetentionJob {
  start(): void;
  /** Prunes once; never rejects. */
  prune(): Promise<void>;
  /** Starts no further pruning and waits for one under way. */
  close(): Promise<void>;
}

/** A job that has not begun. */
export function createRetentionJob({ store, trace, limits, clock, log }: RetentionPorts): RetentionJob {
  let isClosed = false;
  let underWay: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  async function pruneRuns(now: EpochMs): Promise<number> {
    const { maxAgeMs, maxCount } = limits.runs;
    let pruned = 0;
    while (!isClosed) {
      const runs = await store.fanOut.prunableRuns(now - maxAgeMs, maxCount, BATCH);
      let deleted = 0;
      for (const run of runs) {
        if (await deleteRun(store, run)) deleted += 1;
      }
      pruned += deleted;
      if (deleted === 0 || runs.length < BATCH) break;
    }
    return pruned;
  }

  async function pruneRows(
    rows: { prune(before: EpochMs, keep: number, limit: number): Promise<number> },
    { maxAgeMs, maxCount }: KeepLimits,
    now: EpochMs,
  ): Promise<number> {
    let pruned = 0;
    while (!isClosed) {
      const deleted = await rows.prune(now - maxAgeMs, maxCount, BATCH);
      pruned += deleted;
      if (deleted < BATCH) break;
    }
    return pruned;
  }

  async function pruneAll(): Promise<void> {
    const now = clock.now();
    const pruned = {
      runs: await pruneRuns(now),
      deviceAlerts: await pruneRows(store.deviceAlerts, limits.deviceAlerts, now),
      audit: await pruneRows(store.audit, limits.audit, now),
      traceFiles: (await trace?.prune({ ...limits.trace, now })) ?? 0,
    };
    if (Object.values(pruned).some((count) => count > 0)) log.info('what is no longer kept was deleted', pruned);
  }

  function prune(): Promise<void> {
    underWay ??= pruneAll()
      .catch((error: unknown) => log.error('what is no longer kept could not be deleted', { err: error }))
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  }

  function again(): void {
    cancel = clock.after(PRUNE_INTERVAL_MS, () => {
      void prune().then(() => {
        if (!isClosed) again();
      });
    });
  }

  return {
    start: again,
    prune,
    async close() {
      isClosed = true;
      cancel?.();
      await underWay;
    },
  };
}
