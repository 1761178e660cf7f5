import { EMPTY_DIGEST } from '../../fanout/digest.ts';
import { isSameOrder } from '../../fanout/same-order.ts';
import type { FanOutStore, NewRun, RetryOf, Run, Started, StartTerms } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { groupSnapshot } from './group-snapshot.ts';
import { runByNumber, runOf, type RunRow, selectRun } from './run-rows.ts';

/** The start of a run with its members. */
export function createRunStart(database: Database): Pick<FanOutStore, 'createRun'> {
  const byNumber = runByNumber(database);
  const byKey = database.query<RunRow>(`${selectRun()} WHERE run.idempotency_key = ?`);
  const unanswered = database.query<RunRow>(
    `SELECT run.*, progress.* FROM run INDEXED BY run_of_correlator JOIN run_progress AS progress ON progress.run = run.number
     WHERE run.server_id = ? AND run.correlator = ?
       AND (progress.ended_at IS NULL
         OR EXISTS (SELECT 1 FROM alert INDEXED BY alert_of_run WHERE alert.run = run.number AND alert.state = 'open'))
     ORDER BY run.number DESC`,
  );
  const countActive = database.query<{ runs: number }>(
    `SELECT count(*) AS runs FROM run_progress INDEXED BY run_active WHERE ended_at IS NULL`,
  );
  const groupId = database.query<{ id: number }>(`SELECT id FROM device_group WHERE name = ?`);
  const snapshot = groupSnapshot(database, 'run_member');
  // A run of an older program can hold a DeviceID twice.
  const takeAgain = database.command(
    `INSERT OR IGNORE INTO run_member (device_id)
     SELECT device_id FROM target WHERE run = ? AND outcome IN (SELECT value FROM json_each(?)) ORDER BY n`,
  );
  const insertRun = database.query<{ number: number }>(
    `INSERT INTO run (
       fan_out_root, server_id, group_name, retry_of_run, retry_outcomes, commands, correlator, policy, started_at, ends_at,
       idempotency_key
     ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`,
  );
  const insertProgress = database.command(
    `INSERT INTO run_progress (run, state, pending, wave, released, quorum_at, digest) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertTargets = database.command(
    `INSERT INTO target (run, n, device_id, device_key, notifiable, phase, due_at, ends_at)
     SELECT ?1, member.n, member.device_id, device.key, device.notify IS NOT NULL,
       iif(member.n <= ?2, 'waiting', 'held'), ?3, ?4
     FROM run_member AS member
     LEFT JOIN device ON device.device_id = member.device_id AND device.decommissioned_at IS NULL
     ORDER BY member.n`,
  );

  /** By its key, else by its Correlator. */
  function startedBefore(order: NewRun): Run | undefined {
    const { idempotencyKey, serverId, correlator } = order;
    if (idempotencyKey !== undefined) {
      const row = byKey.first(idempotencyKey);
      return row && runOf(row);
    }
    if (serverId === undefined || correlator === undefined) return undefined;
    return unanswered
      .all(serverId, correlator)
      .map(runOf)
      .find((run) => isSameOrder(run, order));
  }

  /** Takes the members into `run_member`, and answers how many there are. */
  function takeMembers({ group, retryOf, startedAt }: NewRun): number | 'no-group' | 'no-run' | 'run-active' {
    if (retryOf) return takeMembersAgain(retryOf);
    const row = groupId.first(group);
    return row ? snapshot.fill(row.id, startedAt) : 'no-group';
  }

  function takeMembersAgain({ run, outcomes }: RetryOf): number | 'no-run' | 'run-active' {
    const earlier = byNumber(run);
    if (!earlier) return 'no-run';
    if (earlier.endedAt === undefined) return 'run-active';
    snapshot.clear();
    return takeAgain(run, JSON.stringify(outcomes));
  }

  function create(order: NewRun, terms: StartTerms): Started {
    database.flush();
    const known = startedBefore(order);
    if (known) return isSameOrder(known, order) ? { kind: 'existing', run: known } : { kind: 'key-conflict' };
    const targets = takeMembers(order);
    if (typeof targets === 'string') return { kind: targets };
    if (targets === 0) return { kind: 'empty-group' };
    if ((countActive.first()?.runs ?? 0) >= terms.maxActiveRuns) return { kind: 'too-many-active' };
    const { number } = one(
      insertRun.first(
        order.fanOutRoot,
        order.serverId ?? null,
        order.group,
        order.retryOf?.run ?? null,
        order.retryOf ? JSON.stringify(order.retryOf.outcomes) : null,
        order.commands,
        order.correlator ?? null,
        JSON.stringify(order.policy),
        order.startedAt,
        order.endsAt,
        order.idempotencyKey ?? null,
      ),
    );
    const released = Math.min(targets, terms.firstWave(targets));
    insertTargets(number, released, order.startedAt, order.endsAt);
    snapshot.clear();
    const quorumAt = terms.quorum(targets) ?? null;
    insertProgress(number, order.state, targets, released > 0 ? 1 : 0, released, quorumAt, EMPTY_DIGEST);
    return { kind: 'created', run: one(byNumber(number)) };
  }

  return { createRun: (run, terms) => database.write(() => create(run, terms)) };
}

/** A row that was written in the same transaction. */
function one<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new TypeError('a row that was just written is missing');
  return row;
}
