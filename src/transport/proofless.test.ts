import { expect, it } from 'vitest';
import { isLoopback } from './loopback.ts';
import { createProoflessRule } from './proofless.ts';

it.each([
  ['127.0.0.1', true],
  ['127.9.8.7', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['128.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['10.127.0.1', false],
  ['::2', false],
  ['localhost', false],
  ['127.0.0.1.example', false],
  ['', false],
  [undefined, false],
])('address %s is of this host: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

it.each([
  [true, 'none', '127.0.0.1', true],
  [true, 'none', '10.0.0.1', false],
  [true, 'none', undefined, false],
  [false, 'none', '127.0.0.1', false],
  [false, 'md5', '10.0.0.1', true],
] as const)('setting %s, scheme %s, from %s: believed without more %s', (allowed, scheme, from, expected) => {
  const told: string[] = [];
  const isLetIn = createProoflessRule({ allowed, turnedAway: (name) => told.push(name) });
  expect([isLetIn('a', scheme, from), isLetIn('a', scheme, from)]).toEqual([expected, expected]);
  expect(told).toEqual(expected ? [] : ['a']);
});
