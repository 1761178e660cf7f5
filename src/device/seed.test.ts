import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededBetween, seededBytes, seededOrder, seededStream } from './seed.ts';

describe('seeded stream', () => {
  it('stream: gives these numbers on every machine', () => {
    const stream = seededStream(7, 'accounts');
    expect([stream.next(), stream.next(), stream.next()]).toMatchInlineSnapshot(`
      [
        3535169031,
        2634158777,
        547245665,
      ]
    `);
  });

  it('stream: differs by seed and by purpose', () => {
    const first = (seed: number, purpose: string): number => seededStream(seed, purpose).next();
    expect(new Set([first(1, 'a'), first(2, 'a'), first(1, 'b'), first(2, 'b')]).size).toBe(4);
  });

  it('stream: uses every value of an octet', () => {
    expect(new Set(seededBytes(seededStream(1, 'octets'), 10_000)).size).toBe(256);
  });

  it('number: lies in its range, and is the same for the same seed and purpose', () => {
    fc.assert(
      fc.property(fc.integer(), fc.string(), (seed, purpose) => {
        const number = seededBetween(seed, purpose, 500, 510);
        expect(number).toBeGreaterThanOrEqual(500);
        expect(number).toBeLessThan(510);
        expect(seededBetween(seed, purpose, 500, 510)).toBe(number);
      }),
    );
  });

  it('order: is a permutation', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 300 }), (seed, count) => {
        const order = seededOrder(seededStream(seed, 'order'), count);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
      }),
    );
  });
});
