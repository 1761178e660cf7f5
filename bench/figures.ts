import { DmError } from '../src/protocol/errors.ts';

/** The middle value; of an even number of values the lower one of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[(sorted.length - 1) >> 1] ?? NaN;
}

/** The median of each figure of several runs. */
export function medians<Key extends string>(runs: readonly Readonly<Record<Key, number>>[]): Record<Key, number> {
  const [first] = runs;
  if (first === undefined) throw new TypeError('there is no run to take the median of');
  const keys = Object.keys(first) as Key[];
  return Object.fromEntries(keys.map((key) => [key, median(runs.map((run) => run[key]))])) as Record<Key, number>;
}

/** Rounded to so many decimals, for people and for JSON alike. */
export function rounded(value: number, decimals = 0): number {
  return Number(value.toFixed(decimals));
}

/** A figure worth nothing, because what was measured did not do its work. */
export function wrongResult(what: string): DmError {
  return new DmError('BENCH_WRONG_RESULT', what);
}

/** Throws `DmError` BENCH_WRONG_RESULT when they differ. */
export function expectEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw wrongResult(`${what}: ${found}, expected ${expected}`);
}
