import { expect, it } from 'vitest';
import { randomOctets } from './random-octets.ts';

it('random octets: are as many as asked for, and given once, whatever the pool holds', () => {
  const given = Array.from({ length: 2000 }, (_, index) => randomOctets(15 + (index % 3)));
  given.forEach((octets, index) => expect(octets).toHaveLength(15 + (index % 3)));
  expect(new Set(given.map((octets) => Buffer.from(octets).toString('hex'))).size).toBe(given.length);
  expect(randomOctets(10_000)).toHaveLength(10_000);
});
