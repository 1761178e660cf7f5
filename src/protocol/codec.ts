import type { Command, Message } from './message/message.ts';

/** How a message looks on the wire; an answer uses the form of the request. */
export type WireForm =
  | { readonly encoding: 'xml' }
  | {
      readonly encoding: 'wbxml';
      /** WBXML version byte: 1, 2 or 3 for WBXML 1.1 to 1.3. */
      readonly version: 1 | 2 | 3;
    };

export type Encoding = WireForm['encoding'];

/** Bounds on what a peer may send; beyond them decoding stops with a `…_LIMIT` error. */
export interface DecodeLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxElements: number;
}

export const DEFAULT_LIMITS: DecodeLimits = { maxBytes: 4 * 1024 * 1024, maxDepth: 32, maxElements: 200_000 };
