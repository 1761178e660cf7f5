/** A repeatable stream of 32-bit numbers. Not for secrets outside loopback. */
export interface SeededStream {
  /** Next number, 0 to 2^32 - 1. */
  next(): number;
}

/**
 * The stream of a seed for one purpose: equal seed and purpose give equal numbers on every machine, different purposes
 * give unrelated ones. The generator is splitmix32 (a Weyl sequence through the murmur3 finaliser), started from the
 * FNV-1a hash of the purpose.
 */
export function seededStream(seed: number, purpose: string): SeededStream {
  let state = hashPurpose(purpose) ^ mix(seed >>> 0);
  return {
    next() {
      state = (state + 0x9e3779b9) >>> 0;
      return mix(state);
    },
  };
}

/** Octets of a stream. */
export function seededBytes(stream: SeededStream, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => stream.next() >>> 24);
}

/** A number from `low` up to but not `high`, the same for equal seed and purpose. */
export function seededBetween(seed: number, purpose: string, low: number, high: number): number {
  return low + (seededStream(seed, purpose).next() % (high - low));
}

/** The numbers 0 to `count - 1` in the order of the stream (Fisher-Yates). */
export function seededOrder(stream: SeededStream, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const chosen = stream.next() % (last + 1);
    const value = order[chosen] ?? 0;
    order[chosen] = order[last] ?? 0;
    order[last] = value;
  }
  return order;
}

function hashPurpose(purpose: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(purpose)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function mix(value: number): number {
  let z = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
