import { isDeepStrictEqual } from 'node:util';
import type { Counts, Outcome } from '../../fanout/outcome.ts';
import type { RunState } from '../../fanout/store.ts';
import {
  type Job,
  type JobChange,
  type JobEventRow,
  type JobResult,
  type JobSpec,
  type JobState,
  keyConflict,
  type ServerStore,
} from '../server-store.ts';
import type { Database } from './database.ts';
import { resultLines } from './result-lines.ts';

interface JobRow {
  readonly id: number;
  readonly gateway_id: string;
  readonly state: JobState;
  readonly created_at: number;
  readonly ended_at: number | null;
  readonly results_url: string | null;
  readonly counts: string | null;
  readonly generation: number | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly run_state: RunState | null;
  readonly digest: string | null;
  readonly alerts: number;
  readonly plan: string | null;
}

interface EventRow {
  readonly at: number;
  readonly step: number | null;
  readonly what: string;
}

interface ResultRow {
  readonly n: number;
  readonly device_id: string;
  readonly outcome: Outcome;
  readonly de_result: string | null;
}

const HAS_PART = `(?4 = '' OR instr(lower(device_id), lower(?4)) > 0)`;
const PAGE = `SELECT * FROM job_result WHERE job = ?1 AND n > ?2 AND ${HAS_PART} ORDER BY n LIMIT ?3`;
const PAGE_OF_OUTCOME = `SELECT * FROM job_result INDEXED BY job_result_outcome
  WHERE job = ?1 AND outcome = ?5 AND n > ?2 AND ${HAS_PART} ORDER BY n LIMIT ?3`;

/** Jobs of a DM Server with their events and results, in SQLite. */
export function createJobStore(
  database: Database,
): Omit<
  ServerStore,
  'peerNonces' | 'passedOnAlerts' | 'noteCompletion' | 'noteGeneration' | 'completions' | 'measure' | 'probe' | 'close'
