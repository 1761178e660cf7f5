import type { Outcome } from '../../fanout/outcome.ts';
import type { FanOutStore, Member } from '../../fanout/store.ts';
import { asyncAnswersOf } from './async-answers.ts';
import type { Database } from './database.ts';

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

/** Members of runs as they are shown. A part of an answer is none yet. */
export function createMembers(database: Database): Pick<FanOutStore, 'member' | 'members' | 'memberOfDevice'> {
  // Of a run that is being deleted there may be members left.
  const isThere = database.query<object>(`SELECT 1 FROM run_progress WHERE run = ?`);
  const one = database.query<MemberRow>(`${selectMember()} WHERE target.run = ? AND target.n = ?`);
  const ofDevice = database.query<MemberRow>(
    `${selectMember('INDEXED BY target_device_id')} WHERE target.run = ? AND target.device_id = ?
     ORDER BY target.n LIMIT 1`,
  );
  const hasPart = `(?3 = '' OR instr(lower(target.device_id), lower(?3)) > 0)`;
  const all = database.query<MemberRow>(
    `${selectMember()} WHERE target.run = ?1 AND target.n > ?2 AND ${hasPart} ORDER BY target.n LIMIT ?4`,
  );
  const byOutcome = database.query<MemberRow>(
    `${selectMember('INDEXED BY target_outcome')}
     WHERE target.run = ?1 AND target.outcome = ?5 AND target.n > ?2 AND ${hasPart} ORDER BY target.n LIMIT ?4`,
  );
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

  function read(run: number, rows: () => readonly (MemberRow | undefined)[]): Promise<readonly Member[]> {
    return database.read(() => {
      if (!isThere.first(run)) return [];
      return rows().flatMap((row) => (row ? [memberOf(run, row)] : []));
    });
  }

  return {
    member: async (run, n) => (await read(run, () => [one.first(run, n)]))[0],
    memberOfDevice: async (run, deviceId) => (await read(run, () => [ofDevice.first(run, deviceId)]))[0],
    members: (run, after, limit, { outcome, query = '' } = {}) =>
      read(run, () =>
        outcome === undefined ? all.all(run, after, query, limit) : byOutcome.all(run, after, query, limit, outcome),
      ),
  };
}

function selectMember(hint = ''): string {
  return `SELECT target.n, device_id, outcome, coalesce(text.de_result, answer.de_result) AS de_result, attempts,
      first_turn_at, answered_at, late, async_kept
    FROM target ${hint}
    LEFT JOIN answer_text AS text ON text.id = target.answer_id
    LEFT JOIN answer ON answer.run = target.run AND answer.n = target.n
      AND target.phase = 'settled' AND target.answer_id IS NULL`;
}
