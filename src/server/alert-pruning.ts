import type { PassedOnAlertStore } from '../store/passed-on-alerts.ts';
import type { Clock } from '../transport/clock.ts';
import type { DmServerSetup } from './server.ts';

const PRUNE_INTERVAL_MS = 300_000;
/** Rows that are deleted at a time: others have their turn between. */
const BATCH = 200;

interface PruningPorts extends Pick<DmServerSetup, 'log'> {
  readonly alerts: Pick<PassedOnAlertStore, 'prune'>;
  readonly limits: { readonly maxAgeMs: number; readonly maxCount: number };
  readonly clock: Pick<Clock, 'after'>;
  readonly now: () => number;
}

/** Forgets what gateways passed on and is too old or too much, every few minutes; answers how to stop it. [FANOUT 8] */
export function startAlertPruning({ alerts, limits, clock, now, log }: PruningPorts): () => Promise<void> {
  let isClosed = false;
  let underWay = Promise.resolve();
  let cancel = again();

  async function prune(): Promise<void> {
    let pruned = 0;
    let deleted = BATCH;
    while (deleted === BATCH && !isClosed) {
      deleted = await alerts.prune(now() - limits.maxAgeMs, limits.maxCount, BATCH);
      pruned += deleted;
    }
    if (pruned > 0) log.info('alerts that are no longer kept were deleted', { pruned });
  }

  function again(): () => void {
    return clock.after(PRUNE_INTERVAL_MS, () => {
      underWay = prune()
        .catch((error: unknown) => log.error('alerts that are no longer kept could not be deleted', { err: error }))
        .finally(() => {
          if (!isClosed) cancel = again();
        });
    });
  }

  return () => {
    isClosed = true;
    cancel();
    return underWay;
  };
}
