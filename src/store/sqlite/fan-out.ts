import type { FanOutStore } from '../../fanout/store.ts';
import { createAlerts } from './alerts.ts';
import { createAsyncAnswers } from './async-answers.ts';
import { createClaims } from './claims.ts';
import { createClusters } from './clusters.ts';
import type { Database } from './database.ts';
import { createDeviceQueue } from './device-queue.ts';
import { createMembers } from './members.ts';
import { createRunDeletion } from './run-deletion.ts';
import { createRunStart } from './run-start.ts';
import { createRuns } from './runs.ts';
import { createSettlement } from './settlement.ts';
import { createTargets } from './targets.ts';
import { createWaves } from './waves.ts';

/** Runs, their members and their alerts, in SQLite. Takes up deletions of runs that were cut short. */
export async function openFanOutStore(database: Database): Promise<FanOutStore> {
  const settle = createSettlement(database);
  const deletion = createRunDeletion(database);
  await deletion.removeLeftovers();
  return {
    ...createRuns(database),
    ...createRunStart(database),
    deleteRun: (number) => deletion.deleteRun(number),
    ...createWaves(database),
    ...createClaims(database, settle),
    ...createDeviceQueue(database),
    ...createTargets(database),
    settle: (target, ending, now) => database.write(() => settle(target, ending, now, 'answer')),
    endUnsent: (target, ending, now) => database.write(() => settle(target, ending, now, 'unsent')),
    together: (ask) => database.together(ask),
    ...createAsyncAnswers(database),
    ...createMembers(database),
    ...createClusters(database),
    ...createAlerts(database),
  };
}
