/** Bounds on what a peer may send; beyond them decoding stops with a `…_LIMIT` error. */
export interface DecodeLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxElements: number;
}

export const DEFAULT_LIMITS: DecodeLimits = { maxBytes: 4 * 1024 * 1024, maxDepth: 32, maxElements: 200_000 };

/**
 * `wire` is what a peer may send: one document, strictly well-formed. `file` is what people keep: also fragments, several
 * roots, prefixes that nobody declared, and a DOCTYPE.
 */
export type DecodeMode = 'wire' | 'file';
