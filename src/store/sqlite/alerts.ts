import type { FanOutStore, PendingAlert } from '../../fanout/store.ts';
import type { Database } from './database.ts';

interface AlertRow {
  readonly id: number;
  readonly run: number;
  readonly server_id: string;
  readonly correlator: string | null;
  readonly data: number;
  readonly generation: number;
  readonly attempts: number;
  readonly due_at: number;
}

/** The outbox of alerts. They are put in where their run completes. */
export function createAlerts(
  database: Database,
): Pick<FanOutStore, 'dueAlerts' | 'nextAlertDueAt' | 'alertAccepted' | 'alertRejected' | 'alertDeferred'> {
  const due = database.query<AlertRow>(
    `SELECT * FROM alert INDEXED BY alert_open WHERE state = 'open' AND server_id = ? AND due_at <= ?
     ORDER BY id LIMIT ?`,
  );
  const firstDue = database.query<{ at: number }>(
    `SELECT due_at AS at FROM alert INDEXED BY alert_open WHERE state = 'open' AND server_id = ?
     ORDER BY due_at LIMIT 1`,
  );
  const close = database.command(`UPDATE alert SET state = ?, closed_at = ? WHERE id = ? AND state = 'open'`);
  const defer = database.command(`UPDATE alert SET due_at = ?, attempts = attempts + 1 WHERE id = ?`);
  return {
    dueAlerts: (serverId, now, limit) => database.read(() => due.all(serverId, now, limit).map(alertOf)),
    nextAlertDueAt: (serverId) => database.read(() => firstDue.first(serverId)?.at),
    alertAccepted: (id, now) =>
      database.write(() => {
        close('accepted', now, id);
      }),
    alertRejected: (id, now) =>
      database.write(() => {
        close('rejected', now, id);
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
