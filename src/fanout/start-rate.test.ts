import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StartRate } from './start-rate.ts';

describe('start rate', () => {
  it('start rate: 0 is no limit', () => {
    const rate = new StartRate(0, 0);
    rate.take(1_000_000);
    expect([rate.available(0), rate.nextAt(0)]).toEqual([Infinity, 0]);
  });

  it('start rate: says when the next turn may be given', () => {
    const rate = new StartRate(4, 1_000);
    expect(rate.available(1_000)).toBe(1);
    rate.take(1);
    expect([rate.nextAt(1_000), rate.available(1_249), rate.available(1_250)]).toEqual([1_250, 0, 1]);
  });

  it('start rate: lets no second have more turns than it says, but for what 20 ms save up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 100 }),
        (perSecond, pausesMs) => {
          const rate = new StartRate(perSecond, 0);
          const turns: { at: number; count: number }[] = [];
          let now = 0;
          for (const pauseMs of pausesMs) {
            now += pauseMs;
            const count = rate.available(now);
            rate.take(count);
            turns.push({ at: now, count });
          }
          for (const { at } of turns) {
            const inSecond = turns.filter((turn) => turn.at >= at && turn.at < at + 1_000);
            const sum = inSecond.reduce((total, { count }) => total + count, 0);
            expect(sum).toBeLessThanOrEqual(perSecond + Math.max(1, perSecond / 50));
          }
        },
      ),
    );
  });
});
