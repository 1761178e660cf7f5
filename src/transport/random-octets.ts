import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;

let pool = Buffer.alloc(0);
let used = 0;

/**
 * Octets that nobody can foresee, for a nonce or a token; they are given to nobody else. Taken from a pool: a call of the
 * random generator for each costs 3 % of the session of a device (2026-11-25, 2 cores, Node 20, `bench fanout`).
 */
export function randomOctets(count: number): Uint8Array {
  if (used + count > pool.length) {
    pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(count, POOL_BYTES)));
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}
