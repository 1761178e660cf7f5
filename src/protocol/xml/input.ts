import { isAscii, isUtf8 } from 'node:buffer';
import { DecodeError } from '../errors.ts';
import type { DecodeLimits, DecodeMode } from '../limits.ts';
import { FORBIDDEN } from './characters.ts';

const BOM_BYTES = 3;
const NOT_ASCII = /[^\x00-\x7f]/g;
/** Peer: a Motorola client ends a child list with a NUL octet; that one place is let through. */
const DATA_END = /<\/(?:[^\s<>/:]+:)?Data\s*>/y;

/** The text of one document, what may be in it, and where in the bytes its places are. */
export class XmlInput {
  readonly text: string;
  readonly mode: DecodeMode;
  readonly limits: DecodeLimits;
  /** Whether there is a carriage return, a reference or a `]]>` anywhere: where not, no text has to be searched for it. */
  readonly hasReturn: boolean;
  readonly hasReference: boolean;
  readonly hasSectionEnd: boolean;
  #elements = 0;
  readonly #bomBytes: number;
  readonly #isAscii: boolean;
  /** Offsets are asked for in ascending order: each is counted from the last. Up to the third index there is ASCII only. */
  #knownIndex = 0;
  #knownByte = 0;
  #asciiUntil = 0;

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
    } else {
      this.#bomBytes = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? BOM_BYTES : 0;
      refuseOtherEncodings(body);
      this.text = body.toString('utf8', this.#bomBytes);
    }
    this.hasReturn = this.text.includes('\r');
    this.hasReference = this.text.includes('&');
    this.hasSectionEnd = this.text.includes(']]>');
    this.#refuseControlCharacters();
  }

  /** Byte offset of an index into the text. */
  byteOffset(index: number): number {
    if (this.#isAscii) return index;
    if (index < this.#knownIndex) this.#knownIndex = this.#knownByte = this.#asciiUntil = 0;
    if (index > this.#asciiUntil) {
      this.#knownByte += Buffer.byteLength(this.text.slice(this.#knownIndex, index));
      this.#knownIndex = index;
      NOT_ASCII.lastIndex = index;
      this.#asciiUntil = NOT_ASCII.test(this.text) ? NOT_ASCII.lastIndex - 1 : this.text.length;
    }
    return this.#knownByte + index - this.#knownIndex + this.#bomBytes;
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

  #refuseControlCharacters(): void {
    let index = this.text.search(FORBIDDEN);
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
  }
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
