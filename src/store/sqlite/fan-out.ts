import type { FanOutStore } from '../../fanout/store.ts';
import { createAlerts } from './alerts.ts';
import { createClaims } from './claims.ts';
import type { Database } from './database.ts';
import { createMembers } from './members.ts';
import { createRuns } from './runs.ts';
import { createSettlement } from './settlement.ts';
import { createTargets } from './targets.ts';

/** Runs, their members and their alerts, in SQLite. */
export function createFanOutStore(database: Database): FanOutStore {
  const settle = createSettlement(database);
  return {
    ...createRuns(database),
    ...createClaims(database, settle),
    ...createTargets(database),
    settle: (target, outcome, deResult, now) =>
      database.write(() => settle(target, { outcome, deResult, answeredAt: now }, now)),
    ...createMembers(database),
    ...createAlerts(database),
  };
}
