import type { LastContact, Target } from '../../fanout/store.ts';

/** A row of `target` with its partial answer, as `selectTarget` reads it. */
export interface TargetRow {
  readonly run: number;
  readonly n: number;
  readonly device_id: string;
  readonly device_key: number | null;
  readonly notifiable: number;
  readonly phase: Target['phase'];
  readonly attempts: number;
  readonly refused_attempts: number;
  readonly last_contact: LastContact;
  readonly due_at: number;
  readonly ends_at: number;
  readonly first_turn_at: number | null;
  readonly sent_at: number | null;
  readonly partial: string | null;
}

/**
 * Targets; to be completed with a WHERE. The index is named so that a statement that cannot use it is an
 * error when it is prepared, and not a slow one.
 */
export function selectTarget(index: string, join = ''): string {
  return `SELECT target.run, target.n, device_id, device_key, notifiable, phase, attempts, refused_attempts, last_contact,
      due_at, ends_at, first_turn_at, sent_at, answer.de_result AS partial
    FROM target INDEXED BY ${index} ${join}
    LEFT JOIN answer ON answer.run = target.run AND answer.n = target.n`;
}

export function targetOf(row: TargetRow): Target {
  return {
    run: row.run,
    n: row.n,
    deviceId: row.device_id,
    deviceKey: row.device_key ?? undefined,
    notifiable: row.notifiable === 1,
    phase: row.phase,
    attempts: row.attempts,
    refusedAttempts: row.refused_attempts,
    lastContact: row.last_contact,
    dueAt: row.due_at,
    endsAt: row.ends_at,
    firstTurnAt: row.first_turn_at ?? undefined,
    sentAt: row.sent_at ?? undefined,
    partial: row.partial ?? undefined,
  };
}
