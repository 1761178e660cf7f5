import type { Element } from '../element.ts';
import {
  type ElementType,
  elementTypeOfTag,
  elementTypeOfToken,
  mayHoldUnknown,
  NAMESPACES,
  type Page,
} from '../elements.ts';
import { DecodeError } from '../errors.ts';
import type { DecodeLimits, DecodeMode } from '../limits.ts';
import type { Data } from '../message/message.ts';
import { isXmlText, trimmed } from '../xml/characters.ts';
import { extensionError, readAttributes, readEntity } from './attributes.ts';
import { declaresOctets, joined, type Piece } from './content.ts';
import { DEVINF_1_2, type DocumentType } from './documents.ts';
import { readHeader, type WbxmlHeader, type WbxmlVersion } from './header.ts';
import { WbxmlInput } from './input.ts';
import { escapedText, markupName, markupOf, type MarkupTag, tagOfType } from './markup.ts';
import { isExtension, TAG, TOKEN } from './tokens.ts';

/** An element whose END has not come yet. */
interface OpenElement {
  /** Undefined inside something unknown that is left out, and of a literal tag inside Data. */
  readonly type: ElementType | undefined;
  /** Inside Data, where elements are text. */
  readonly markup: MarkupTag | undefined;
  readonly children: Element[];
  /** Text since the last element inside Data. */
  pieces: Piece[];
  /** Inside Data: XML text up to and with the last element; undefined while there is none. */
  xml: string | undefined;
  readonly offset: number;
}

/** What a WBXML document says of itself and what it holds. */
export interface WbxmlDocument {
  readonly version: WbxmlVersion;
  readonly roots: readonly Element[];
}

/**
 * Reads the root elements of a WBXML document; on the wire there is exactly one. Throws `DecodeError` with a code `WBXML_…`.
 * An unknown element is refused, inside Meta and in a DDF it is left out, inside Data it is kept as text.
 * One octet behind the root is tolerated: some encoders send their terminating NUL along. [WBXML 5]
 */
export function readWbxml(bytes: Uint8Array, mode: DecodeMode, limits: DecodeLimits): WbxmlDocument {
  const input = new WbxmlInput(bytes, limits);
  const header = readHeader(input);
  return { version: header.version, roots: new BodyReader(input, header, mode).read() };
}

const NO_CHILDREN: readonly Element[] = [];

class BodyReader {
  readonly #input: WbxmlInput;
  readonly #header: WbxmlHeader;
  readonly #mode: DecodeMode;
  readonly #roots: Element[] = [];
  readonly #open: OpenElement[] = [];
  #document: DocumentType;
  /** Of the code page in force; undefined where the document has no such code page. */
  #page: Page | undefined;
  #elements = 0;

  constructor(input: WbxmlInput, header: WbxmlHeader, mode: DecodeMode) {
    this.#input = input;
    this.#header = header;
    this.#mode = mode;
    this.#document = header.document;
    this.#page = this.#document.pages[0];
  }

