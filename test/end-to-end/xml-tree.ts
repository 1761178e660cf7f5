import { SaxesParser } from 'saxes';

/** An element as any XML parser sees it: namespace and local name, and what is inside in its order. */
export interface XmlTree {
  /** `{namespace}name`. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Elements and text. White space between elements is left out, adjacent pieces of text are one. */
  readonly children: readonly (XmlTree | string)[];
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: (XmlTree | string)[];
}

/** Reads a document with a parser that is not ours; throws where it is not well-formed. */
export function xmlTree(text: string): XmlTree {
  const parser = new SaxesParser({ xmlns: true });
  const root: OpenElement = { name: '', attributes: {}, children: [] };
  const open = [root];
  const addText = (piece: string): void => {
    const { children } = open.at(-1)!;
    const last = children.at(-1);
    if (typeof last === 'string') children[children.length - 1] = last + piece;
    else children.push(piece);
  };
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ uri, local, attributes }) => {
    const own = Object.values(attributes).filter(({ prefix, local: name }) => prefix !== 'xmlns' && name !== 'xmlns');
    open.push({
      name: `{${uri}}${local}`,
      attributes: Object.fromEntries(own.map(({ uri: space, local: name, value }) => [`{${space}}${name}`, value])),
      children: [],
    });
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const { children, ...element } = open.pop()!;
    open.at(-1)!.children.push({ ...element, children: withoutLayout(children) });
  });
  parser.write(text).close();
  const [only] = root.children.filter((child) => typeof child !== 'string');
  return only!;
}

/** In SyncML an element holds elements or text: white space beside elements is layout. */
function withoutLayout(children: readonly (XmlTree | string)[]): (XmlTree | string)[] {
  if (children.every((child) => typeof child === 'string')) return [...children];
  return children.filter((child) => typeof child !== 'string' || child.trim() !== '');
}
