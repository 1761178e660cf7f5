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

export const SETTLED_OUTCOMES: readonly SettledOutcome[] = OUTCOMES.filter((outcome) => outcome !== 'pending');

/** What a retry takes up again when nothing else is asked for. [FANOUT 3] */
export const UNSUCCESSFUL_OUTCOMES: readonly SettledOutcome[] = SETTLED_OUTCOMES.filter(
  (outcome) => outcome !== 'succeeded',
);

/** How many members of a run have which outcome. `targets` is always the sum of the others. */
export type Counts = { readonly targets: number } & { readonly [K in Outcome]: number };

/** Counts with their sum. */
export function countsFrom(parts: { readonly [K in Outcome]: number }): Counts {
  let targets = 0;
  for (const outcome of OUTCOMES) targets += parts[outcome];
  return { ...parts, targets };
}

/** Name of the count node of an outcome under `Ext/Summary`: `timed-out` is `TimedOut`. [FANOUT 3] */
export function summaryNodeName(outcome: Outcome): string {
  return outcome.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
}
