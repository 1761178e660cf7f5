import type { PassedOnAlert, PassedOnAlertStore } from '../passed-on-alerts.ts';
import type { Database } from './database.ts';
import { pruning } from './pruning.ts';

interface Row {
  readonly id: number;
  readonly gateway_id: string;
  readonly at: number;
  readonly source: string | null;
  readonly alert: string;
}

/** Alerts that gateways passed on, in SQLite. */
export function createPassedOnAlertStore(database: Database): PassedOnAlertStore {
  const insert = database.command(`INSERT INTO passed_on_alert (gateway_id, at, source, alert) VALUES (?, ?, ?, ?)`);
  const newest = database.query<Row>(`SELECT * FROM passed_on_alert WHERE id < ? ORDER BY id DESC LIMIT ?`);
  const ofGateway = database.query<Row>(
    `SELECT * FROM passed_on_alert WHERE gateway_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
  );
  return {
    add: (alerts) =>
      database.write(() => {
        for (const { gatewayId, at, source, alert } of alerts) insert(gatewayId, at, source ?? null, alert);
      }),
    list: (before = Number.MAX_SAFE_INTEGER, limit, gatewayId) =>
      database.read(() => {
        const rows = gatewayId === undefined ? newest.all(before, limit) : ofGateway.all(gatewayId, before, limit);
        return rows.map(alertOf);
      }),
    prune: pruning(database, 'passed_on_alert'),
  };
}

function alertOf({ id, gateway_id, at, source, alert }: Row): PassedOnAlert {
  return { id, gatewayId: gateway_id, at, source: source ?? undefined, alert };
}
