import type { DmServer } from '../server/server.ts';
import type { JobState } from '../store/server-store.ts';
import { addLoad, gauge, type RoleMetrics, storeSizeGauge } from './role-metrics.ts';

const NO_JOBS = {
  queued: 0,
  sending: 0,
  running: 0,
  fetching: 0,
  complete: 0,
  cancelled: 0,
  failed: 0,
} as const satisfies Record<JobState, 0>;

/** Has it told what a DM Server holds, and what is in its database. */
export function addServerGauges(metrics: RoleMetrics, server: Pick<DmServer, 'load' | 'store'>): void {
  const setSize = storeSizeGauge(metrics.registry);
  const jobs = gauge(metrics.registry, 'dmgw_jobs', 'Jobs by state', 'state');
  addLoad(metrics, () => server.load);
  metrics.beforeEach(async () => {
    const measures = await server.store.measure();
    setSize(measures);
    for (const [state, count] of Object.entries({ ...NO_JOBS, ...measures.jobs })) jobs.set({ state }, count);
  });
}
