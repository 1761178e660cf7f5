import type { Element } from '../element.ts';
import { type ElementType, elementTypeOfTag, mayHoldUnknown, rightCase } from '../elements.ts';
import type { DecodeLimits, DecodeMode } from '../limits.ts';
import type { Data } from '../message/message.ts';
import { characterData, verbatim } from './character-data.ts';
import { trimmed } from './characters.ts';
import { XmlInput } from './input.ts';
import { cdataBounds, commentEnd, declarationEnd, doctypeEnd, elementEnd, instructionEnd, markupAt } from './markup.ts';
import { namespaceOf, readEndTag, readStartTag, type Scope, scopeOf, type StartTag } from './tag.ts';
import { closesAt, declarationLength, GREATER, LESS, nameAt, nameLength } from './words.ts';

/** An element whose end tag has not come yet. */
interface OpenElement {
  readonly parent: OpenElement | undefined;
  /** How many elements it stands in, itself counted. */
  readonly depth: number;
  readonly type: ElementType;
  readonly name: string;
  /** The number of the name in the element table, 0 if it has a prefix or none. */
  readonly known: number;
  readonly scope: Scope | undefined;
  readonly children: Element[];
  readonly offset: number;
  bareText: string;
}

const NO_CHILDREN: readonly Element[] = [];

/**
 * Reads the root elements of an XML document; on the wire there is exactly one. Throws `DecodeError` with a code `XML_…`.
 * An unknown element is refused, inside Meta and in a DDF it is left out. Markup inside Data is kept as its text. [REPPRO 5]
 */
export function readXml(bytes: Uint8Array, mode: DecodeMode, limits: DecodeLimits): readonly Element[] {
  return new XmlReader(new XmlInput(bytes, mode, limits)).read();
}

class XmlReader {
  readonly #input: XmlInput;
  readonly #roots: Element[] = [];
  /** The innermost one. */
  #open: OpenElement | undefined;
  #at: number;

  constructor(input: XmlInput) {
    this.#input = input;
    this.#at = declarationEnd(input);
  }

  read(): readonly Element[] {
    const { characters, octets } = this.#input;
    for (;;) {
      const start = octets[this.#at] === LESS ? this.#at : characters.indexOf('<', this.#at);
      const end = start < 0 ? characters.length : start;
      if (end > this.#at) this.#addCharacterData(end);
      if (start < 0) break;
      this.#readMarkup(start);
    }
    const unclosed = this.#open;
    if (unclosed !== undefined) {
      throw this.#input.error('XML_TRUNCATED', `document ends inside <${unclosed.name}>`, characters.length);
    }
    if (this.#roots.length === 0) throw this.#input.error('XML_ROOT', 'document has no element', characters.length);
    return this.#roots;
  }

  #readMarkup(start: number): void {
    const input = this.#input;
    switch (markupAt(input, start)) {
      case 'startTag':
        if (!this.#readPlainLeaf(start)) this.#startElement(start);
        break;
      case 'endTag':
        this.#endElement(start);
        break;
      case 'comment':
        this.#at = commentEnd(input, start);
        break;
      case 'cdata': {
        const { textStart, textEnd, end } = cdataBounds(input, start);
        if (this.#open === undefined && input.mode === 'wire') {
          throw input.error('XML_CONTENT', 'text is not allowed outside the root element', start);
        }
        this.#addText(verbatim(input, textStart, textEnd), start);
        this.#at = end;
        break;
      }
      case 'instruction':
        this.#at = instructionEnd(input, start);
        break;
      case 'doctype':
        if (this.#open !== undefined || this.#roots.length > 0) {
          throw input.error('XML_SYNTAX', 'a DOCTYPE is allowed before the first element only', start);
        }
        this.#at = doctypeEnd(input, start);
        break;
    }
  }

  /** Reads a leaf as nearly all peers write it: without attributes, and nothing but text in it. False: it is something else. */
  #readPlainLeaf(start: number): boolean {
    const input = this.#input;
    const { octets } = input;
    const parent = this.#open;
    if (parent === undefined || parent.bareText !== '') return false;
    const name = nameAt(octets, start + 1);
    const type = parent.type.childByName[name];
    if (type === undefined || (type.content !== 'text' && type.content !== 'data')) return false;
    const nameEnd = start + 1 + nameLength(name);
    const tagEnd = octets[nameEnd] === GREATER ? nameEnd : nameEnd + declarationLength(octets, nameEnd, type.page);
    if (octets[tagEnd] !== GREATER) return false;
    const end = input.characters.indexOf('<', tagEnd);
    if (end < 0 || !closesAt(octets, end, name)) return false;
    input.countElement(start);
    const text = this.#finished(type, characterData(input, tagEnd + 1, end));
    parent.children.push({ name: type.name, children: NO_CHILDREN, text, offset: input.byteOffset(start) });
    this.#at = end + 3 + nameLength(name);
    return true;
  }

  #startElement(start: number): void {
    const input = this.#input;
    const parent = this.#open;
    if (parent === undefined && this.#roots.length > 0 && input.mode === 'wire') {
      throw input.error('XML_ROOT', 'a message has one root element only', start);
    }
    const tag = readStartTag(input, start, parent?.scope);
    const type = this.#typeOf(tag, parent);
    if (type === undefined) {
      this.#skipUnknown(start, tag, parent);
      return;
    }
    if (parent !== undefined && (parent.type.content === 'empty' || parent.bareText !== '')) {
      throw input.error('XML_CONTENT', `<${tag.name}> is not allowed in <${parent.name}>`, start);
    }
    input.countElement(start);
    this.#at = start + tag.length;
    if (type.content === 'text' || type.content === 'data') {
      const text = tag.isEmpty ? '' : this.#leafText(type, tag, parent?.scope);
      this.#add({ name: type.name, children: NO_CHILDREN, text, offset: input.byteOffset(start) });
      return;
    }
    const element: OpenElement = {
      parent,
      depth: (parent?.depth ?? 0) + 1,
      type,
      name: tag.name,
      known: tag.known,
      scope: scopeOf(tag, parent?.scope),
      children: [],
      offset: input.byteOffset(start),
      bareText: '',
    };
    if (tag.isEmpty) {
      this.#add(closed(element));
    } else {
      this.#open = element;
      input.checkDepth(element.depth, start);
    }
  }

  /** In files also names in the wrong case are understood. */
  #typeOf(tag: StartTag, parent: OpenElement | undefined): ElementType | undefined {
    const child = parent?.type.childByName[tag.known];
    if (child !== undefined) return child;
    const { localName } = tag;
    const namespace = parent === undefined ? namespaceOf(tag.prefix, scopeOf(tag, undefined)) : undefined;
    const type = elementTypeOfTag(localName, parent?.type, namespace);
    if (type !== undefined || this.#input.mode === 'wire') return type;
    return elementTypeOfTag(rightCase(localName), parent?.type, namespace);
  }

  #endElement(start: number): void {
    const element = this.#open;
    if (element === undefined) throw this.#input.error('XML_SYNTAX', 'an end tag without a start tag', start);
    this.#open = element.parent;
    this.#at = readEndTag(this.#input, start, element.name, element.known);
    this.#add(closed(element));
  }

