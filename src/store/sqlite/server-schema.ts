import type { Schema } from './schema-upgrade.ts';
import { PEER_NONCE_TABLE } from './peer-nonces.ts';

/** Schema of a DM Server's database. What was ordered can be large and never changes: it is apart from the job. */
export const SERVER_SCHEMA: Schema = {
  '0001': [
    PEER_NONCE_TABLE,
    `CREATE TABLE job (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      gateway_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      correlator TEXT,
      state TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      results_url TEXT,
      counts TEXT,
      generation INTEGER,
      error_code TEXT,
      error_message TEXT,
      idempotency_key TEXT UNIQUE
    ) STRICT`,
    `CREATE INDEX job_by_state ON job (gateway_id, state)`,
    `CREATE INDEX job_by_correlator ON job (gateway_id, correlator) WHERE kind = 'fanout'`,
    `CREATE INDEX job_by_kind ON job (kind)`,
    `CREATE TABLE job_spec (
      job INTEGER PRIMARY KEY,
      spec TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE job_event (
      id INTEGER PRIMARY KEY,
      job INTEGER NOT NULL,
      at INTEGER NOT NULL,
      step INTEGER,
      what TEXT NOT NULL
    ) STRICT`,
    `CREATE INDEX job_event_of_job ON job_event (job)`,
    `CREATE TABLE job_result (
      id INTEGER PRIMARY KEY,
      job INTEGER NOT NULL,
      n INTEGER NOT NULL,
      device_id TEXT NOT NULL,
      outcome TEXT NOT NULL,
      de_result TEXT,
      UNIQUE (job, n)
    ) STRICT`,
    `CREATE INDEX job_result_outcome ON job_result (job, outcome, n)`,
    // noted: whether it is known which generation the last alert announced; previous_at: when the one before it came.
    `CREATE TABLE completion (
      id INTEGER PRIMARY KEY,
      gateway_id TEXT NOT NULL,
      results_url TEXT NOT NULL,
      data TEXT NOT NULL,
      type TEXT NOT NULL,
      mark TEXT,
      correlator TEXT,
      generation INTEGER,
      noted INTEGER NOT NULL DEFAULT 0,
      received INTEGER NOT NULL DEFAULT 1,
      first_at INTEGER NOT NULL,
      previous_at INTEGER NOT NULL,
      last_at INTEGER NOT NULL
    ) STRICT`,
    `CREATE INDEX completion_of_run ON completion (gateway_id, results_url)`,
  ],
  // run_state, digest: as the gateway told them; alerts: how many came for the run; plan: JSON.
  '0002': [
    `ALTER TABLE job ADD COLUMN run_state TEXT`,
    `ALTER TABLE job ADD COLUMN digest TEXT`,
    `ALTER TABLE job ADD COLUMN alerts INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE job ADD COLUMN plan TEXT`,
    `CREATE INDEX job_result_device ON job_result (job, device_id)`,
    `CREATE TABLE passed_on_alert (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      gateway_id TEXT NOT NULL,
      at INTEGER NOT NULL,
      source TEXT,
      alert TEXT NOT NULL
    ) STRICT`,
    `CREATE INDEX passed_on_alert_of_gateway ON passed_on_alert (gateway_id, id)`,
  ],
};
