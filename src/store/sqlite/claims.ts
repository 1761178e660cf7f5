import type { Decide } from '../../fanout/decide.ts';
import type { SettledOutcome } from '../../fanout/outcome.ts';
import type { Claim, ClaimLimits, EpochMs, FanOutStore, Run, Target, TargetMove } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import type { Settle } from './settlement.ts';
import { selectTarget, targetOf, type TargetRow } from './target-rows.ts';

/** Fewest rows that are read at a time. */
const MIN_PAGE = 16;
/** Before every time. */
const FIRST: EpochMs = Number.MIN_SAFE_INTEGER;

/** Members that are due: taken in order, through indexes that hold only open ones. */
export function createClaims(database: Database, settle: Settle): Pick<FanOutStore, 'claimDue'> {
  const waiting = database.query<TargetRow>(
    `${selectTarget('target_due')}
     WHERE target.run = ? AND target.phase = 'waiting' AND target.due_at <= ?
       AND (target.due_at, target.n) > (?, ?)
     ORDER BY target.due_at, target.n LIMIT ?`,
  );
  const ending = database.query<TargetRow>(
    `${selectTarget('target_end')}
     WHERE target.run = ? AND target.phase <> 'settled' AND target.ends_at <= ?
       AND (target.ends_at, target.n) > (?, ?)
     ORDER BY target.ends_at, target.n LIMIT ?`,
  );
  const held = database.query<TargetRow>(
    `${selectTarget('target_held')}
     WHERE target.run = ? AND target.phase = 'held' AND target.n > ? ORDER BY target.n LIMIT ?`,
  );
  const turn = database.command(
    `UPDATE target SET attempts = ?, first_turn_at = ?, due_at = ?, ends_at = ? WHERE run = ? AND n = ?`,
  );
  const wait = database.command(`UPDATE target SET due_at = ?, ends_at = ? WHERE run = ? AND n = ?`);

  /** Reads on only as long as somebody asks: a claim with few turns left looks at few targets. */
  function* pages(readPage: (after: Target | undefined, size: number) => TargetRow[], size: number): Generator<Target> {
    let after: Target | undefined;
    do {
      const page = readPage(after, size).map(targetOf);
      yield* page;
      after = page.length < size ? undefined : page.at(-1);
    } while (after);
  }

  function* dueTargets(run: number, now: EpochMs, { by, limit, maxTurns }: ClaimLimits): Generator<Target> {
    const size = Math.min(limit, Math.max(maxTurns, MIN_PAGE)) + 1;
    const dueBy = (time: EpochMs) =>
      pages((after, rows) => waiting.all(run, time, after?.dueAt ?? FIRST, after?.n ?? 0, rows), size);
    switch (by) {
      case 'dueAt':
        yield* dueBy(now);
        break;
      case 'endsAt':
        yield* pages((after, rows) => ending.all(run, now, after?.endsAt ?? FIRST, after?.n ?? 0, rows), size);
        break;
      case 'unsent':
        yield* pages((after, rows) => held.all(run, after?.n ?? 0, rows), size);
        yield* dueBy(Number.MAX_SAFE_INTEGER);
    }
  }

  /** All decisions come before the first change: a target that stays due is not met twice. */
  function decideAll(
    run: number,
    now: EpochMs,
    limits: ClaimLimits,
    decide: Decide,
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

  function claim(run: number, now: EpochMs, limits: ClaimLimits, decide: Decide): Claim {
    const { decided, more } = decideAll(run, now, limits, decide);
    const turns: Target[] = [];
    const settled: SettledOutcome[] = [];
    let completed: Run | undefined;
    let alerted: string | undefined;
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
        case 'settle': {
          const settlement = settle(target, move, now, 'claim');
          completed = settlement.completed;
          alerted ??= settlement.alerted;
          settled.push(move.outcome);
        }
      }
    }
    return { turns, settled, more, completed, alerted };
  }

  return { claimDue: (run, now, limits, decide) => database.write(() => claim(run, now, limits, decide)) };
}