  #add(element: Element): void {
    const parent = this.#open;
    (parent === undefined ? this.#roots : parent.children).push(element);
  }

  #addCharacterData(end: number): void {
    const text = characterData(this.#input, this.#at, end);
    // Outside of the root there is white space as it stands, not as a reference.
    if (this.#open === undefined && this.#input.mode === 'wire' && this.#input.hasReference(this.#at, end)) {
      throw this.#input.error('XML_CONTENT', 'text is not allowed outside the root element', this.#at);
    }
    this.#addText(text, this.#at);
  }

  /** Text outside of leaves. In files it is what documentation puts there: ellipses and no-break spaces. */
  #addText(text: string, index: number): void {
    const { mode } = this.#input;
    const bareText = mode === 'file' ? text.trim() : trimmed(text);
    if (bareText === '') return;
    const parent = this.#open;
    if (parent?.type.acceptsBareText === true && parent.children.length === 0) {
      parent.bareText += bareText;
    } else if (mode === 'wire' || parent === undefined) {
      const where = parent === undefined ? 'outside the root element' : `in <${parent.name}>`;
      throw this.#input.error('XML_CONTENT', `text is not allowed ${where}`, index);
    }
  }

  #skipUnknown(start: number, tag: StartTag, parent: OpenElement | undefined): void {
    if (parent === undefined || !mayHoldUnknown(parent.type, this.#input.mode)) {
      const where = parent === undefined ? '' : ` in <${parent.name}>`;
      throw this.#input.error('XML_ELEMENT', `unknown element <${tag.name}>${where}`, start);
    }
    this.#at = elementEnd(this.#input, start, parent.scope);
  }

  #finished(type: ElementType, text: string): string {
    if (type.content !== 'data') return trimmed(text);
    return this.#input.hasNul && text.endsWith('\0') ? text.slice(0, -1) : text;
  }

  /** Content of a leaf whose start tag was read, up to and with its end tag. */
  #leafText(type: ElementType, tag: StartTag, outer: Scope | undefined): Data {
    const input = this.#input;
    const contentStart = this.#at;
    let at = input.findMarkup(contentStart, tag.name);
    let text = characterData(input, contentStart, at);
    let hasMarkup = false;
    for (;;) {
      let pieceEnd: number;
      switch (markupAt(input, at)) {
        case 'endTag':
          this.#at = readEndTag(input, at, tag.name, tag.known);
          return this.#finished(type, hasMarkup ? verbatim(input, contentStart, at) : text);
        case 'startTag':
          if (type.content !== 'data') {
            throw input.error('XML_CONTENT', `<${tag.name}> holds text only, no element`, at);
          }
          hasMarkup = true;
          pieceEnd = elementEnd(input, at, scopeOf(tag, outer));
          break;
        case 'comment':
          pieceEnd = commentEnd(input, at);
          break;
        case 'instruction':
          pieceEnd = instructionEnd(input, at);
          break;
        case 'cdata': {
          const { textStart, textEnd, end } = cdataBounds(input, at);
          text += verbatim(input, textStart, textEnd);
          pieceEnd = end;
          break;
        }
        case 'doctype':
          throw input.error('XML_SYNTAX', 'a DOCTYPE is not allowed inside an element', at);
      }
      at = input.findMarkup(pieceEnd, tag.name);
      text += characterData(input, pieceEnd, at);
    }
  }
}

function closed({ type, children, offset, bareText }: OpenElement): Element {
  return { name: type.name, children, text: bareText, offset };
}
