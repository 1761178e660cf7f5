import { countsFrom, type Outcome, type SettledOutcome } from '../../fanout/outcome.ts';
import { DEFAULT_POLICY, type Policy } from '../../fanout/policy.ts';
import type { PauseCause, Run, RunState } from '../../fanout/store.ts';
import type { Database } from './database.ts';

/** A run with its progress, as `selectRun` reads it. */
export interface RunRow {
  readonly number: number;
  readonly fan_out_root: string;
  readonly server_id: string | null;
  readonly group_name: string;
  readonly retry_of_run: number | null;
  readonly retry_outcomes: string | null;
  readonly commands: string;
  readonly correlator: string | null;
  readonly policy: string;
  readonly started_at: number;
  readonly ends_at: number;
  readonly state: RunState;
  readonly pause_cause: PauseCause | null;
  readonly released: number;
  readonly wave: number;
  readonly digest: string | null;
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

/** Runs; to be completed with a WHERE. `index` is one of `run_progress`. */
export function selectRun(index = ''): string {
  return `SELECT run.*, progress.* FROM run_progress AS progress ${index && `INDEXED BY ${index}`}
    JOIN run ON run.number = progress.run`;
}

/** Column of `run_progress` that counts the members with this outcome. */
export function countColumn(outcome: Outcome): string {
  return outcome.replace('-', '_');
}

/** A run by its number, for work inside a transaction. */
export function runByNumber(database: Database): (number: number) => Run | undefined {
  const query = database.query<RunRow>(`${selectRun()} WHERE progress.run = ?`);
  return (number) => {
    const row = query.first(number);
    return row && runOf(row);
  };
}

export function runOf(row: RunRow): Run {
  return {
    number: row.number,
    fanOutRoot: row.fan_out_root,
    serverId: row.server_id ?? undefined,
    group: row.group_name,
    retryOf:
      row.retry_of_run === null
        ? undefined
        : { run: row.retry_of_run, outcomes: JSON.parse(row.retry_outcomes ?? '[]') as SettledOutcome[] },
    commands: row.commands,
    correlator: row.correlator ?? undefined,
    // A run of an older program has the policy that was known then.
    policy: { ...DEFAULT_POLICY, ...(JSON.parse(row.policy) as Partial<Policy>) },
    startedAt: row.started_at,
    endsAt: row.ends_at,
    state: row.state,
    pauseCause: row.pause_cause ?? undefined,
    released: row.released,
    wave: row.wave,
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
    digest: row.digest ?? undefined,
    generation: row.generation,
    endedAt: row.ended_at ?? undefined,
    firstSentAt: row.first_sent_at ?? undefined,
    lastAnswerAt: row.last_answer_at ?? undefined,
  };
}
