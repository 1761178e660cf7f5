import type { Schema } from './migrations.ts';
import { PEER_NONCE_TABLE } from './peer-nonces.ts';

/**
 * Schema of a gateway's database. What changes often is apart from what is large: `run_progress` from the commands in
 * `run`, `target` from the texts in `answer`. Indexes of targets hold only those that are still open.
 */
export const GATEWAY_SCHEMA: Schema = {
  '0001': [
    // Keys are never used again: open members of runs refer to them.
    `CREATE TABLE device (
      key INTEGER PRIMARY KEY AUTOINCREMENT,
      device_id TEXT NOT NULL UNIQUE,
      client_scheme TEXT NOT NULL,
      client_name TEXT NOT NULL,
      client_digest TEXT NOT NULL,
      client_password TEXT,
      client_nonce BLOB NOT NULL,
      server_scheme TEXT NOT NULL,
      server_name TEXT NOT NULL,
      server_digest TEXT NOT NULL,
      server_password TEXT,
      server_nonce BLOB NOT NULL,
      previous_server_nonce BLOB NOT NULL,
      notify TEXT,
      notification_version INTEGER NOT NULL,
      max_msg_bytes INTEGER,
      max_obj_bytes INTEGER,
      former_client_digest TEXT,
      former_client_password TEXT,
      former_client_nonce BLOB,
      former_server_digest TEXT,
      former_server_password TEXT,
      former_server_nonce BLOB,
      former_until INTEGER,
      decommissioned_at INTEGER,
      man TEXT,
      mod TEXT,
      dm_v TEXT,
      lang TEXT,
      fw_v TEXT,
      sw_v TEXT,
      hw_v TEXT,
      detail_at INTEGER,
      last_seen_at INTEGER
    ) STRICT`,
    `CREATE TABLE device_group (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT`,
    `CREATE TABLE group_member (
      seq INTEGER PRIMARY KEY,
      group_id INTEGER NOT NULL REFERENCES device_group ON DELETE CASCADE,
      name TEXT NOT NULL,
      device_id TEXT,
      UNIQUE (group_id, name)
    ) STRICT`,
    `CREATE INDEX group_member_order ON group_member (group_id, seq)`,
    `CREATE TABLE node (
      loc_uri TEXT PRIMARY KEY,
      format TEXT NOT NULL,
      type TEXT NOT NULL,
      data ANY NOT NULL,
      written_by TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE acl (
      loc_uri TEXT PRIMARY KEY,
      acl TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
    PEER_NONCE_TABLE,
    `CREATE TABLE run (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      fan_out_root TEXT NOT NULL,
      server_id TEXT,
      group_name TEXT NOT NULL,
      commands TEXT NOT NULL,
      correlator TEXT,
      policy TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      idempotency_key TEXT UNIQUE
    ) STRICT`,
    `CREATE TABLE run_progress (
      run INTEGER PRIMARY KEY,
      state TEXT NOT NULL,
      generation INTEGER NOT NULL DEFAULT 0,
      ended_at INTEGER,
      first_sent_at INTEGER,
      last_answer_at INTEGER,
      pending INTEGER NOT NULL,
      succeeded INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      timed_out INTEGER NOT NULL DEFAULT 0,
      unreachable INTEGER NOT NULL DEFAULT 0,
      unauthorized INTEGER NOT NULL DEFAULT 0,
      cancelled INTEGER NOT NULL DEFAULT 0,
      unknown INTEGER NOT NULL DEFAULT 0
    ) STRICT`,
    `CREATE INDEX run_active ON run_progress (run) WHERE state = 'running'`,
    `CREATE TABLE target (
      run INTEGER NOT NULL,
      n INTEGER NOT NULL,
      device_id TEXT NOT NULL,
      device_key INTEGER,
      notifiable INTEGER NOT NULL,
      phase TEXT NOT NULL DEFAULT 'waiting',
      attempts INTEGER NOT NULL DEFAULT 0,
      refused_attempts INTEGER NOT NULL DEFAULT 0,
      last_contact TEXT NOT NULL DEFAULT 'none',
      due_at INTEGER NOT NULL,
      ends_at INTEGER NOT NULL,
      first_turn_at INTEGER,
      sent_at INTEGER,
      outcome TEXT NOT NULL DEFAULT 'pending',
      answered_at INTEGER,
      late INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (run, n)
    ) STRICT, WITHOUT ROWID`,
    `CREATE INDEX target_due ON target (run, due_at, n) WHERE phase = 'waiting'`,
    `CREATE INDEX target_end ON target (run, ends_at, n) WHERE phase <> 'settled'`,
    `CREATE INDEX target_of_device ON target (device_key, run, n) WHERE phase = 'waiting'`,
    `CREATE INDEX target_sent ON target (run, n) WHERE phase = 'sent'`,
    `CREATE INDEX target_outcome ON target (run, outcome, n)`,
    // The part that has come while the member is pending, the whole afterwards.
    `CREATE TABLE answer (
      id INTEGER PRIMARY KEY,
      run INTEGER NOT NULL,
      n INTEGER NOT NULL,
      de_result TEXT NOT NULL,
      UNIQUE (run, n)
    ) STRICT`,
    // Outlives its run: an alert that was not accepted is never given up.
    `CREATE TABLE alert (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      run INTEGER NOT NULL,
      server_id TEXT NOT NULL,
      correlator TEXT,
      data INTEGER NOT NULL,
      generation INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      due_at INTEGER NOT NULL,
      state TEXT NOT NULL DEFAULT 'open',
      closed_at INTEGER
    ) STRICT`,
    `CREATE INDEX alert_open ON alert (server_id, due_at) WHERE state = 'open'`,
    `CREATE INDEX alert_of_run ON alert (run)`,
  ],
  // An Exec that comes again is known by its Correlator.
  '0002': [`CREATE INDEX run_of_correlator ON run (server_id, correlator) WHERE correlator IS NOT NULL`],
};
