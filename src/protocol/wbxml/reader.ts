import type { Element } from '../element.ts';
import { type ElementType, elementTypeOfTag, elementTypeOfToken } from '../elements.ts';
import { DecodeError } from '../errors.ts';
import type { DecodeLimits, DecodeMode } from '../limits.ts';
import type { Data } from '../message/message.ts';
import { isXmlCodePoint, trimmed } from '../xml/characters.ts';
import { writeXml } from '../xml/writer.ts';
import { declaresOctets, joined, type Piece } from './content.ts';
import { readHeader, type WbxmlHeader, type WbxmlVersion } from './header.ts';
import { WbxmlInput } from './input.ts';
import { TAG, TOKEN } from './tokens.ts';

/** An element whose END has not come yet. */
interface OpenElement {
  /** Undefined inside something unknown that is left out. */
  readonly type: ElementType | undefined;
  readonly children: Element[];
  readonly pieces: Piece[];
  readonly offset: number;
}

/** What a WBXML document says of itself and what it holds. */
export interface WbxmlDocument {
  readonly version: WbxmlVersion;
  readonly roots: readonly Element[];
}

/**
 * Reads the root elements of a WBXML document; on the wire there is exactly one. Throws `DecodeError` with a code `WBXML_…`.
 * An unknown element is refused, inside Meta it is left out; attributes are skipped. One octet behind the root is
 * tolerated: some encoders send their terminating NUL along. [WBXML 5]
 */
export function readWbxml(bytes: Uint8Array, mode: DecodeMode, limits: DecodeLimits): WbxmlDocument {
  const input = new WbxmlInput(bytes, limits);
  const header = readHeader(input);
  return { version: header.version, roots: new BodyReader(input, header, mode).read() };
}

class BodyReader {
  readonly #input: WbxmlInput;
  readonly #header: WbxmlHeader;
  readonly #mode: DecodeMode;
  readonly #roots: Element[] = [];
  readonly #open: OpenElement[] = [];
  #page = 0;
  #elements = 0;

  constructor(input: WbxmlInput, header: WbxmlHeader, mode: DecodeMode) {
    this.#input = input;
    this.#header = header;
    this.#mode = mode;
  }

  read(): readonly Element[] {
    const input = this.#input;
    while (!this.#isAtEnd()) {
      const start = input.at;
      const token = input.byte('the body');
      switch (token) {
        case TOKEN.switchPage:
          this.#page = input.byte('a code page switch');
          break;
        case TOKEN.end:
          this.#endElement(start);
          break;
        case TOKEN.entity:
          this.#addText(this.#entity(), start);
          break;
        case TOKEN.stringInline:
          this.#addText(input.inlineString(), start);
          break;
        case TOKEN.stringTable:
          this.#addText(this.#tableString(), start);
          break;
        case TOKEN.opaque:
          this.#addText(input.octets(input.integer('the length of opaque data'), 'opaque data'), start);
          break;
        case TOKEN.instruction:
          this.#skipAttributes();
          break;
        default:
          if (isExtension(token)) throw this.#error('WBXML_TOKEN', 'extension tokens mean nothing in SyncML', start);
          this.#startElement(token, start);
      }
    }
    return this.#roots;
  }

  #isAtEnd(): boolean {
    const { remaining } = this.#input;
    if (this.#open.length > 0) {
      if (remaining === 0) throw this.#input.truncated(nameOf(this.#open.at(-1)));
      return false;
    }
    if (this.#roots.length === 0) {
      if (remaining === 0) throw this.#error('WBXML_ROOT', 'document has no element', this.#input.at);
      return false;
    }
    if (remaining <= 1) return true;
    if (this.#mode === 'wire') throw this.#error('WBXML_TRAILING', 'octets behind the root element', this.#input.at);
    return false;
  }

