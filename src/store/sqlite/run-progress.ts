import { type Outcome, OUTCOMES, type SettledOutcome } from '../../fanout/outcome.ts';
import type { EpochMs, Run } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { countColumn } from './run-rows.ts';

/** How far a run has come, with the members that the batch has settled so far. */
export interface RunProgress {
  readonly state: Run['state'];
  readonly endedAt: EpochMs | null;
  readonly quorumAt: number | null;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** Null: the run has neither digest nor clusters. */
  readonly digest: string | null;
  readonly generation: number;
}

/** What a member's end changes in the progress of its run. */
export interface ProgressMove {
  readonly from: Extract<Outcome, 'pending' | 'unknown'>;
  readonly to: SettledOutcome;
  readonly digest: string | null;
  /** Undefined: it was not its own answer that ended it. */
  readonly answeredAt: EpochMs | undefined;
}

/** The progress of runs, for work inside a transaction: read once in a batch, and written once. */
export interface RunProgresses {
  /** Undefined: there is no such run. */
  of(run: number): RunProgress | undefined;
  /** Moves a member of a run that is there. */
  move(run: number, move: ProgressMove): RunProgress;
}

interface ProgressRow extends Readonly<Record<string, string | number | null>> {
  readonly state: Run['state'];
  readonly ended_at: number | null;
  readonly quorum_at: number | null;
  readonly digest: string | null;
  readonly generation: number;
  readonly last_answer_at: number | null;
}

interface Gathered extends RunProgress {
  readonly counts: Record<Outcome, number>;
  digest: string | null;
  generation: number;
  lastAnswerAt: EpochMs | null;
  isChanged: boolean;
}

const COUNT_COLUMNS = OUTCOMES.map(countColumn);

/**
 * Counts, digest and generation of the runs whose members settle. They are in the transaction of the outcomes, and
 * every member sees those that settled before it: the last one knows that it is.
 */
export function createRunProgresses(database: Database): RunProgresses {
  const read = database.query<ProgressRow>(
    `SELECT state, ended_at, quorum_at, digest, generation, last_answer_at, ${COUNT_COLUMNS.join(', ')}
     FROM run_progress WHERE run = ?`,
  );
  const write = database.command(
    `UPDATE run_progress SET digest = ?, generation = ?, last_answer_at = ?,
       ${COUNT_COLUMNS.map((column) => `${column} = ?`).join(', ')}
     WHERE run = ?`,
  );
  const gathered = new Map<number, Gathered>();

  database.gather({
    flush() {
      for (const [run, { digest, generation, lastAnswerAt, counts, isChanged }] of gathered) {
        if (isChanged) write(digest, generation, lastAnswerAt, ...OUTCOMES.map((outcome) => counts[outcome]), run);
      }
      gathered.clear();
    },
    discard: () => gathered.clear(),
  });

  function progressOf(run: number): Gathered | undefined {
    const known = gathered.get(run);
    if (known) return known;
    const row = read.first(run);
    if (!row) return undefined;
    const progress: Gathered = {
      state: row.state,
      endedAt: row.ended_at,
      quorumAt: row.quorum_at,
      counts: countsOf(row),
      digest: row.digest,
      generation: row.generation,
      lastAnswerAt: row.last_answer_at,
      isChanged: false,
    };
    gathered.set(run, progress);
    return progress;
  }

  return {
    of: progressOf,
    move(run, { from, to, digest, answeredAt }) {
      const progress = progressOf(run);
      if (!progress) throw new TypeError(`run ${run} has no progress`);
      progress.counts[from] -= 1;
      progress.counts[to] += 1;
      progress.digest = digest;
      progress.lastAnswerAt = answeredAt ?? progress.lastAnswerAt;
      // It counts changes of an aggregate that was announced.
      if (progress.generation > 0) progress.generation += 1;
      progress.isChanged = true;
      return progress;
    },
  };
}

function countsOf(row: ProgressRow): Record<Outcome, number> {
  const counts = OUTCOMES.map((outcome) => [outcome, Number(row[countColumn(outcome)])]);
  return Object.fromEntries(counts) as Record<Outcome, number>;
}
