import { alertData } from '../../fanout/aggregate.ts';
import type { EpochMs, FanOutStore, PendingAlert, Run } from '../../fanout/store.ts';
import type { Database } from './database.ts';

type AlertState = 'open' | 'accepted' | 'rejected';

interface AlertRow {
  readonly id: number;
  readonly run: number;
  readonly server_id: string;
  readonly correlator: string | null;
  readonly data: number;
  readonly generation: number;
  readonly attempts: number;
  readonly due_at: number;
  readonly state: AlertState;
}

/**
 * Tells the server of a run where it stands, for work inside a transaction: the open alert of the run takes up its
 * aggregate; when there is none, `mayInsert` says whether there is to be a new one. Answers the server that has
 * something to be told.
 */
export function createAnnouncement(
  database: Database,
): (run: Run, mayInsert: boolean, now: EpochMs) => string | undefined {
  const update = database.command(
    `UPDATE alert INDEXED BY alert_of_run SET data = ?, generation = ? WHERE run = ? AND state = 'open'`,
  );
  const insert = database.command(
    `INSERT INTO alert (run, server_id, correlator, data, generation, due_at) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  return ({ number, serverId, correlator, counts, state, generation }, mayInsert, now) => {
    if (serverId === undefined) return undefined;
    const data = alertData(counts, state);
    if (update(data, generation, number) === 0) {
      if (!mayInsert) return undefined;
      insert(number, serverId, correlator ?? null, data, generation, now);
    }
    return serverId;
  };
}

/** The outbox of alerts. They are put in where members settle. */
export function createAlerts(
  database: Database,
): Pick<
  FanOutStore,
  'dueAlerts' | 'alertsOfRun' | 'nextAlertDueAt' | 'alertAccepted' | 'alertRejected' | 'alertDeferred'
> {
  const due = database.query<AlertRow>(
    `SELECT * FROM alert INDEXED BY alert_open WHERE state = 'open' AND server_id = ? AND due_at <= ?
     ORDER BY id LIMIT ?`,
  );
  const ofRun = database.query<AlertRow>(`SELECT * FROM alert INDEXED BY alert_of_run WHERE run = ? ORDER BY id`);
  const firstDue = database.query<{ at: number }>(
    `SELECT due_at AS at FROM alert INDEXED BY alert_open WHERE state = 'open' AND server_id = ?
     ORDER BY due_at LIMIT 1`,
  );
  const accept = database.command(
    `UPDATE alert SET state = 'accepted', closed_at = ? WHERE id = ? AND generation = ? AND state = 'open'`,
  );
  const makeDue = database.command(`UPDATE alert SET due_at = ? WHERE id = ? AND state = 'open'`);
  const reject = database.command(`UPDATE alert SET state = 'rejected', closed_at = ? WHERE id = ? AND state = 'open'`);
  const defer = database.command(
    `UPDATE alert SET due_at = ?, attempts = attempts + 1 WHERE id = ? AND state = 'open'`,
  );
  return {
    dueAlerts: (serverId, now, limit) => database.read(() => due.all(serverId, now, limit).map(alertOf)),
    alertsOfRun: (run) => database.read(() => ofRun.all(run).map((row) => ({ ...alertOf(row), state: row.state }))),
    nextAlertDueAt: (serverId) => database.read(() => firstDue.first(serverId)?.at),
    alertAccepted: (id, generation, now) =>
      database.write(() => {
        if (accept(now, id, generation) === 0) makeDue(now, id);
      }),
    alertRejected: (id, now) =>
      database.write(() => {
        reject(now, id);
      }),
    alertDeferred: (id, dueAt) =>
      database.write(() => {
        defer(dueAt, id);
      }),
  };
}

function alertOf(row: AlertRow): PendingAlert {
  return {
    id: row.id,
    run: row.run,
    serverId: row.server_id,
    correlator: row.correlator ?? undefined,
    data: row.data,
    generation: row.generation,
    attempts: row.attempts,
    dueAt: row.due_at,
  };
}