  #startElement(token: number, start: number): void {
    const input = this.#input;
    const parent = this.#open.at(-1);
    const type = this.#typeOf(token, parent, start);
    if ((token & TAG.hasAttributes) !== 0) this.#skipAttributes();
    if (parent?.type !== undefined && (parent.type.content === 'empty' || parent.type.content === 'text')) {
      throw this.#error('WBXML_CONTENT', `no element is allowed in ${parent.type.name}`, start);
    }
    this.#elements += 1;
    if (this.#elements > input.limits.maxElements) {
      throw this.#error('WBXML_LIMIT', `more than ${input.limits.maxElements} elements`, start);
    }
    this.#open.push({ type, children: [], pieces: [], offset: start });
    if (this.#open.length > input.limits.maxDepth) {
      throw this.#error('WBXML_LIMIT', `elements are nested deeper than ${input.limits.maxDepth}`, start);
    }
    if ((token & TAG.hasContent) === 0) this.#endElement(start);
  }

  /** Undefined where the element is left out. */
  #typeOf(token: number, parent: OpenElement | undefined, start: number): ElementType | undefined {
    const code = token & TAG.token;
    const literal = code === TOKEN.literal ? this.#tableString() : undefined;
    if (parent !== undefined && parent.type === undefined) return undefined;
    const type =
      literal === undefined
        ? elementTypeOfToken(this.#page, code)
        : elementTypeOfTag(literal.slice(literal.indexOf(':') + 1), parent?.type, undefined);
    if (type === undefined && parent?.type?.name !== 'Meta' && parent?.type?.name !== 'metinf:MetInf') {
      const what = literal === undefined ? `tag 0x${code.toString(16)} of code page ${this.#page}` : 'literal tag';
      throw this.#error('WBXML_ELEMENT', `unknown ${what} in ${nameOf(parent)}`, start);
    }
    return type;
  }

  #endElement(at: number): void {
    const element = this.#open.pop();
    if (element === undefined) throw this.#error('WBXML_TOKEN', 'END without an element', at);
    const { type, children, offset } = element;
    if (type === undefined) return;
    const parent = this.#open.at(-1);
    const siblings = parent?.children ?? this.#roots;
    if (type.content === 'data') {
      siblings.push({ name: type.name, children: [], text: this.#dataOf(element), offset });
    } else {
      siblings.push({ name: type.name, children, text: this.#textOf(element, type), offset });
    }
  }

  /** Markup in Data is its text, as it is in XML. */
  #dataOf({ children, pieces }: OpenElement): Data {
    if (children.length > 0) return writeXml(children);
    return joined(pieces, declaresOctets(this.#open.slice(-2)));
  }

  #textOf({ children, pieces, offset }: OpenElement, type: ElementType): string {
    const text = joined(pieces, true);
    if (typeof text !== 'string') {
      throw this.#error('WBXML_TEXT', `${type.name} holds octets that are not text`, offset);
    }
    const value = trimmed(text);
    if (value !== '' && type.content !== 'text' && (!type.acceptsBareText || children.length > 0)) {
      throw this.#error('WBXML_CONTENT', `text is not allowed in ${type.name}`, offset);
    }
    return value;
  }

  #addText(piece: Piece, start: number): void {
    const element = this.#open.at(-1);
    if (element === undefined) throw this.#error('WBXML_CONTENT', 'text outside the root element', start);
    element.pieces.push(piece);
  }

  #entity(): string {
    const start = this.#input.at;
    const code = this.#input.integer('an entity');
    if (!isXmlCodePoint(code))
      throw this.#error('WBXML_TEXT', `character U+${code.toString(16)} is not allowed`, start);
    return String.fromCodePoint(code);
  }

  #tableString(): string {
    return this.#input.tableString(this.#header.stringTable, this.#input.integer('a string table offset'));
  }

  /** Attributes, up to and with their END. Only namespace declarations occur, and the code page says the same. */
  #skipAttributes(): void {
    const input = this.#input;
    for (;;) {
      const start = input.at;
      const token = input.byte('attributes');
      switch (token) {
        case TOKEN.end:
          return;
        case TOKEN.switchPage:
          input.byte('a code page switch');
          break;
        case TOKEN.stringInline:
          input.inlineString();
          break;
        case TOKEN.opaque:
          input.octets(input.integer('the length of opaque data'), 'opaque data');
          break;
        case TOKEN.entity:
        case TOKEN.literal:
        case TOKEN.stringTable:
          input.integer('attributes');
          break;
        default:
          if (isExtension(token)) throw this.#error('WBXML_TOKEN', 'extension tokens mean nothing in SyncML', start);
      }
    }
  }

  #error(code: string, message: string, offset: number): DecodeError {
    return new DecodeError(code, message, offset);
  }
}

function nameOf(element: OpenElement | undefined): string {
  return element === undefined ? 'the document' : (element.type?.name ?? 'an unknown element');
}

function isExtension(token: number): boolean {
  return (
    (token >= TOKEN.extensionInline0 && token <= TOKEN.extensionInline2) ||
    (token >= TOKEN.extensionTable0 && token <= TOKEN.extensionTable2) ||
    (token >= TOKEN.extension0 && token <= TOKEN.extension2)
  );
}
