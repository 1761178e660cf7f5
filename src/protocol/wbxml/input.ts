import { isUtf8 } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import type { DecodeLimits } from '../limits.ts';

const MAX_INTEGER_BYTES = 5;
const MAX_ASCII = 0x7f;

/** The octets of one document, read from the front. Every read past the end is a `WBXML_TRUNCATED`. */
export class WbxmlInput {
  readonly limits: DecodeLimits;
  /** Offset of the next octet. */
  at = 0;
  readonly #bytes: Buffer;
  /** Each octet as a character: a slice of it is a string sooner than octets are decoded, where they are ASCII. */
  readonly #characters: string;
  #textBytes = 0;

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    if (bytes.length > limits.maxBytes) {
      throw new DecodeError('WBXML_LIMIT', `document is larger than ${limits.maxBytes} bytes`, limits.maxBytes);
    }
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#characters = this.#bytes.toString('latin1');
    this.limits = limits;
  }

  get remaining(): number {
    return this.#bytes.length - this.at;
  }

  byte(what: string): number {
    const value = this.#bytes[this.at];
    if (value === undefined) throw this.truncated(what);
    this.at += 1;
    return value;
  }

  /** mb_u_int32. [WBXML 5.1] */
  integer(what: string): number {
    const start = this.at;
    let value = 0;
    for (let count = 0; count < MAX_INTEGER_BYTES; count += 1) {
      const byte = this.byte(what);
      value = value * 0x80 + (byte & 0x7f);
      if (byte < 0x80 && value <= 0xffffffff) return value;
    }
    throw new DecodeError('WBXML_INTEGER', `${what} is not an integer of at most 32 bits`, start);
  }

  /** The next octets; a view, not a copy. */
  octets(length: number, what: string): Uint8Array {
    if (length > this.remaining) throw this.truncated(what);
    this.at += length;
    this.#count(length);
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** A string up to its NUL. */
  inlineString(): string {
    const end = this.#characters.indexOf('\0', this.at);
    if (end < 0) throw this.truncated('an inline string');
    const start = this.at;
    this.at = end + 1;
    return this.#text(start, end);
  }

  /** The string at an offset of the string table, up to its NUL or the end of the table. */
  tableString(table: StringTable, offset: number): string {
    if (offset >= table.length) {
      throw new DecodeError('WBXML_STRING_TABLE', `string table has no offset ${offset}`, this.at);
    }
    const tableEnd = table.start + table.length;
    const start = table.start + offset;
    const nul = this.#characters.indexOf('\0', start);
    return this.#text(start, nul < 0 || nul > tableEnd ? tableEnd : nul);
  }

  /** Takes the next octet if it is this one. */
  skip(octet: number): boolean {
    if (this.#bytes[this.at] !== octet) return false;
    this.at += 1;
    return true;
  }

  truncated(what: string): DecodeError {
    return new DecodeError('WBXML_TRUNCATED', `document ends inside ${what}`, this.#bytes.length);
  }

  #text(start: number, end: number): string {
    this.#count(end - start);
    if (this.#isAscii(start, end)) return this.#characters.slice(start, end);
    const text = this.#bytes.toString('utf8', start, end);
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, end))) {
      throw new DecodeError('WBXML_TEXT', 'a string is not valid UTF-8', start);
    }
    return text;
  }

  #isAscii(start: number, end: number): boolean {
    const bytes = this.#bytes;
    for (let index = start; index < end; index += 1) if ((bytes[index] ?? 0) > MAX_ASCII) return false;
    return true;
  }

  /** A short reference can stand for a long table string: what is read in all stays within the size of a document. */
  #count(bytes: number): void {
    this.#textBytes += bytes;
    if (this.#textBytes > this.limits.maxBytes) {
      throw new DecodeError('WBXML_LIMIT', `text is longer than ${this.limits.maxBytes} bytes in all`, this.at);
    }
  }
}

/** Where the string table lies in the document. */
export interface StringTable {
  readonly start: number;
  readonly length: number;
}
