import type { Outcome } from '../../fanout/outcome.ts';
import type { FanOutStore, Member } from '../../fanout/store.ts';
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
}

/** Members of runs as they are shown. A part of an answer is none yet. */
export function createMembers(database: Database): Pick<FanOutStore, 'member' | 'members'> {
  const one = database.query<MemberRow>(`${selectMember()} WHERE target.run = ? AND target.n = ?`);
  const all = database.query<MemberRow>(
    `${selectMember()} WHERE target.run = ? AND target.n > ? ORDER BY target.n LIMIT ?`,
  );
  const byOutcome = database.query<MemberRow>(
    `${selectMember('INDEXED BY target_outcome')}
     WHERE target.run = ? AND target.outcome = ? AND target.n > ? ORDER BY target.n LIMIT ?`,
  );
  return {
    member: (run, n) =>
      database.read(() => {
        const row = one.first(run, n);
        return row && memberOf(row);
      }),
    members: (run, after, limit, outcome) =>
      database.read(() => {
        const rows = outcome === undefined ? all.all(run, after, limit) : byOutcome.all(run, outcome, after, limit);
        return rows.map(memberOf);
      }),
  };
}

function selectMember(hint = ''): string {
  return `SELECT target.n, device_id, outcome, de_result, attempts, first_turn_at, answered_at, late
    FROM target ${hint}
    LEFT JOIN answer ON answer.run = target.run AND answer.n = target.n AND target.phase = 'settled'`;
}

function memberOf(row: MemberRow): Member {
  return {
    n: row.n,
    deviceId: row.device_id,
    outcome: row.outcome,
    deResult: row.de_result ?? undefined,
    attempts: row.attempts,
    startedAt: row.first_turn_at ?? undefined,
    answeredAt: row.answered_at ?? undefined,
    late: row.late === 1,
  };
}
