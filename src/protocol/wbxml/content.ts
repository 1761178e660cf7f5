import { isUtf8 } from 'node:buffer';
import { childOf, type Element } from '../element.ts';
import type { Data } from '../message/message.ts';
import { isXmlText } from '../xml/characters.ts';

/** Text comes in pieces: strings, entities, opaque octets. */
export type Piece = string | Uint8Array;

/**
 * The pieces as one: text where XML text can hold it, else octets.
 * Peer: a Motorola client ends a child list in Data with a NUL octet; it is dropped unless `keepsNul`.
 */
export function joined(pieces: readonly Piece[], keepsNul: boolean): Data {
  const [only = ''] = pieces;
  if (pieces.length <= 1 && typeof only === 'string') return isXmlText(only) ? only : new TextEncoder().encode(only);
  const octets = Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
  const end = !keepsNul && octets.at(-1) === 0 ? octets.length - 1 : octets.length;
  const body = octets.subarray(0, end);
  const text = isUtf8(body) ? body.toString() : undefined;
  return text !== undefined && isXmlText(text) ? text : new Uint8Array(octets);
}

/** An element while it is read. */
interface Around {
  readonly children: readonly Element[];
}

/** Whether the Meta of an Item, or that of the command around it, says that Data is binary. */
export function declaresOctets(item: Around | undefined, command: Around | undefined): boolean {
  return (formatIn(item) ?? formatIn(command)) === 'bin';
}

function formatIn(element: Around | undefined): Data | undefined {
  if (element === undefined) return undefined;
  for (const child of element.children) if (child.name === 'Meta') return childOf(child, 'metinf:Format')?.text;
  return undefined;
}
