import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseShares, parsePercent, shareOf } from './share.ts';

const percents = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 });

describe('shares of a fleet', () => {
  it('share: is rounded, and at least one device', () => {
    expect(shareOf(25, 10)).toBe(3);
    expect(shareOf(25, 50)).toBe(13);
    expect(shareOf(1000, 0.04)).toBe(1);
    expect(shareOf(25, 100)).toBe(25);
  });

  it('share: reads a percentage above 0 and up to 100, nothing else', () => {
    expect(['1', '2.5', '100'].map(parsePercent)).toEqual([1, 2.5, 100]);
    expect(['0', '100.1', '-1', '', '1e1', ' 5', 'NaN'].map(parsePercent)).toEqual(Array(7).fill(undefined));
  });

  it('chooser: makes disjoint sets of the exact size as long as there are devices', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 500 }), percents, (seed, count, shares) => {
        const sets = chooseShares(seed, 'faults', count, shares);
        let left = count;
        for (const [place, set] of sets.entries()) {
          expect(set.size).toBe(Math.min(left, shareOf(count, shares[place] ?? 0)));
          left -= set.size;
        }
        const all = sets.flatMap((set) => [...set]);
        expect(new Set(all).size).toBe(all.length);
        expect(all.every((index) => index >= 0 && index < count)).toBe(true);
      }),
    );
  });

  it('chooser: repeats itself for the same seed and purpose only', () => {
    const choose = (seed: number, purpose: string): number[] => [...chooseShares(seed, purpose, 1000, [10])[0]!];
    expect(choose(7, 'faults')).toEqual(choose(7, 'faults'));
    expect(choose(7, 'faults')).not.toEqual(choose(8, 'faults'));
    expect(choose(7, 'faults')).not.toEqual(choose(7, 'lacks'));
  });

  it('chooser: prefers no device over many seeds', () => {
    const hits = Array<number>(10).fill(0);
    for (let seed = 0; seed < 2000; seed++) {
      for (const index of chooseShares(seed, 'faults', 10, [20])[0]!) hits[index]! += 1;
    }
    for (const hit of hits) expect(Math.abs(hit - 400)).toBeLessThan(100);
  });
});
