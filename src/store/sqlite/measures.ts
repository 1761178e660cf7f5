import type { GatewayMeasures, ServerMeasures, WaitingAlerts } from '../measures.ts';
import type { Database } from './database.ts';

interface StateRow {
  readonly state: string;
  readonly count: number;
}

interface AlertsRow {
  readonly count: number;
  readonly oldest_at: number | null;
}

/** Counts what a gateway has stored; none of it takes longer with more members. */
export function gatewayMeasures(database: Database): () => Promise<GatewayMeasures> {
  const runs = database.query<StateRow & { readonly pending: number }>(
    `SELECT state, count(*) AS count, sum(pending) AS pending FROM run_progress GROUP BY state`,
  );
  // An alert that has outlived its run counts, but when that ended is not known any more.
  const runAlerts = database.query<AlertsRow>(
    `SELECT count(*) AS count, min(ended_at) AS oldest_at FROM alert INDEXED BY alert_open
     LEFT JOIN run_progress ON run_progress.run = alert.run WHERE alert.state = 'open'`,
  );
  const deviceAlerts = database.query<AlertsRow>(
    `SELECT (SELECT count(*) FROM device_alert_forward) AS count,
       (SELECT at FROM device_alert WHERE id = (SELECT min(alert_id) FROM device_alert_forward)) AS oldest_at`,
  );
  return () =>
    database.read(() => {
      const rows = runs.all();
      return {
        ...database.size(),
        runs: byState(rows),
        pendingMembers: rows.reduce((sum, { pending }) => sum + pending, 0),
        alerts: { run: waitingAlerts(runAlerts.first()), device: waitingAlerts(deviceAlerts.first()) },
      };
    });
}

/** Counts what a DM Server has stored. */
export function serverMeasures(database: Database): () => Promise<ServerMeasures> {
  const jobs = database.query<StateRow>(`SELECT state, count(*) AS count FROM job GROUP BY state`);
  return () => database.read(() => ({ ...database.size(), jobs: byState(jobs.all()) }));
}

function byState(rows: readonly StateRow[]): Readonly<Record<string, number>> {
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

function waitingAlerts(row: AlertsRow | undefined): WaitingAlerts {
  return { count: row?.count ?? 0, oldestAt: row?.oldest_at ?? undefined };
}
