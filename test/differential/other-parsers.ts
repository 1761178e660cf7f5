import { XmlDocument, XmlElement, XmlLibError, XmlXPath } from 'libxml2-wasm';
import { SaxesParser } from 'saxes';

/** An element as a parser that is not ours sees it: local name, text that stands in it directly, elements. */
export interface OtherElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly OtherElement[];
}

/** Reads with saxes; undefined where it refuses. */
export function readWithSaxes(xml: string, hasNamespaces: boolean): OtherElement | undefined {
  const parser = new SaxesParser({ xmlns: hasNamespaces });
  const root = { name: '', text: '', children: [] as OtherElement[] };
  const open: { name: string; text: string; children: OtherElement[] }[] = [root];
  const errors: Error[] = [];
  parser.on('error', (error) => {
    errors.push(error);
  });
  const addText = (text: string): void => {
    open.at(-1)!.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('opentag', (tag) => {
    const element = { name: tag.name.slice(tag.name.indexOf(':') + 1), text: '', children: [] };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    if (open.length > 1) open.pop();
  });
  try {
    parser.write(xml).close();
  } catch (error) {
    // It goes on after an error, and may stumble over what it has made of it.
    if (errors.length === 0) throw error;
  }
  return errors.length > 0 ? undefined : root.children[0];
}

/** Thrown where libxml2 minds nothing but the name of a namespace, which need not be looked at. */
export class NamespaceIsNoUri extends Error {}

const NO_URI = /^xmlns.* is not (?:a valid URI|absolute)|^xmlParsePITarget: invalid name prefix 'xml'/s;

/** Reads with libxml2; undefined where it refuses. */
export function readWithLibxml2(xml: string): OtherElement | undefined {
  let document: XmlDocument;
  try {
    document = XmlDocument.fromBuffer(Buffer.from(xml));
  } catch (error) {
    if (!(error instanceof XmlLibError)) throw error;
    if (error.details.every(({ message }) => NO_URI.test(message))) throw new NamespaceIsNoUri();
    return undefined;
  }
  try {
    return elementOf(document.root);
  } finally {
    document.dispose();
  }
}

/** Its own links lead nowhere from a processing instruction. */
const CHILD_ELEMENTS = XmlXPath.compile('*');

function elementOf(element: XmlElement): OtherElement {
  const children = element.find(CHILD_ELEMENTS).filter((node) => node instanceof XmlElement);
  return { name: element.name, text: element.content, children: children.map(elementOf) };
}
