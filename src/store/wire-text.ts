import { z } from 'zod';
import { isXmlText } from '../protocol/xml/characters.ts';

/** Control characters, and halves of characters: nobody means them, and not every peer can read them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/**
 * A name that goes out in DM messages as it is: an identifier, a Correlator. What no message could hold is refused
 * where it comes in: later it would keep every message from being written.
 */
export function wireText(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .refine((text) => isXmlText(text) && !UNPRINTABLE.test(text), {
      error: 'must not hold control characters or others that XML cannot hold',
    });
}

/** A user name: in H(name:secret), and in what basic sends, nobody could tell where one with a colon ends. [SEC 5.3] */
export const userName = wireText(256).refine((name) => !name.includes(':'), { error: 'must not hold a colon' });