  read(): readonly Element[] {
    const input = this.#input;
    while (!this.#isAtEnd()) {
      const start = input.at;
      const token = input.byte('the body');
      switch (token) {
        case TOKEN.switchPage:
          this.#page = this.#document.pages[input.byte('a code page switch')];
          break;
        case TOKEN.end:
          this.#endElement(start);
          break;
        case TOKEN.entity:
          this.#addText(readEntity(input), start);
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
          readAttributes(input, this.#header.stringTable);
          break;
        default:
          if (isExtension(token)) throw extensionError(start);
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
    if (this.#header.isUnnamed) this.#recogniseDevInf();
    const parent = this.#innermost();
    const code = token & TAG.token;
    const literal = code === TOKEN.literal ? this.#tableString() : undefined;
    const isInData = parent?.type?.content === 'data' || parent?.markup !== undefined;
    const type = this.#typeOf(code, literal, parent, isInData, start);
    const hasAttributes = (token & TAG.hasAttributes) !== 0;
    const attributes = hasAttributes ? readAttributes(input, this.#header.stringTable) : '';
    if (parent?.type !== undefined && (parent.type.content === 'empty' || parent.type.content === 'text')) {
      throw this.#error('WBXML_CONTENT', `no element is allowed in ${parent.type.name}`, start);
    }
    this.#elements += 1;
    if (this.#elements > input.limits.maxElements) {
      throw this.#error('WBXML_LIMIT', `more than ${input.limits.maxElements} elements`, start);
    }
    if (!isInData && type !== undefined && type.content !== 'elements' && (token & TAG.hasContent) !== 0) {
      this.#readLeaf(type, start);
      return;
    }
    const markup = isInData ? this.#tagInData(type, literal, attributes, parent.markup, start) : undefined;
    this.#open.push({ type, markup, children: [], pieces: [], xml: undefined, offset: start });
    this.#checkDepth(this.#open.length, start);
    if ((token & TAG.hasContent) === 0) this.#endElement(start);
  }

  /** A leaf as nearly all peers write it, one inline string, is read at once; of any other only the beginning is. */
  #readLeaf(type: ElementType, offset: number): void {
    const input = this.#input;
    this.#checkDepth(this.#open.length + 1, offset);
    const pieces = input.skip(TOKEN.stringInline) ? [input.inlineString()] : [];
    const [text = ''] = pieces;
    if (type.content !== 'empty' && isXmlText(text) && input.skip(TOKEN.end)) {
      const value = type.content === 'text' ? trimmed(text) : text;
      (this.#innermost()?.children ?? this.#roots).push({
        name: type.name,
        children: NO_CHILDREN,
        text: value,
        offset,
      });
    } else {
      this.#open.push({ type, markup: undefined, children: [], pieces, xml: undefined, offset });
    }
  }

  /** Never index -1: one read of it makes every later one slow. */
  #innermost(): OpenElement | undefined {
    const depth = this.#open.length;
    return depth > 0 ? this.#open[depth - 1] : undefined;
  }

  #checkDepth(depth: number, start: number): void {
    const { maxDepth } = this.#input.limits;
    if (depth > maxDepth) throw this.#error('WBXML_LIMIT', `elements are nested deeper than ${maxDepth}`, start);
  }

  /** Undefined where the element is left out, and for a literal tag inside Data. */
  #typeOf(
    code: number,
    literal: string | undefined,
    parent: OpenElement | undefined,
    isInData: boolean,
    start: number,
  ): ElementType | undefined {
    if (isInData && literal !== undefined) return undefined;
    if (parent !== undefined && parent.type === undefined && !isInData) return undefined;
    const page = this.#page;
    const type =
      literal !== undefined
        ? elementTypeOfTag(literal.slice(literal.indexOf(':') + 1), parent?.type, namespaceOf(page))
        : page === undefined
          ? undefined
          : elementTypeOfToken(page, code, this.#document.dtd);
    if (type === undefined && (parent?.type === undefined || !mayHoldUnknown(parent.type, this.#mode))) {
      const what = literal === undefined ? `tag 0x${code.toString(16)} of page ${page ?? 'none'}` : 'literal tag';
      throw this.#error('WBXML_ELEMENT', `unknown ${what} in ${nameOf(parent)}`, start);
    }
    return type;
  }

  #tagInData(
    type: ElementType | undefined,
    literal: string | undefined,
    attributes: string,
    outer: MarkupTag | undefined,
    start: number,
  ): MarkupTag {
    if (type !== undefined) return tagOfType(type, outer?.page);
    const name = markupName(literal ?? '');
    if (name === undefined) throw this.#error('WBXML_ELEMENT', 'a literal tag in Data is no XML name', start);
    return { name, page: outer?.page, attributes };
  }

  /**
   * Peer: a document that does not say what it is may be DevInf, whose root has the token of Cmd; but Cmd holds text only.
   */
  #recogniseDevInf(): void {
    const root = this.#elements === 1 ? this.#open[0] : undefined;
    if (root?.type?.name !== 'Cmd') return;
    this.#document = DEVINF_1_2;
    this.#page = 3;
    this.#open[0] = { ...root, type: elementTypeOfToken(3, root.type.token) };
  }

  #endElement(at: number): void {
    const element = this.#open.pop();
    if (element === undefined) throw this.#error('WBXML_TOKEN', 'END without an element', at);
    const { type, markup, children, offset } = element;
    const parent = this.#innermost();
    if (markup !== undefined && parent !== undefined) {
      parent.xml = this.#xmlOf(parent) + markupOf(markup, this.#xmlOf(element));
      parent.pieces = [];
      return;
    }
    if (type === undefined) return;
    const siblings = parent?.children ?? this.#roots;
    if (type.content === 'data') {
      siblings.push({ name: type.name, children: [], text: this.#dataOf(element), offset });
    } else {
      siblings.push({ name: type.name, children, text: this.#textOf(element, type), offset });
    }
  }

  /** Markup in Data is its text, as it is in XML. */
  #dataOf(element: OpenElement): Data {
    if (element.xml !== undefined) return this.#xmlOf(element);
    return joined(element.pieces, declaresOctets(this.#open.at(-1), this.#open.at(-2)));
  }

  #xmlOf({ xml = '', pieces, offset }: OpenElement): string {
    const texts = pieces.map((piece) => {
      const text = escapedText(piece);
      if (text === undefined) throw this.#error('WBXML_TEXT', 'octets beside markup are not text', offset);
      return text;
    });
    return xml + texts.join('');
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
    const element = this.#innermost();
    if (element === undefined) throw this.#error('WBXML_CONTENT', 'text outside the root element', start);
    element.pieces.push(piece);
  }

  #tableString(): string {
    return this.#input.tableString(this.#header.stringTable, this.#input.integer('a string table offset'));
  }

  #error(code: string, message: string, offset: number): DecodeError {
    return new DecodeError(code, message, offset);
  }
}

function namespaceOf(page: Page | undefined): string | undefined {
  return page === undefined ? undefined : NAMESPACES[page];
}

function nameOf(element: OpenElement | undefined): string {
  return element === undefined ? 'the document' : (element.type?.name ?? 'an unknown element');
}
