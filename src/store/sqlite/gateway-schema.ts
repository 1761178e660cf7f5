import type { Schema } from './schema-upgrade.ts';
import { PEER_NONCE_TABLE } from './peer-nonces.ts';

/**
 * Schema of a gateway's database. What changes often is apart from what is large: `run_progress` from the commands in
 * `run`, `target` from the texts of answers. Most indexes of targets hold only those that are still open.
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
  '0003': [
    `ALTER TABLE device_group ADD COLUMN filter TEXT`,
    // By name: what it names may come later, or be made anew.
    `ALTER TABLE group_member ADD COLUMN group_ref TEXT CHECK (group_ref IS NULL OR device_id IS NULL)`,
    `CREATE INDEX group_member_refs ON group_member (group_id, seq) WHERE group_ref IS NOT NULL`,
    `CREATE INDEX group_member_referred ON group_member (group_ref) WHERE group_ref IS NOT NULL`,
    // Only of nodes that were changed through the tree.
    `CREATE TABLE node_property (
      loc_uri TEXT PRIMARY KEY,
      title TEXT,
      changed_at INTEGER,
      ver_no INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE reset_notification (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      peer TEXT NOT NULL,
      digest BLOB NOT NULL,
      UNIQUE (peer, digest)
    ) STRICT`,
    `CREATE INDEX reset_notification_order ON reset_notification (peer, seq)`,
    `CREATE TABLE device_alert (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      device_key INTEGER NOT NULL,
      device_id TEXT NOT NULL,
      at INTEGER NOT NULL,
      alert TEXT NOT NULL
    ) STRICT`,
    `CREATE INDEX device_alert_of_device ON device_alert (device_id, id)`,
    // Gone once the server has it.
    `CREATE TABLE device_alert_forward (
      server_id TEXT NOT NULL,
      alert_id INTEGER NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0,
      due_at INTEGER NOT NULL,
      PRIMARY KEY (server_id, alert_id)
    ) STRICT, WITHOUT ROWID`,
    `CREATE INDEX device_alert_forward_due ON device_alert_forward (server_id, due_at)`,
    `CREATE INDEX device_alert_forward_alert ON device_alert_forward (alert_id)`,
    `CREATE TABLE audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      subject TEXT NOT NULL,
      detail TEXT NOT NULL
    ) STRICT`,
    `ALTER TABLE run ADD COLUMN retry_of_run INTEGER`,
    `ALTER TABLE run ADD COLUMN retry_outcomes TEXT`,
    `ALTER TABLE run ADD COLUMN ends_at INTEGER NOT NULL DEFAULT 0`,
    `UPDATE run SET ends_at = started_at + json_extract(policy, '$.runDeadlineMs')`,
    `ALTER TABLE run_progress ADD COLUMN pause_cause TEXT`,
    `ALTER TABLE run_progress ADD COLUMN wave INTEGER NOT NULL DEFAULT 1`,
    `ALTER TABLE run_progress ADD COLUMN released INTEGER NOT NULL DEFAULT 0`,
    `UPDATE run_progress SET released =
      pending + succeeded + failed + timed_out + unreachable + unauthorized + cancelled + unknown`,
    `ALTER TABLE run_progress ADD COLUMN quorum_at INTEGER`,
    // Null: the run was started before digests and clusters were kept, and has neither.
    `ALTER TABLE run_progress ADD COLUMN digest TEXT`,
    `DROP INDEX run_active`,
    `CREATE INDEX run_active ON run_progress (run) WHERE ended_at IS NULL`,
    `CREATE INDEX run_ended ON run_progress (ended_at, run) WHERE ended_at IS NOT NULL`,
    `ALTER TABLE target ADD COLUMN answer_id INTEGER`,
    `ALTER TABLE target ADD COLUMN async_open INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE target ADD COLUMN async_kept INTEGER NOT NULL DEFAULT 0`,
    `DROP INDEX target_of_device`,
    `CREATE INDEX target_unsent ON target (device_key, run, n) WHERE phase = 'held' OR phase = 'waiting'`,
    `CREATE INDEX target_held ON target (run, n) WHERE phase = 'held'`,
    `CREATE INDEX target_awaiting ON target (run, n) WHERE phase = 'awaiting'`,
    `CREATE INDEX target_async ON target (device_key, run, n) WHERE async_open > 0`,
    `CREATE INDEX target_device_id ON target (run, device_id)`,
    // Equal whole answers of a run are one row. In "answer" are parts, and answers from before there was this table.
    `CREATE TABLE answer_text (
      id INTEGER PRIMARY KEY,
      run INTEGER NOT NULL,
      members INTEGER NOT NULL,
      hash BLOB NOT NULL,
      de_result TEXT NOT NULL
    ) STRICT`,
    `CREATE UNIQUE INDEX answer_text_hash ON answer_text (run, hash)`,
    `CREATE INDEX answer_text_size ON answer_text (run, members DESC)`,
    `CREATE TABLE facet_cluster (
      id INTEGER PRIMARY KEY,
      run INTEGER NOT NULL,
      kind TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      members INTEGER NOT NULL
    ) STRICT`,
    `CREATE UNIQUE INDEX facet_cluster_said ON facet_cluster (run, kind, key, value)`,
    `CREATE TABLE async_answer (
      id INTEGER PRIMARY KEY,
      run INTEGER NOT NULL,
      n INTEGER NOT NULL,
      cmd_id TEXT NOT NULL,
      data TEXT NOT NULL,
      alert TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT`,
    `CREATE UNIQUE INDEX async_answer_of_member ON async_answer (run, n, cmd_id)`,
    // Runs that are gone for everybody and of which there are rows left.
    `CREATE TABLE deleted_run (run INTEGER PRIMARY KEY) STRICT`,
  ],
};
