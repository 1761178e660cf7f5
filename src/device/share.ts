import { seededOrder, seededStream } from './seed.ts';

/** A share in percent, above 0 and at most 100; undefined: the text is none. */
export function parsePercent(text: string): number | undefined {
  const percent = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  return percent > 0 && percent <= 100 ? percent : undefined;
}

/** How many of `count` a share in percent is: rounded, and at least one. */
export function shareOf(count: number, percent: number): number {
  return Math.max(1, Math.round((count * percent) / 100));
}

/**
 * Splits a fleet of `count` among shares of it: disjoint sets of device indexes, each of its share rounded and at
 * least one device; where that is more than the fleet has, the last sets are smaller or empty.
 */
export function chooseShares(
  seed: number,
  purpose: string,
  count: number,
  percents: readonly number[],
): readonly ReadonlySet<number>[] {
  const order = seededOrder(seededStream(seed, purpose), count);
  let from = 0;
  return percents.map((percent) => new Set(order.subarray(from, (from += shareOf(count, percent)))));
}
