import { countsFrom, type Outcome } from '../../fanout/outcome.ts';
import type { Policy } from '../../fanout/policy.ts';
import { isSameOrder } from '../../fanout/same-order.ts';
import type { FanOutStore, NewRun, Run, RunState, Started } from '../../fanout/store.ts';
import type { Database } from './database.ts';

interface RunRow {
  readonly number: number;
  readonly fan_out_root: string;
  readonly server_id: string | null;
  readonly group_name: string;
  readonly commands: string;
  readonly correlator: string | null;
  readonly policy: string;
  readonly started_at: number;
  readonly state: RunState;
  readonly generation: number;
  readonly ended_at: number | null;
  readonly first_sent_at: number | null;
  readonly last_answer_at: number | null;
  readonly pending: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly timed_out: number;
  readonly unreachable: number;
  readonly unauthorized: number;
  readonly cancelled: number;
  readonly unknown: number;
}

/** Column of `run_progress` that counts the members with this outcome. */
export function countColumn(outcome: Outcome): string {
  return outcome.replace('-', '_');
}

/** A run by its number, for work inside a transaction. */
export function runByNumber(database: Database): (number: number) => Run | undefined {
  const query = database.query<RunRow>(`${SELECT_RUN} WHERE run.number = ?`);
  return (number) => {
    const row = query.first(number);
    return row && runOf(row);
  };
}

/** Runs as a whole: their start, their end, and lists of them. */
export function createRuns(
  database: Database,
): Pick<FanOutStore, 'createRun' | 'run' | 'runs' | 'activeRuns' | 'deleteRun'> {
  const byNumber = runByNumber(database);
  const byKey = database.query<RunRow>(`${SELECT_RUN} WHERE run.idempotency_key = ?`);
  const unanswered = database.query<RunRow>(
    `SELECT run.*, progress.* FROM run INDEXED BY run_of_correlator JOIN run_progress AS progress ON progress.run = run.number
     WHERE run.server_id = ? AND run.correlator = ?
       AND run.fan_out_root = ? AND run.group_name = ? AND run.commands = ?
       AND (progress.state = 'running'
         OR EXISTS (SELECT 1 FROM alert INDEXED BY alert_of_run WHERE alert.run = run.number AND alert.state = 'open'))
     ORDER BY run.number DESC LIMIT 1`,
  );
  const newest = database.query<RunRow>(`${SELECT_RUN} WHERE run.number < ? ORDER BY run.number DESC LIMIT ?`);
  const active = database.query<RunRow>(`${SELECT_RUN} WHERE progress.state = 'running' ORDER BY progress.run`);
  const countActive = database.query<{ runs: number }>(
    `SELECT count(*) AS runs FROM run_progress WHERE state = 'running'`,
  );
  const groupId = database.query<{ id: number }>(`SELECT id FROM device_group WHERE name = ?`);
  const anyMember = database.query<object>(
    `SELECT 1 FROM group_member WHERE group_id = ? AND device_id IS NOT NULL LIMIT 1`,
  );
  const insertRun = database.query<{ number: number }>(
    `INSERT INTO run (
       fan_out_root, server_id, group_name, commands, correlator, policy, started_at, idempotency_key
     ) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`,
  );
  const insertProgress = database.command(`INSERT INTO run_progress (run, state, pending) VALUES (?, 'running', ?)`);
  // A device that stands twice in the group is one member, in the place where it stands first. [FANOUT 3]
  const insertTargets = database.command(
    `INSERT INTO target (run, n, device_id, device_key, notifiable, due_at, ends_at)
     SELECT ?1, row_number() OVER (ORDER BY member.seq), member.device_id, device.key, device.notify IS NOT NULL, ?3, ?4
     FROM (
       SELECT min(seq) AS seq, device_id FROM group_member
       WHERE group_id = ?2 AND device_id IS NOT NULL GROUP BY device_id
     ) AS member LEFT JOIN device ON device.device_id = member.device_id AND device.decommissioned_at IS NULL
     ORDER BY member.seq`,
  );
  const deletions = [
    `DELETE FROM answer WHERE run = ?`,
    `DELETE FROM target WHERE run = ?`,
    `DELETE FROM alert WHERE run = ? AND state <> 'open'`,
    `DELETE FROM run_progress WHERE run = ?`,
    `DELETE FROM run WHERE number = ?`,
  ].map((sql) => database.command(sql));

  /** By its key, else by its Correlator. */
  function startedBefore({ idempotencyKey, serverId, correlator, ...run }: NewRun): Run | undefined {
    let row: RunRow | undefined;
    if (idempotencyKey !== undefined) row = byKey.first(idempotencyKey);
    else if (serverId !== undefined && correlator !== undefined) {
      row = unanswered.first(serverId, correlator, run.fanOutRoot, run.group, run.commands);
    }
    return row && runOf(row);
  }

  function create(run: NewRun, maxActiveRuns: number): Started {
    const known = startedBefore(run);
    if (known) return isSameOrder(known, run) ? { kind: 'existing', run: known } : { kind: 'key-conflict' };
    const group = groupId.first(run.group);
    if (!group) return { kind: 'no-group' };
    if (!anyMember.first(group.id)) return { kind: 'empty-group' };
    if ((countActive.first()?.runs ?? 0) >= maxActiveRuns) return { kind: 'too-many-active' };
    const { number } = one(
      insertRun.first(
        run.fanOutRoot,
        run.serverId ?? null,
        run.group,
        run.commands,
        run.correlator ?? null,
        JSON.stringify(run.policy),
        run.startedAt,
        run.idempotencyKey ?? null,
      ),
    );
    const targets = insertTargets(number, group.id, run.startedAt, run.startedAt + run.policy.runDeadlineMs);
    insertProgress(number, targets);
    return { kind: 'created', run: one(byNumber(number)) };
  }

  return {
    createRun: (run, maxActiveRuns) => database.write(() => create(run, maxActiveRuns)),
    run: (number) => database.read(() => byNumber(number)),
    runs: (before, limit) => database.read(() => newest.all(before ?? Number.MAX_SAFE_INTEGER, limit).map(runOf)),
    activeRuns: () => database.read(() => active.all().map(runOf)),
    deleteRun: (number) =>
      database.write(() => {
        const run = byNumber(number);
        if (!run || run.state === 'running') return false;
        for (const remove of deletions) remove(number);
        return true;
      }),
  };
}

const SELECT_RUN = `SELECT run.*, progress.* FROM run_progress AS progress JOIN run ON run.number = progress.run`;

function runOf(row: RunRow): Run {
  return {
    number: row.number,
    fanOutRoot: row.fan_out_root,
    serverId: row.server_id ?? undefined,
    group: row.group_name,
    commands: row.commands,
    correlator: row.correlator ?? undefined,
    policy: JSON.parse(row.policy) as Policy,
    startedAt: row.started_at,
    state: row.state,
    counts: countsFrom({
      pending: row.pending,
      succeeded: row.succeeded,
      failed: row.failed,
      'timed-out': row.timed_out,
      unreachable: row.unreachable,
      unauthorized: row.unauthorized,
      cancelled: row.cancelled,
      unknown: row.unknown,
    }),
    generation: row.generation,
    endedAt: row.ended_at ?? undefined,
    firstSentAt: row.first_sent_at ?? undefined,
    lastAnswerAt: row.last_answer_at ?? undefined,
  };
}

/** A row that was written in the same transaction. */
function one<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new TypeError('a row that was just written is missing');
  return row;
}
