import { hash } from 'node:crypto';

const BITS = 256;
const MODULUS = 1n << BigInt(BITS);
const HEX_DIGITS = BITS / 4;

/** Digest of no members. */
export const EMPTY_DIGEST = '0'.repeat(HEX_DIGITS);

/** One pair of the aggregate. */
export interface Pair {
  readonly n: number;
  readonly deviceId: string;
  readonly deResult: string;
}

/**
 * `digest` with a pair put in, or taken out. The digest of a run is the sum of the SHA-256 of its pairs modulo 2^256 as
 * hexadecimal text, so it does not depend on their order and can be kept up pair by pair. What is hashed is the JSON of
 * `[n, DeviceID, DeResult]` in UTF-8. [FANOUT 3]
 */
export function moveDigest(digest: string, pair: Pair, direction: 'in' | 'out'): string {
  const sum = BigInt(`0x${digest}`);
  const own = hashOf(pair);
  const moved = direction === 'in' ? (sum + own) % MODULUS : (sum + MODULUS - own) % MODULUS;
  return moved.toString(16).padStart(HEX_DIGITS, '0');
}

function hashOf({ n, deviceId, deResult }: Pair): bigint {
  const text = JSON.stringify([n, deviceId, deResult]);
  return BigInt(`0x${hash('sha256', text)}`);
}
