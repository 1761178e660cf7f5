import { SETTLED_OUTCOMES } from '../fanout/outcome.ts';
import type { RunState } from '../fanout/store.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { GatewayMeters } from '../gateway/meters.ts';
import { addLoad, counter, gauge, type RoleMetrics, storeSizeGauge } from './role-metrics.ts';

const NO_RUNS = {
  scheduled: 0,
  running: 0,
  paused: 0,
  cancelling: 0,
  complete: 0,
  cancelled: 0,
} as const satisfies Record<RunState, 0>;

const MANAGEMENT_OUTCOMES = {
  completed: true,
  refused: true,
  distrusted: true,
  aborted: true,
  malformed: true,
  unreachable: true,
} as const satisfies Record<Parameters<GatewayMeters['managementSessionEnded']>[0], true>;

/** What a gateway counts while it works. */
export function gatewayMeters({ registry, dm }: RoleMetrics): GatewayMeters {
  const notifications = counter(registry, 'dmgw_notifications_total', 'Notifications to devices', 'outcome', [
    'sent',
    'refused',
  ]);
  const members = counter(
    registry,
    'dmgw_members_settled_total',
    'Members of runs that have settled, by outcome; one whose answer came late counts again',
    'outcome',
    SETTLED_OUTCOMES,
  );
  const sessions = counter(
    registry,
    'dmgw_management_sessions_total',
    'DM sessions with DM Servers that are over, by outcome',
    'outcome',
    Object.keys(MANAGEMENT_OUTCOMES),
  );
  return {
    ...dm,
    notified: (outcome) => notifications.inc({ outcome }),
    settled: (outcome) => members.inc({ outcome }),
    managementSessionEnded: (outcome) => sessions.inc({ outcome }),
  };
}

/** Has it told what a gateway holds, and what is in its database. `now`: epoch ms. */
export function addGatewayGauges(
  metrics: RoleMetrics,
  gateway: Pick<Gateway, 'load' | 'store'>,
  now: () => number,
): void {
  const { registry } = metrics;
  const setSize = storeSizeGauge(registry);
  const runs = gauge(registry, 'dmgw_runs', 'Runs that are kept, by state', 'state');
  const pending = gauge(registry, 'dmgw_members_pending', 'Members of all runs that have not settled');
  const alerts = gauge(registry, 'dmgw_alerts_pending', 'Alerts that no DM Server has accepted yet', 'kind');
  const oldest = gauge(
    registry,
    'dmgw_alerts_oldest_seconds',
    'Since the run ended, or the device spoke, whose alert waits longest to be accepted; 0 when none does',
    'kind',
  );
  addLoad(metrics, () => gateway.load);
  metrics.beforeEach(async () => {
    const measures = await gateway.store.measure();
    setSize(measures);
    for (const [state, count] of Object.entries({ ...NO_RUNS, ...measures.runs })) runs.set({ state }, count);
    pending.set(measures.pendingMembers);
    for (const [kind, { count, oldestAt }] of Object.entries(measures.alerts)) {
      alerts.set({ kind }, count);
      oldest.set({ kind }, oldestAt === undefined ? 0 : Math.max(0, now() - oldestAt) / 1000);
    }
  });
}