> {
  const insert = database.query<JobRow>(
    `INSERT INTO job (gateway_id, kind, correlator, state, created_at, idempotency_key)
     VALUES (?, ?, ?, 'queued', ?, ?) RETURNING *`,
  );
  const insertSpec = database.command(`INSERT INTO job_spec (job, spec) VALUES (?, ?)`);
  const readSpec = database.query<{ spec: string }>(`SELECT spec FROM job_spec WHERE job = ?`);
  const byId = database.query<JobRow>(`SELECT * FROM job WHERE id = ?`);
  const byKey = database.query<JobRow>(`SELECT * FROM job WHERE idempotency_key = ?`);
  const newest = database.query<JobRow>(`SELECT * FROM job WHERE kind = ? AND id < ? ORDER BY id DESC LIMIT ?`);
  const open = database.query<JobRow>(
    `SELECT * FROM job WHERE gateway_id = ? AND state IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?`,
  );
  const byCorrelator = database.query<JobRow>(
    `SELECT * FROM job WHERE kind = 'fanout' AND gateway_id = ? AND correlator = ? ORDER BY id DESC LIMIT 1`,
  );
  const update = database.command(
    `UPDATE job SET
       state = CASE WHEN (?9 IS NULL OR state IN (SELECT value FROM json_each(?9))) AND coalesce(?10, alerts) = alerts
         THEN coalesce(?1, state) ELSE state END,
       ended_at = coalesce(?2, ended_at), results_url = coalesce(?3, results_url),
       counts = coalesce(?4, counts), generation = coalesce(?5, generation),
       error_code = coalesce(?6, error_code), error_message = coalesce(?7, error_message),
       run_state = coalesce(?11, run_state), digest = coalesce(?12, digest), plan = coalesce(?13, plan),
       alerts = alerts + ?14
     WHERE id = ?8`,
  );
  const insertEvent = database.command(`INSERT INTO job_event (job, at, step, what) VALUES (?, ?, ?, ?)`);
  const events = database.query<EventRow>(`SELECT at, step, what FROM job_event WHERE job = ? ORDER BY id`);
  const writeResult = database.command(
    `INSERT INTO job_result (job, n, device_id, outcome, de_result) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (job, n) DO UPDATE SET
       device_id = excluded.device_id, outcome = excluded.outcome, de_result = excluded.de_result`,
  );
  const results = database.query<ResultRow>(PAGE);
  const resultsByOutcome = database.query<ResultRow>(PAGE_OF_OUTCOME);
  const lines = resultLines(database, PAGE);
  const linesByOutcome = resultLines(database, PAGE_OF_OUTCOME);
  const resultOfDevice = database.query<ResultRow>(
    `SELECT * FROM job_result WHERE job = ? AND device_id = ? ORDER BY n LIMIT 1`,
  );
  const equalAnswers = database.query<{ readonly de_result: string; readonly members: number }>(
    `SELECT de_result, count(*) AS members FROM job_result WHERE job = ? AND de_result IS NOT NULL
     GROUP BY de_result ORDER BY members DESC, min(n) LIMIT ?`,
  );

  // A job is read at every exchange of its session, and a group of 50,000 devices takes long to parse.
  let lastSpec: { readonly id: number; readonly spec: JobSpec } | undefined;

  function specOf(id: number): JobSpec {
    if (lastSpec?.id === id) return lastSpec.spec;
    const row = readSpec.first(id);
    if (!row) throw new TypeError(`job ${id} has no spec`);
    lastSpec = { id, spec: JSON.parse(row.spec) as JobSpec };
    return lastSpec.spec;
  }

  function jobOf(row: JobRow, spec = specOf(row.id)): Job {
    return {
      id: row.id,
      gatewayId: row.gateway_id,
      spec,
      state: row.state,
      createdAt: row.created_at,
      endedAt: row.ended_at ?? undefined,
      resultsUrl: row.results_url ?? undefined,
      counts: row.counts === null ? undefined : (JSON.parse(row.counts) as Counts),
      generation: row.generation ?? undefined,
      error: row.error_code === null ? undefined : { code: row.error_code, message: row.error_message ?? '' },
      runState: row.run_state ?? undefined,
      digest: row.digest ?? undefined,
      alerts: row.alerts,
      plan: row.plan ?? undefined,
    };
  }

  function firstJob(row: JobRow | undefined): Job | undefined {
    return row && jobOf(row);
  }

  function create(gatewayId: string, ordered: JobSpec, idempotencyKey: string | undefined, now: number): Job {
    if (idempotencyKey !== undefined) {
      const row = byKey.first(idempotencyKey);
      const known = row && jobOf(row);
      if (known && (known.gatewayId !== gatewayId || !isSameOrder(known.spec, ordered)))
        throw keyConflict(idempotencyKey);
      if (known) return known;
    }
    const correlator = ordered.kind === 'fanout' ? ordered.correlator : null;
    const row = insert.first(gatewayId, ordered.kind, correlator, now, idempotencyKey ?? null);
    if (!row) throw new TypeError('a job that was just written is missing');
    insertSpec(row.id, JSON.stringify(ordered));
    return jobOf(row, ordered);
  }

  function change(id: number, { counts, error, from, ...more }: JobChange): void {
    const changed = update(
      more.state ?? null,
      more.endedAt ?? null,
      more.resultsUrl ?? null,
      counts ? JSON.stringify(counts) : null,
      more.generation ?? null,
      error?.code ?? null,
      error?.message ?? null,
      id,
      from ? JSON.stringify(from) : null,
      more.ifAlerts ?? null,
      more.runState ?? null,
      more.digest ?? null,
      more.plan ?? null,
      more.alerted ? 1 : 0,
    );
    if (changed === 0) return;
    for (const { at, step, what } of more.events ?? []) insertEvent(id, at, step ?? null, what);
    for (const { n, deviceId, outcome, deResult } of more.results ?? []) {
      writeResult(id, n, deviceId, outcome, deResult ?? null);
    }
  }

  return {
    createJob: (gatewayId, ordered, idempotencyKey, now) =>
      database.write(() => create(gatewayId, ordered, idempotencyKey, now)),
    job: (id) => database.read(() => firstJob(byId.first(id))),
    jobs: (kind, before, limit) =>
      database.read(() => newest.all(kind, before ?? Number.MAX_SAFE_INTEGER, limit).map((row) => jobOf(row))),
    openJobs: (gatewayId, states, limit) =>
      database.read(() => open.all(gatewayId, JSON.stringify(states), limit).map((row) => jobOf(row))),
    jobByCorrelator: (gatewayId, correlator) =>
      database.read(() => firstJob(byCorrelator.first(gatewayId, correlator))),
    change: (id, changes) => database.write(() => change(id, changes)),
    events: (id) => database.read(() => events.all(id).map(eventOf)),
    results: (id, after, limit, { outcome, query = '' } = {}) =>
      database.read(() => {
        const rows =
          outcome === undefined
            ? results.all(id, after, limit, query)
            : resultsByOutcome.all(id, after, limit, query, outcome);
        return rows.map(resultOf);
      }),
    resultLines: (id, after, limit, { outcome, query = '' } = {}) =>
      database.read(() =>
        outcome === undefined ? lines(id, after, limit, query) : linesByOutcome(id, after, limit, query, outcome),
      ),
    resultOfDevice: (id, deviceId) =>
      database.read(() => {
        const row = resultOfDevice.first(id, deviceId);
        return row && resultOf(row);
      }),
    equalAnswers: (id, limit) =>
      database.read(() =>
        equalAnswers.all(id, limit).map(({ de_result, members }) => ({ deResult: de_result, members })),
      ),
  };
}

function isSameOrder(one: JobSpec, other: JobSpec): boolean {
  return isDeepStrictEqual(comparable(one), comparable(other));
}

/** What makes an order the one it is: without what is absent, and without the Correlator of a fan-out. */
function comparable(spec: JobSpec): unknown {
  const whole = spec.kind === 'group' ? { groupRefs: [], ...spec } : { ...spec, correlator: undefined };
  return JSON.parse(JSON.stringify(whole));
}

function eventOf({ at, step, what }: EventRow): JobEventRow {
  return { at, step: step ?? undefined, what };
}

function resultOf(row: ResultRow): JobResult {
  return { n: row.n, deviceId: row.device_id, outcome: row.outcome, deResult: row.de_result ?? undefined };
}
