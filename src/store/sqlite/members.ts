import type { Outcome } from '../../fanout/outcome.ts';
import type { FanOutStore, Member } from '../../fanout/store.ts';
import type { ReadResultLines } from '../result-lines.ts';
import { asyncAnswersOf } from './async-answers.ts';
import type { Database } from './database.ts';
import { resultLines } from './result-lines.ts';

interface MemberRow {
  readonly n: number;
  readonly device_id: string;
  readonly outcome: Outcome;
  readonly de_result: string | null;
  readonly attempts: number;
  readonly first_turn_at: number | null;
  readonly answered_at: number | null;
  readonly late: number;
  readonly async_kept: number;
}

// Of a run that is being deleted there may be members left.
const OF_RUN = `target.run = ?1 AND EXISTS (SELECT 1 FROM run_progress WHERE run = ?1)`;
const OF_PAGE = `target.n > ?2 AND (?3 = '' OR instr(lower(target.device_id), lower(?3)) > 0) ORDER BY target.n LIMIT ?4`;
const PAGE = `${selectMember()} WHERE ${OF_RUN} AND ${OF_PAGE}`;
const PAGE_OF_OUTCOME = `${selectMember('INDEXED BY target_outcome')} WHERE ${OF_RUN} AND target.outcome = ?5 AND ${OF_PAGE}`;

/** Members of runs as they are shown. A part of an answer is none yet. */
export function createMembers(database: Database): Pick<FanOutStore, 'member' | 'members' | 'memberOfDevice'> {
  const one = database.query<MemberRow>(`${selectMember()} WHERE ${OF_RUN} AND target.n = ?2`);
  const ofDevice = database.query<MemberRow>(
    `${selectMember('INDEXED BY target_device_id')} WHERE ${OF_RUN} AND target.device_id = ?2 ORDER BY target.n LIMIT 1`,
  );
  const all = database.query<MemberRow>(PAGE);
  const byOutcome = database.query<MemberRow>(PAGE_OF_OUTCOME);
  const asyncAnswers = asyncAnswersOf(database);

  function memberOf(run: number, row: MemberRow): Member {
    return {
      n: row.n,
      deviceId: row.device_id,
      outcome: row.outcome,
      deResult: row.de_result ?? undefined,
      attempts: row.attempts,
      startedAt: row.first_turn_at ?? undefined,
      answeredAt: row.answered_at ?? undefined,
      late: row.late === 1,
      asyncAnswers: row.async_kept === 0 ? [] : asyncAnswers(run, row.n),
    };
  }

  return {
    member: (run, n) =>
      database.read(() => {
        const row = one.first(run, n);
        return row && memberOf(run, row);
      }),
    memberOfDevice: (run, deviceId) =>
      database.read(() => {
        const row = ofDevice.first(run, deviceId);
        return row && memberOf(run, row);
      }),
    members: (run, after, limit, { outcome, query = '' } = {}) =>
      database.read(() => {
        const rows =
          outcome === undefined ? all.all(run, after, query, limit) : byOutcome.all(run, after, query, limit, outcome);
        return rows.map((row) => memberOf(run, row));
      }),
  };
}

/** The same as text. */
export function createMemberLines(database: Database): ReadResultLines {
  const all = resultLines(database, PAGE);
  const byOutcome = resultLines(database, PAGE_OF_OUTCOME);
  return (run, after, limit, { outcome, query = '' } = {}) =>
    database.read(() =>
      outcome === undefined ? all(run, after, query, limit) : byOutcome(run, after, query, limit, outcome),
    );
}

function selectMember(hint = ''): string {
  return `SELECT target.n, device_id, outcome, coalesce(text.de_result, answer.de_result) AS de_result, attempts,
      first_turn_at, answered_at, late, async_kept
    FROM target ${hint}
    LEFT JOIN answer_text AS text ON text.id = target.answer_id
    LEFT JOIN answer ON answer.run = target.run AND answer.n = target.n
      AND target.phase = 'settled' AND target.answer_id IS NULL`;
}
