import type { Element } from '../element.ts';
import { type Content, ELEMENT_TYPES, type ElementName, NAMESPACES, type Page } from '../elements.ts';
import { DmError } from '../errors.ts';
import type { Data } from '../message/message.ts';
import { isXmlText } from './characters.ts';
import { asXmlItem, base64 } from './octets.ts';

interface Tags {
  readonly page: Page;
  readonly content: Content;
  readonly open: string;
  /** Where the namespace changes. */
  readonly openWithNamespace: string;
  readonly close: string;
}

const TAGS: ReadonlyMap<string, Tags> = new Map(
  ELEMENT_TYPES.map(({ name, localName, page, content }) => [
    name,
    {
      page,
      content,
      open: `<${localName}`,
      openWithNamespace: `<${localName} xmlns="${NAMESPACES[page]}"`,
      close: `</${localName}>`,
    },
  ]),
);
const NEEDS_CARE = /[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** Writes root elements as XML without any white space of its own, each with its namespace. [REPPRO 5] */
export function writeXml(elements: readonly Element[]): string {
  let xml = '';
  for (const element of elements) xml += xmlOf(element, undefined);
  return xml;
}

/** One element as it stands inside an element of a code page. */
export function xmlOf(element: Element, outerPage: Page | undefined): string {
  const tags = TAGS.get(element.name);
  if (tags === undefined) throw new DmError('ELEMENT_UNKNOWN', `${element.name} is not in the element table`);
  const { children, text } = element.name === 'Item' ? asXmlItem(element) : element;
  const open = tags.page === outerPage ? tags.open : tags.openWithNamespace;
  if (children.length === 0)
    return text.length === 0 ? `${open}/>` : `${open}>${escaped(text, element.name, tags.content)}${tags.close}`;
  let xml = `${open}>`;
  for (const child of children) xml += xmlOf(child, tags.page);
  return xml + tags.close;
}

function escaped(text: Data, name: ElementName, content: Content): string {
  if (typeof text === 'string') {
    if (!NEEDS_CARE.test(text)) return text;
    if (isXmlText(text)) return text.replace(/[&<>\r]/g, (character) => ESCAPES[character] ?? character);
  }
  if (content === 'data') return base64(text);
  throw new DmError('XML_CHARACTER', `${name} holds a character that XML text cannot hold`);
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
