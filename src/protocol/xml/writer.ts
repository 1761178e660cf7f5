import { dtdVersionOf, type Element } from '../element.ts';
import {
  type Content,
  type DtdVersion,
  ELEMENT_TYPES,
  type ElementName,
  NAMESPACES,
  type Page,
  SYNCML_NAMESPACES,
} from '../elements.ts';
import { DmError } from '../errors.ts';
import type { Data } from '../message/message.ts';
import { isPlainXml, isXmlText } from './characters.ts';
import { asXmlItem, base64 } from './octets.ts';

interface Tags {
  readonly page: Page;
  readonly content: Content;
  readonly open: string;
  /** Where the namespace changes. */
  readonly openWithNamespace: string;
  readonly close: string;
}

type TagsByName = ReadonlyMap<string, Tags>;

const TAGS: Readonly<Record<DtdVersion, TagsByName>> = {
  '1.0': tagsOf('1.0'),
  '1.1': tagsOf('1.1'),
  '1.2': tagsOf('1.2'),
};

function tagsOf(dtd: DtdVersion): TagsByName {
  return new Map(
    ELEMENT_TYPES.map(({ name, localName, page, content }) => [
      name,
      {
        page,
        content,
        open: `<${localName}`,
        openWithNamespace: `<${localName} xmlns="${page === 0 ? SYNCML_NAMESPACES[dtd] : NAMESPACES[page]}"`,
        close: `</${localName}>`,
      },
    ]),
  );
}

/** Writes root elements as XML without any white space of its own, each with the namespace of its version. [REPPRO 5] */
export function writeXml(elements: readonly Element[]): string {
  let xml = '';
  for (const element of elements) xml += xmlOf(element, undefined, TAGS[dtdVersionOf(element)]);
  return xml;
}

/** One element as it stands inside an element of a page. */
export function xmlOf(element: Element, outerPage: Page | undefined, tagsByName: TagsByName = TAGS['1.2']): string {
  const tags = tagsByName.get(element.name);
  if (tags === undefined) throw new DmError('ELEMENT_UNKNOWN', `${element.name} is not in the element table`);
  const { children, text } = element.name === 'Item' ? asXmlItem(element) : element;
  const open = tags.page === outerPage ? tags.open : tags.openWithNamespace;
  if (children.length === 0)
    return text.length === 0 ? `${open}/>` : `${open}>${escaped(text, element.name, tags.content)}${tags.close}`;
  let xml = `${open}>`;
  for (const child of children) xml += xmlOf(child, tags.page, tagsByName);
  return xml + tags.close;
}

function escaped(text: Data, name: ElementName, content: Content): string {
  if (typeof text === 'string') {
    if (isPlainXml(text)) return text;
    if (isXmlText(text)) return text.replace(/[&<>\r]/g, (character) => ESCAPES[character] ?? character);
  }
  if (content === 'data') return base64(text);
  throw new DmError('XML_CHARACTER', `${name} holds a character that XML text cannot hold`);
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
