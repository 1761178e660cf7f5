import type { WireForm } from '../codec.ts';
import type { Data, Item, Meta, Unnumbered } from '../message/message.ts';
import { base64, needsBase64 } from '../xml/octets.ts';
import type { GrowingMessage } from './outgoing.ts';

/** A command on its way out; of a large object the part that is left. */
export interface Outgoing<C extends Unnumbered = Unnumbered> {
  readonly command: C;
  /** Where the next chunk begins, in characters or octets of `transferred` Data; 0 before the first one. */
  readonly from: number;
}

/** Room below which no chunk is begun: the next message has more. */
const MIN_CHUNK_ROOM_BYTES = 256;

/** Whether a command can go out in chunks: its only Item has Data. [DMPROTO 6.4] */
export function isSplittable(command: Unnumbered): boolean {
  switch (command.kind) {
    case 'Add':
    case 'Replace':
    case 'Exec':
    case 'Alert':
    case 'Results': {
      const [item, ...others] = command.items;
      return others.length === 0 && item?.data !== undefined && item.data.length > 0;
    }
    default:
      return false;
  }
}

/**
 * Splits Results that do not fit in two: as many of their Items as do fit, one at least for the first of a message, and
 * the others as further Results of the same command. Undefined where there is nothing to split.
 */
export function splitItems(
  message: GrowingMessage,
  command: Unnumbered,
  isFirst: boolean,
): readonly Unnumbered[] | undefined {
  if (command.kind !== 'Results' || command.items.length < 2 || message.fits(command)) return undefined;
  const { items } = command;
  const fitting = largest(0, items.length - 1, (to) => message.fits({ ...command, items: items.slice(0, to) }));
  const count = Math.max(fitting, isFirst ? 1 : 0);
  if (count === 0) return undefined;
  return [
    { ...command, items: items.slice(0, count) },
    { ...command, items: items.slice(count) },
  ];
}

/**
 * Adds as much of a command as the message has room for: all of it, or a chunk where the command is too large for a
 * message of its own. `room`: what a message has for commands. Answers what is left (undefined: nothing) and the added
 * command; undefined when nothing was added. [DMPROTO 6.4]
 */
export function addPart<C extends Unnumbered>(
  message: GrowingMessage,
  { command, from }: Outgoing<C>,
  form: WireForm,
  isFirst: boolean,
): { readonly added: ReturnType<GrowingMessage['add']>; readonly rest: Outgoing<C> | undefined } | undefined {
  const whole = from === 0 ? command : lastChunk(command, from, form);
  const added = message.addIfFits(whole);
  if (added !== undefined) return { added, rest: undefined };
  if (!isSplittable(command)) return isFirst ? { added: message.add(whole), rest: undefined } : undefined;
  const isTooLargeForAny = from > 0 || !message.fitsAlone(whole);
  if (!isTooLargeForAny || (message.bytesLeft < MIN_CHUNK_ROOM_BYTES && !isFirst)) return undefined;
  const to = longestChunk(message, command, from, form);
  if (to <= from) return isFirst ? { added: message.add(whole), rest: undefined } : undefined;
  return { added: message.add(chunk(command, from, to, form)), rest: { command, from: to } };
}

/** The largest end of a chunk that fits: how much a character takes depends on the encoding. */
function longestChunk(message: GrowingMessage, command: Unnumbered, from: number, form: WireForm): number {
  const { data } = transferred(command, form);
  const last = Math.min(data.length, from + Math.max(0, message.bytesLeft));
  const to = largest(from, last, (end) => message.fits(chunk(command, from, end, form)));
  return isInsideCharacter(data, to) ? to - 1 : to;
}

/** The largest number above `from`, up to `last`, that passes; `from` when none does. Found by halving. */
function largest(from: number, last: number, passes: (value: number) => boolean): number {
  let found = from;
  let tooFar = last + 1;
  while (tooFar - found > 1) {
    const middle = Math.floor((found + tooFar) / 2);
    if (passes(middle)) found = middle;
    else tooFar = middle;
  }
  return found;
}

function isInsideCharacter(data: Data, at: number): boolean {
  return typeof data === 'string' && at > 0 && /^[\ud800-\udbff]$/.test(data.charAt(at - 1));
}

function chunk(command: Unnumbered, from: number, to: number, form: WireForm): Unnumbered {
  const { data, meta } = transferred(command, form);
  const size = from === 0 ? { size: Buffer.byteLength(data) } : {};
  return withItem(command, { meta: { ...meta, ...size }, data: data.slice(from, to), moreData: true });
}

function lastChunk(command: Unnumbered, from: number, form: WireForm): Unnumbered {
  const { data, meta } = transferred(command, form);
  return withItem(command, { meta, data: data.slice(from) });
}

/** Bytes of Data on its way, which is what Size and MaxObjSize count. [DMPROTO 6.4] */
export function transferredBytes(data: Data, form: WireForm): number {
  const bytes = Buffer.byteLength(data);
  return form.encoding === 'xml' && needsBase64(data) ? 4 * Math.ceil(bytes / 3) : bytes;
}

/** Data as it is transferred: what XML cannot hold is cut as base64, for chunks of octets would not join as such. */
function transferred(command: Unnumbered, form: WireForm): { readonly data: Data; readonly meta: Meta | undefined } {
  const { data = '', meta } = ('items' in command ? command.items[0] : undefined) ?? {};
  const { size, ...withoutSize } = meta ?? {};
  if (form.encoding === 'wbxml' || !needsBase64(data)) return { data, meta: meta && withoutSize };
  return { data: base64(data), meta: { ...withoutSize, format: 'b64' } };
}

function withItem(command: Unnumbered, change: Partial<Item>): Unnumbered {
  if (!('items' in command)) return command;
  const [item] = command.items;
  return { ...command, items: [{ ...item, ...change }] };
}
