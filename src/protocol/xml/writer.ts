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
  /** Start tag. */
  readonly open: string;
  /** Start tag where the namespace changes. */
  readonly openWithNamespace: string;
  readonly close: string;
  /** The element without content. */
  readonly empty: string;
  readonly emptyWithNamespace: string;
}

type TagsByName = ReadonlyMap<string, Tags>;

const TAGS: Readonly<Record<DtdVersion, TagsByName>> = {
  '1.0': tagsOf('1.0'),
  '1.1': tagsOf('1.1'),
  '1.2': tagsOf('1.2'),
};

function tagsOf(dtd: DtdVersion): TagsByName {
  return new Map(
    ELEMENT_TYPES.map(({ name, localName, page, content }) => {
      const withNamespace = `${localName} xmlns="${page === 0 ? SYNCML_NAMESPACES[dtd] : NAMESPACES[page]}"`;
      return [
        name,
        {
          page,
          content,
          open: `<${localName}>`,
          openWithNamespace: `<${withNamespace}>`,
          close: `</${localName}>`,
          empty: `<${localName}/>`,
          emptyWithNamespace: `<${withNamespace}/>`,
        },
      ];
    }),
  );
}

/** Writes root elements as XML without any white space of its own, each with the namespace of its version. [REPPRO 5] */
export function writeXml(elements: readonly Element[]): string {
  let xml = '';
  for (const element of elements) xml += xmlOf(element, undefined, dtdVersionOf(element));
  return xml;
}

/** What an element is written with in documents of that version. Throws `DmError` ELEMENT_UNKNOWN. */
export function tagsOfElement(name: ElementName, dtd: DtdVersion): Tags {
  const tags = TAGS[dtd].get(name);
  if (tags === undefined) throw new DmError('ELEMENT_UNKNOWN', `${name} is not in the element table`);
  return tags;
}

/** One element as it stands inside an element of a page. */
export function xmlOf(element: Element, outerPage: Page | undefined, dtd: DtdVersion = '1.2'): string {
  const tags = tagsOfElement(element.name, dtd);
  const { children, text } = element.name === 'Item' ? asXmlItem(element) : element;
  const isSamePage = tags.page === outerPage;
  if (children.length === 0 && text.length === 0) return isSamePage ? tags.empty : tags.emptyWithNamespace;
  const open = isSamePage ? tags.open : tags.openWithNamespace;
  if (children.length === 0) return open + textXml(text, element.name, tags.content) + tags.close;
  let xml = open;
  for (const child of children) xml += xmlOf(child, tags.page, dtd);
  return xml + tags.close;
}

/** Text or octets as they stand between the tags of a leaf. Throws `DmError` XML_CHARACTER where neither way can hold them. */
export function textXml(text: Data, name: ElementName, content: Content): string {
  if (typeof text === 'string') {
    if (isPlainXml(text)) return text;
    if (isXmlText(text)) return text.replace(/[&<>\r]/g, (character) => ESCAPES[character] ?? character);
  }
  if (content === 'data') return base64(text);
  throw new DmError('XML_CHARACTER', `${name} holds a character that XML text cannot hold`);
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
