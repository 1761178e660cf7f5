import type { Element } from '../element.ts';
import { elementType } from '../elements.ts';
import type { WbxmlVersion } from './header.ts';
import { CHARSET, PUBLIC_ID_SYNCML_1_2, TAG, TOKEN } from './tokens.ts';

const INITIAL_BYTES = 2048;
/** A UTF-16 code unit takes at most three octets in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Writes a WBXML document: public identifier of SyncML 1.2, UTF-8, no string table, text as inline strings, octets as opaque
 * data. Choice: several root elements, which only files have, follow one another; WBXML itself knows one. [WBXML 5]
 */
export function writeWbxml(roots: readonly Element[], version: WbxmlVersion): Uint8Array {
  const output = new WbxmlOutput();
  output.byte(version);
  output.integer(PUBLIC_ID_SYNCML_1_2);
  output.integer(CHARSET.utf8);
  output.integer(0);
  roots.forEach((root, index) => output.element(root, index > 0));
  return output.octets();
}

/** Octets an element adds where code page 0 is in force before it and after it. */
export function wbxmlBytes(element: Element): number {
  const output = new WbxmlOutput();
  output.element(element);
  output.switchPage(0);
  return output.length;
}

class WbxmlOutput {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;
  #page = 0;

  get length(): number {
    return this.#length;
  }

  octets(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
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

  switchPage(page: number): void {
    if (page === this.#page) return;
    this.byte(TOKEN.switchPage);
    this.byte(page);
    this.#page = page;
  }

  /** `isClosed`: also an empty element gets its END, so that it is not taken for a stray octet behind the root. */
  element({ name, children, text }: Element, isClosed = false): void {
    const { page, token } = elementType(name);
    this.switchPage(page);
    if (children.length === 0 && text.length === 0 && !isClosed) {
      this.byte(token);
      return;
    }
    this.byte(token | TAG.hasContent);
    if (children.length > 0) for (const child of children) this.element(child);
    else if (typeof text !== 'string') this.#opaque(text);
    else if (text.includes('\0')) this.#opaque(Buffer.from(text));
    else if (text !== '') this.#inlineString(text);
    this.byte(TOKEN.end);
  }

  #leadingBits(value: number): void {
    if (value >= 0x80) this.#leadingBits(Math.floor(value / 0x80));
    this.byte(0x80 | (value & 0x7f));
  }

  #inlineString(text: string): void {
    this.#reserve(text.length * MAX_BYTES_PER_UNIT + 2);
    this.#bytes[this.#length] = TOKEN.stringInline;
    this.#length += 1 + this.#bytes.write(text, this.#length + 1);
    this.byte(0);
  }

  #opaque(octets: Uint8Array): void {
    this.byte(TOKEN.opaque);
    this.integer(octets.length);
    this.#reserve(octets.length);
    this.#bytes.set(octets, this.#length);
    this.#length += octets.length;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
