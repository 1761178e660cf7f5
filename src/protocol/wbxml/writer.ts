import type { Element } from '../element.ts';
import { elementType, elementTypeOfToken, type ElementName } from '../elements.ts';
import { type DocumentType, documentTypeOfRoots } from './documents.ts';
import type { WbxmlVersion } from './header.ts';
import { CHARSET, TAG, TOKEN } from './tokens.ts';

const INITIAL_BYTES = 2048;
/** A UTF-16 code unit takes at most three octets in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
/** Code page of each page of the element table: DevInf is a document of its own. */
const CODE_PAGES = [0, 1, 2, 0] as const;

/**
 * Writes a WBXML document: public identifier of what the roots say they are, UTF-8, text as inline strings, octets as opaque
 * data. The string table holds the name of the document type where it has no number, and the names of what an older version
 * of DevInf does not have. Choice: several root elements, which only files have, follow one another; WBXML itself knows
 * one. Throws `DmError` WBXML_DOCUMENT for a DevInf element beside another. [WBXML 5]
 */
export function writeWbxml(roots: readonly Element[], version: WbxmlVersion): Uint8Array {
  const document = documentTypeOfRoots(roots);
  const { publicId, formalPublicId, name } = document;
  const literals = name === 'DevInf' ? literalNames(roots, document) : undefined;
  const output = new WbxmlOutput(literals);
  output.byte(version);
  output.integer(publicId ?? 0);
  if (publicId === undefined) output.integer(0);
  output.integer(CHARSET.utf8);
  if (publicId === undefined) output.stringTable([formalPublicId]);
  else output.stringTable(literals === undefined ? [] : Array.from(literals.values(), ({ localName }) => localName));
  roots.forEach((root, index) => {
    output.element(root, index > 0);
  });
  return output.octets();
}

/** Place in the string table of the elements that a version of a DTD does not have. */
type Literals = ReadonlyMap<ElementName, { readonly localName: string; readonly offset: number }>;

function literalNames(roots: readonly Element[], { dtd }: DocumentType): Literals {
  const literals = new Map<ElementName, { localName: string; offset: number }>();
  let offset = 0;
  const collect = ({ name, children }: Element): void => {
    const { page, token, localName } = elementType(name);
    if (!literals.has(name) && elementTypeOfToken(page, token, dtd)?.name !== name) {
      literals.set(name, { localName, offset });
      offset += localName.length + 1;
    }
    children.forEach(collect);
  };
  roots.forEach(collect);
  return literals;
}

/** A part of a document: it begins where code page 0 is in force. */
export interface WbxmlFragment {
  readonly octets: Uint8Array;
  /** The code page in force behind it. */
  readonly codePage: number;
}

/** Writes an element as a part of a SyncML document. */
export function writeFragment(element: Element): WbxmlFragment {
  const output = new WbxmlOutput(undefined);
  output.element(element);
  return { octets: output.octets(), codePage: output.codePage };
}

class WbxmlOutput {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;
  #codePage = 0;
  readonly #literals: Literals | undefined;

  constructor(literals: Literals | undefined) {
    this.#literals = literals;
  }

  get codePage(): number {
    return this.#codePage;
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

  /** Each string with its NUL, after the length of them all. */
  stringTable(strings: readonly string[]): void {
    if (strings.length === 0) {
      this.integer(0);
      return;
    }
    const table = Buffer.from(strings.map((each) => `${each}\0`).join(''));
    this.integer(table.length);
    for (const octet of table) this.byte(octet);
  }

  #switchPage(codePage: number): void {
    if (codePage === this.#codePage) return;
    this.byte(TOKEN.switchPage);
    this.byte(codePage);
    this.#codePage = codePage;
  }

  /** `isClosed`: also an empty element gets its END, so that it is not taken for a stray octet behind the root. */
  element({ name, children, text }: Element, isClosed = false): void {
    const { page, token } = elementType(name);
    const isEmpty = children.length === 0 && text.length === 0 && !isClosed;
    const literal = this.#literals?.get(name);
    if (literal === undefined) this.#switchPage(CODE_PAGES[page]);
    this.byte((literal === undefined ? token : TOKEN.literal) | (isEmpty ? 0 : TAG.hasContent));
    if (literal !== undefined) this.integer(literal.offset);
    if (isEmpty) return;
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
