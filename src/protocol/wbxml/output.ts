import { TAG, TOKEN } from './tokens.ts';

const INITIAL_BYTES = 4096;
/** Room that is kept for the next document. */
const MAX_KEPT_BYTES = 0x1_0000;
/** A UTF-16 code unit takes at most three octets in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
/** Up to here a loop in JavaScript is sooner done than the encoder of Node.js is called. */
const MAX_LOOP_UNITS = 24;
const MAX_ASCII = 0x7f;

/**
 * Room that all documents are written in, one after the other, and copied out of at their end: a command takes 60 octets,
 * and room of its own would be 2048 for each of them.
 */
let room = Buffer.allocUnsafeSlow(INITIAL_BYTES);

/** The octets of one document, written from the front. One at a time: it is filled before the next is begun. */
export class WbxmlOutput {
  #bytes = room;
  #length = 0;
  #codePage = 0;

  /** The code page in force. */
  get codePage(): number {
    return this.#codePage;
  }

  /** How many octets were written. */
  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  octets(): Uint8Array {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  /** mb_u_int32. [WBXML 5.1] */
  integer(value: number): void {
    if (value >= 0x80) this.#leadingBits(Math.floor(value / 0x80));
    this.byte(value & 0x7f);
  }

  /** Each string with its NUL, after the length of them all. */
  stringTable(strings: readonly string[]): void {
    const table = Buffer.from(strings.map((each) => `${each}\0`).join(''));
    this.integer(table.length);
    this.#append(table);
  }

  /** The tag of an element of the document type. */
  start(codePage: number, token: number, isEmpty: boolean): void {
    if (codePage !== this.#codePage) this.#switchPage(codePage);
    this.byte(isEmpty ? token : token | TAG.hasContent);
  }

  /** The tag of an element that the document type does not have: its name is in the string table. */
  startLiteral(offset: number, isEmpty: boolean): void {
    this.byte(isEmpty ? TOKEN.literal : TOKEN.literal | TAG.hasContent);
    this.integer(offset);
  }

  /** Of an element that is not empty. */
  end(): void {
    this.byte(TOKEN.end);
  }

  /** Makes the tag that was written last, with nothing behind it, that of an empty element. */
  emptyLast(): void {
    const at = this.#length - 1;
    this.#bytes[at] = (this.#bytes[at] ?? 0) & ~TAG.hasContent;
  }

  /** Text as an inline string, octets and what no inline string can hold as opaque data, nothing for nothing. */
  data(data: string | Uint8Array): void {
    if (typeof data !== 'string') this.#opaque(data);
    else if (data !== '' && !this.#shortString(data)) this.#string(data);
  }

  #switchPage(codePage: number): void {
    this.byte(TOKEN.switchPage);
    this.byte(codePage);
    this.#codePage = codePage;
  }

  #leadingBits(value: number): void {
    if (value >= 0x80) this.#leadingBits(Math.floor(value / 0x80));
    this.byte(0x80 | (value & 0x7f));
  }

  /** False, and nothing is written, when it is not short, not ASCII or has a NUL. */
  #shortString(text: string): boolean {
    if (text.length > MAX_LOOP_UNITS) return false;
    this.#reserve(text.length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = TOKEN.stringInline;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code === 0 || code > MAX_ASCII) return false;
      bytes[at++] = code;
    }
    bytes[at++] = 0;
    this.#length = at;
    return true;
  }

  #string(text: string): void {
    if (text.includes('\0')) {
      this.#opaque(Buffer.from(text));
      return;
    }
    this.#reserve(text.length * MAX_BYTES_PER_UNIT + 2);
    this.#bytes[this.#length] = TOKEN.stringInline;
    this.#length += 1 + this.#bytes.write(text, this.#length + 1);
    this.byte(0);
  }

  #opaque(octets: Uint8Array): void {
    this.byte(TOKEN.opaque);
    this.integer(octets.length);
    this.#append(octets);
  }

  #append(octets: Uint8Array): void {
    this.#reserve(octets.length);
    this.#bytes.set(octets, this.#length);
    this.#length += octets.length;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
    if (larger.length <= MAX_KEPT_BYTES) room = larger;
  }
}
