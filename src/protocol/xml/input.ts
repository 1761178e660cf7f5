import { isAscii, isUtf8 } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import type { DecodeLimits, DecodeMode } from '../limits.ts';
import { FORBIDDEN } from './characters.ts';
import type { CodeUnits } from './words.ts';

const IS_BIG_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;

const BOM_BYTES = 3;
const NOT_ASCII = /[^\x00-\x7f]/g;
/** Peer: a Motorola client ends a child list with a NUL octet; that one place is let through. */
const DATA_END = /<\/(?:[^\s<>/:]+:)?Data\s*>/y;

/** The text of one document, what may be in it, and where in the bytes its places are. */
export class XmlInput {
  readonly text: string;
  /** The same as numbers: to look at one takes a third of the time of charCodeAt. */
  readonly codes: CodeUnits;
  readonly mode: DecodeMode;
  readonly limits: DecodeLimits;
  /** Whether there is a carriage return, a `]]>` or a NUL anywhere: where not, no text has to be searched for it. */
  readonly hasReturn: boolean;
  readonly hasSectionEnd: boolean;
  readonly hasNul: boolean;
  #elements = 0;
  readonly #bomBytes: number;
  readonly #isAscii: boolean;
  /** Offsets are asked for in ascending order: each is counted from the last. From the first index to the second all is ASCII. */
  #countedTo = 0;
  #asciiUntil = 0;
  #furtherBytes = 0;
  /** So are references: from the first index to the second there is none. */
  #searchedFrom = 0;
  #nextReference = -1;

  constructor(bytes: Uint8Array, mode: DecodeMode, limits: DecodeLimits) {
    if (bytes.length > limits.maxBytes) {
      throw new DecodeError('XML_LIMIT', `document is larger than ${limits.maxBytes} bytes`, limits.maxBytes);
    }
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.mode = mode;
    this.limits = limits;
    this.#isAscii = isAscii(body);
    if (this.#isAscii && body[0] !== 0 && body[1] !== 0) {
      this.#bomBytes = 0;
      this.text = body.toString('latin1');
      this.codes = body;
    } else {
      this.#bomBytes = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? BOM_BYTES : 0;
      refuseOtherEncodings(body);
      this.text = body.toString('utf8', this.#bomBytes);
      this.codes = codeUnitsOf(this.text);
    }
    this.hasReturn = this.text.includes('\r');
    this.hasSectionEnd = this.text.includes(']]>');
    this.hasNul = this.#refuseControlCharacters();
  }

  /** Byte offset of an index into the text. */
  byteOffset(index: number): number {
    return this.#isAscii ? index : this.#countBytes(index);
  }

  #countBytes(index: number): number {
    if (index < this.#countedTo) this.#countedTo = this.#asciiUntil = this.#furtherBytes = 0;
    if (index > this.#asciiUntil) {
      this.#furtherBytes += furtherBytes(this.codes, this.#asciiUntil, index);
      this.#countedTo = index;
      NOT_ASCII.lastIndex = index;
      this.#asciiUntil = NOT_ASCII.test(this.text) ? NOT_ASCII.lastIndex - 1 : this.text.length;
    }
    return this.#bomBytes + index + this.#furtherBytes;
  }

  /** Whether there is a `&` between two indices. */
  hasReference(start: number, end: number): boolean {
    if (start < this.#searchedFrom || start > this.#nextReference) {
      const found = this.text.indexOf('&', start);
      this.#searchedFrom = start;
      this.#nextReference = found < 0 ? this.text.length : found;
    }
    return this.#nextReference < end;
  }

  /** Counts an element that starts there. */
  countElement(index: number): void {
    this.#elements += 1;
    if (this.#elements > this.limits.maxElements) {
      throw this.error('XML_LIMIT', `more than ${this.limits.maxElements} elements`, index);
    }
  }

  /** Refuses elements that are nested too deep. */
  checkDepth(depth: number, index: number): void {
    if (depth > this.limits.maxDepth) {
      throw this.error('XML_LIMIT', `elements are nested deeper than ${this.limits.maxDepth}`, index);
    }
  }

  /** Index of `mark` at or after `from`; the document must not end before it. */
  find(mark: string, from: number, what: string): number {
    const found = this.text.indexOf(mark, from);
    if (found < 0) throw this.error('XML_TRUNCATED', `document ends inside ${what}`, this.text.length);
    return found;
  }

  /** Index of the `<` at or after `from` inside of an element. */
  findMarkup(from: number, element: string): number {
    const found = this.text.indexOf('<', from);
    if (found < 0) throw this.error('XML_TRUNCATED', `document ends inside <${element}>`, this.text.length);
    return found;
  }

  error(code: string, message: string, index: number): DecodeError {
    const before = this.text.slice(0, index);
    const line = before.split('\n').length;
    const column = index - before.lastIndexOf('\n');
    return new DecodeError(code, message, this.byteOffset(index), { line, column });
  }

  /** Whether there is one that is let through. */
  #refuseControlCharacters(): boolean {
    const first = this.text.search(FORBIDDEN);
    let index = first;
    while (index >= 0) {
      const code = this.text.charCodeAt(index);
      DATA_END.lastIndex = index + 1;
      if (code !== 0 || !DATA_END.test(this.text)) {
        const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
        throw this.error('XML_CHARACTER', `character ${name} is not allowed in XML`, index);
      }
      const next = this.text.slice(index + 1).search(FORBIDDEN);
      index = next < 0 ? next : index + 1 + next;
    }
    return first >= 0;
  }
}

/** How many bytes more than one for each code unit UTF-8 takes; of the four of a surrogate pair each half has two. */
function furtherBytes(codes: CodeUnits, start: number, end: number): number {
  let further = 0;
  for (let index = start; index < end; index += 1) {
    const code = codes[index] ?? 0;
    if (code > 0x7f) further += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return further;
}

function codeUnitsOf(text: string): Uint16Array {
  const codes = new Uint16Array(text.length);
  const octets = Buffer.from(codes.buffer);
  octets.write(text, 'utf16le');
  if (IS_BIG_ENDIAN) octets.swap16();
  return codes;
}

function refuseOtherEncodings(body: Buffer): void {
  const [first, second] = body;
  const utf16Mark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (utf16Mark || first === 0 || second === 0) {
    throw new DecodeError('XML_ENCODING', 'UTF-16 and UTF-32 are not supported, only UTF-8', 0);
  }
  if (!isUtf8(body)) throw new DecodeError('XML_ENCODING', 'not valid UTF-8', firstInvalidByte(body));
}

function firstInvalidByte(body: Buffer): number {
  const text = body.toString('utf8');
  let byte = 0;
  let from = 0;
  for (let index = text.indexOf('\ufffd'); index >= 0; index = text.indexOf('\ufffd', from)) {
    byte += Buffer.byteLength(text.slice(from, index));
    if (body.toString('hex', byte, byte + 3) !== 'efbfbd') return byte;
    byte += 3;
    from = index + 1;
  }
  return byte;
}
