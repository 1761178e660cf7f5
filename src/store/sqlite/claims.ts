import type { Claim, ClaimLimits, EpochMs, FanOutStore, Run, Target, TargetMove } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import type { createSettlement } from './settlement.ts';
import { selectTarget, targetOf, type TargetRow } from './target-rows.ts';

/** Fewest rows that are read at a time. */
const MIN_PAGE = 16;

/** Due members: taken in the order of their time, through an index that holds only open ones. */
export function createClaims(
  database: Database,
  settle: ReturnType<typeof createSettlement>,
): Pick<FanOutStore, 'claimDue' | 'nextDueAt'> {
  const due = {
    dueAt: database.query<TargetRow>(
      `${selectTarget('target_due')}
       WHERE target.run = ? AND target.phase = 'waiting' AND target.due_at <= ?
         AND (target.due_at, target.n) > (?, ?)
       ORDER BY target.due_at, target.n LIMIT ?`,
    ),
    endsAt: database.query<TargetRow>(
      `${selectTarget('target_end')}
       WHERE target.run = ? AND target.phase <> 'settled' AND target.ends_at <= ?
         AND (target.ends_at, target.n) > (?, ?)
       ORDER BY target.ends_at, target.n LIMIT ?`,
    ),
  };
  const firstDue = database.query<{ at: number }>(
    `SELECT due_at AS at FROM target INDEXED BY target_due
     WHERE run = ? AND phase = 'waiting' ORDER BY due_at LIMIT 1`,
  );
  const firstEnd = database.query<{ at: number }>(
    `SELECT ends_at AS at FROM target INDEXED BY target_end
     WHERE run = ? AND phase <> 'settled' ORDER BY ends_at LIMIT 1`,
  );
  const turn = database.command(
    `UPDATE target SET attempts = ?, first_turn_at = ?, due_at = ?, ends_at = ? WHERE run = ? AND n = ?`,
  );
  const wait = database.command(`UPDATE target SET due_at = ?, ends_at = ? WHERE run = ? AND n = ?`);

  /** Reads on only as long as somebody asks: a claim with few turns left looks at few targets. */
  function* dueTargets(run: number, now: EpochMs, { by, limit, maxTurns }: ClaimLimits): Generator<Target, void> {
    const pageSize = Math.min(limit, Math.max(maxTurns, MIN_PAGE)) + 1;
    let after: { readonly at: EpochMs; readonly n: number } = { at: Number.MIN_SAFE_INTEGER, n: 0 };
    for (;;) {
      const page = due[by].all(run, now, after.at, after.n, pageSize).map(targetOf);
      yield* page;
      const last = page.at(-1);
      if (!last || page.length < pageSize) return;
      after = { at: last[by], n: last.n };
    }
  }

  /** All decisions come before the first change: a target that stays due is not met twice. */
  function decideAll(
    run: number,
    now: EpochMs,
    limits: ClaimLimits,
    decide: (target: Target) => TargetMove,
  ): { decided: { target: Target; move: TargetMove }[]; more: boolean } {
    const decided: { target: Target; move: TargetMove }[] = [];
    let turns = 0;
    for (const target of dueTargets(run, now, limits)) {
      if (decided.length >= limits.limit) return { decided, more: true };
      const move = decide(target);
      if (move.kind === 'turn' && ++turns > limits.maxTurns) return { decided, more: true };
      decided.push({ target, move });
    }
    return { decided, more: false };
  }

  function claim(run: number, now: EpochMs, limits: ClaimLimits, decide: (target: Target) => TargetMove): Claim {
    const { decided, more } = decideAll(run, now, limits, decide);
    const turns: Target[] = [];
    let settled = 0;
    let completed: Run | undefined;
    for (const { target, move } of decided) {
      switch (move.kind) {
        case 'turn': {
          const { dueAt, endsAt } = move;
          const { attempts, firstTurnAt = now } = target;
          turn(attempts + 1, firstTurnAt, dueAt, endsAt, run, target.n);
          turns.push({ ...target, attempts: attempts + 1, firstTurnAt, dueAt, endsAt });
          break;
        }
        case 'wait':
          wait(move.dueAt, move.endsAt, run, target.n);
          break;
        case 'settle':
          completed = settle(target, { ...move, answeredAt: undefined }, now).completed;
          settled += 1;
      }
    }
    return { turns, settled, more, completed };
  }

  return {
    claimDue: (run, now, limits, decide) => database.write(() => claim(run, now, limits, decide)),
    nextDueAt: (run) => database.read(() => ({ dueAt: firstDue.first(run)?.at, endsAt: firstEnd.first(run)?.at })),
  };
}
