import { isUtf8 } from 'node:buffer';
import { type ElementType, NAMESPACES, type Page } from '../elements.ts';
import { isXmlText } from '../xml/characters.ts';

/** The tag of an element inside Data. */
export interface MarkupTag {
  readonly name: string;
  /** Undefined where the tag is not from the element table; it inherits the namespace around it. */
  readonly page: Page | undefined;
  /** As they stand in the XML tag, each after a space. */
  readonly attributes: string;
}

const NAME = /^[A-Za-z_][\w.-]*$/;

/** The tag of a row of the element table. */
export function tagOfType({ localName, page }: ElementType, outer: Page | undefined): MarkupTag {
  return { name: localName, page, attributes: page === outer ? '' : ` xmlns="${NAMESPACES[page]}"` };
}

/** A name as XML can hold it, without its prefix, which nothing declares; undefined for any other. */
export function markupName(literal: string): string | undefined {
  const name = literal.slice(literal.indexOf(':') + 1);
  return NAME.test(name) ? name : undefined;
}

/** An element inside Data as the XML text that it is there. */
export function markupOf({ name, attributes }: MarkupTag, content: string): string {
  return content === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

/** Text beside markup, escaped; undefined where XML cannot hold it. */
export function escapedText(piece: string | Uint8Array): string | undefined {
  if (typeof piece !== 'string' && !isUtf8(piece)) return undefined;
  const text = typeof piece === 'string' ? piece : Buffer.from(piece).toString();
  if (!isXmlText(text)) return undefined;
  return text.replace(/[&<>"\r]/g, (character) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};
