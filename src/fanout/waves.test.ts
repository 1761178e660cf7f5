import { describe, expect, it } from 'vitest';
import { countsFrom } from './outcome.ts';
import { formatWaves, hasTooManyFailures, parseWaves, releasedBy } from './waves.ts';

const counts = (succeeded: number, failed: number, pending: number) =>
  countsFrom({
    pending,
    succeeded,
    failed,
    'timed-out': 0,
    unreachable: 0,
    unauthorized: 0,
    cancelled: 0,
    unknown: 0,
  });

describe('waves', () => {
  it('reader: takes numbers and percents, with blanks between, and writes them as it reads them', () => {
    expect(formatWaves(parseWaves('10, 25%,100%'))).toBe('10,25%,100%');
  });

  it.each(['', '0', '10,', '101%', '0%', '-1', '1.5', '10 %', 'all', '12345678901', Array(101).fill('1').join()])(
    'reader: refuses %j and names what is allowed',
    (text) => {
      expect(() => parseWaves(text)).toThrow(/allowed are up to 100 sizes/);
    },
  );

  it('run: releases each wave after those before it, the last size again and again, and no more than there are', () => {
    const waves = parseWaves('1,25%');
    const released = [0, 1, 2, 3, 4, 5].reduce<number[]>(
      (all, wave) => [...all, releasedBy(waves, wave, all.at(-1) ?? 0, 10)],
      [],
    );
    expect(released).toEqual([1, 4, 7, 10, 10, 10]);
  });

  it('run: has too many failures when their share of the settled members is above what the policy bears', () => {
    expect(hasTooManyFailures(counts(8, 2, 90), 20)).toBe(false);
    expect(hasTooManyFailures(counts(7, 3, 90), 20)).toBe(true);
    expect(hasTooManyFailures(counts(0, 5, 0), 100)).toBe(false);
    expect(hasTooManyFailures(counts(9, 1, 0), 0)).toBe(true);
  });
});
