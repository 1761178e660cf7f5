import type { Member } from './store.ts';

/** How a device did in two runs. */
export type Comparison = 'same' | 'outcome' | 'answer' | 'only-here' | 'only-there';

/** Compares the members of one device in two runs; undefined: it is no member of that run. [FANOUT 3] */
export function compareMembers(
  here: Pick<Member, 'outcome' | 'deResult'> | undefined,
  there: Pick<Member, 'outcome' | 'deResult'> | undefined,
): Comparison {
  if (!there) return 'only-here';
  if (!here) return 'only-there';
  if (here.outcome !== there.outcome) return 'outcome';
  return here.deResult === there.deResult ? 'same' : 'answer';
}
