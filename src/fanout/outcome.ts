/** Every outcome a member of a run can have; `pending` until it settles. [FANOUT 5] */
export const OUTCOMES = [
  'pending',
  'succeeded',
  'failed',
  'timed-out',
  'unreachable',
  'unauthorized',
  'cancelled',
  'unknown',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** An outcome that is final. */
export type SettledOutcome = Exclude<Outcome, 'pending'>;

/** How many members of a run have which outcome. `targets` is always the sum of the others. */
export type Counts = { readonly targets: number } & { readonly [K in Outcome]: number };
