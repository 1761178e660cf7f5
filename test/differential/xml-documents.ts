import type { Element } from '../../src/protocol/element.ts';
import { elementType, NAMESPACES } from '../../src/protocol/elements.ts';
import { type Random, randomElement } from './generated.ts';

/** One generated document and what its start tag declares, so that a part of it can be read alone. */
export interface XmlDocument {
  readonly xml: string;
  readonly declarations: string;
}

const ROOTS = ['SyncML', 'SyncBody', 'Status', 'Results', 'Add', 'Atomic', 'ddf:MgmtTree', 'devinf:DevInf'] as const;

/** A document of the element table, written in one of the many ways XML allows. */
export function randomDocument(random: Random): XmlDocument {
  const root = randomElement(random, elementType(random.pick(ROOTS)), 2 + random.below(3));
  const prefixes = Array.from(Object.values(NAMESPACES), (_namespace, page) =>
    page === elementType(root.name).page && random.oneIn(2) ? '' : `p${page}`,
  );
  const writer = new DocumentWriter(random, prefixes);
  const declarations = prefixes
    .map((prefix, page) =>
      writer.attribute(prefix === '' ? 'xmlns' : `xmlns:${prefix}`, Object.values(NAMESPACES)[page]!),
    )
    .join('');
  const prolog = random.pick([
    '',
    '',
    '<?xml version="1.0"?>',
    "<?xml version='1.0'  encoding='UTF-8' standalone='yes' ?>\n",
  ]);
  const outside = (): string => random.pick(['', '', '\n', '<!-- c -->', '<?p i?>\r\n']);
  const bom = random.oneIn(20) ? '\ufeff' : '';
  return { xml: `${bom}${prolog}${outside()}${writer.element(root, declarations)}${outside()}`, declarations };
}

/** Data around markup of any vocabulary: nothing is unknown there. */
export function randomMarkupDocument(random: Random): XmlDocument {
  const writer = new DocumentWriter(random, ['']);
  const declarations = ' xmlns:q="urn:q" xmlns:r="urn:r" xmlns:q2="urn:q"';
  return { xml: `<Item${declarations}><Data>${writer.anyMarkup(4)}</Data></Item>`, declarations };
}

const INSERTS = [
  ...['<', '>', '&', ';', '"', "'", '/', '=', '!', '?', '[', ']', '-', '#', ':', ' ', '\n', '\r', 'x', '0', '\u0001'],
  ...[
    '\ufffe',
    '\u00d7',
    '\u037e',
    '\u{1f600}',
    '<!--',
    '-->',
    '--',
    '<![CDATA[',
    ']]>',
    '<?',
    '?>',
    '<?xml version="1.0"?>',
  ],
  ...[
    '&#',
    '&#x',
    '&#0;',
    '&#x41;',
    '&#X41;',
    '&#x110000;',
    '&#xD800;',
    '&amp;',
    '&nope;',
    '</',
    '/>',
    '<a>',
    '</a>',
    '<a/>',
  ],
  ...[
    ' xmlns=""',
    ' xmlns:y=""',
    ' xmlns:xml="urn:x"',
    ' xmlns:xmlns="urn:x"',
    ' a="1"',
    ' a="1" a="2"',
    ' u:a="1"',
    '\u200d',
  ],
];

/** A document with one or two small changes, well-formed or not. */
export function mutated(random: Random, { xml, declarations }: XmlDocument): XmlDocument {
  let changed = xml;
  for (let count = 1 + random.below(2); count > 0; count -= 1) {
    const at = random.below(changed.length + 1);
    const end = Math.min(changed.length, at + random.below(4));
    switch (random.below(4)) {
      case 0:
        changed = changed.slice(0, at) + changed.slice(end);
        break;
      case 1:
        changed = changed.slice(0, end) + changed.slice(at);
        break;
      default:
        changed = changed.slice(0, at) + random.pick(INSERTS) + changed.slice(at);
    }
  }
  // A letter may have been cut in two.
  return { xml: Buffer.from(changed).toString(), declarations };
}

const NAMES = ['a', 'b', '_', 'ä', 'x-y.z', '日', '\u{10000}', 'q:a', 'r:a', 'A\u0300', 'Data', 'Item'] as const;
const ATTRIBUTES = ['a', 'b', 'q:a', 'r:a', 'xml:lang', 'xmlns:s', 'xmlns'] as const;

class DocumentWriter {
  readonly #random: Random;
  readonly #prefixes: readonly string[];

  constructor(random: Random, prefixes: readonly string[]) {
    this.#random = random;
    this.#prefixes = prefixes;
  }

  element({ name, children, text }: Element, declarations = ''): string {
    const random = this.#random;
    const { localName, page, content } = elementType(name);
    const prefix = this.#prefixes[page] ?? '';
    const tag = prefix === '' ? localName : `${prefix}:${localName}`;
    const attributes = declarations + (random.oneIn(20) ? this.attribute('id', 'a&<b') : '');
    const blank = random.oneIn(10) ? random.pick([' ', '\n', '\t', '\r\n']) : '';
    const inner = children.length > 0 ? this.#children(children) : this.#text(String(text), content === 'empty');
    if (inner === '' && random.oneIn(2)) return `<${tag}${attributes}${blank}/>`;
    return `<${tag}${attributes}${blank}>${inner}</${tag}${blank}>`;
  }

  attribute(name: string, value: string): string {
    const quote = this.#random.pick(['"', "'"]);
    const escaped = value.replace(/[&<"']/g, (character) => `&#${character.codePointAt(0)};`);
    const [before, around] = this.#random.oneIn(5) ? ['\n ', ' '] : [' ', ''];
    return `${before}${name}${around}=${around}${quote}${escaped}${quote}`;
  }

  /** A piece of XML of no particular vocabulary, well-formed. */
  anyMarkup(depth: number): string {
    const random = this.#random;
    const pieces = Array.from({ length: random.below(4) }, () => {
      if (depth > 0 && random.oneIn(2)) return this.#anyElement(depth);
      return random.pick(['x', ' ', '\r\n', '&lt;', '&#x1F600;', '<!-- - -->', '<?p q?>', '<![CDATA[<&]]>', 'ü']);
    });
    return pieces.join('');
  }

  #anyElement(depth: number): string {
    const random = this.#random;
    const name = random.pick(NAMES);
    const names = new Set(Array.from({ length: random.below(3) }, () => random.pick(ATTRIBUTES)));
    const attributes = Array.from(names, (each) => this.attribute(each, random.pick(['urn:q', 'urn:r', 'urn:v'])));
    const inner = this.anyMarkup(depth - 1);
    return inner === '' ? `<${name}${attributes.join('')}/>` : `<${name}${attributes.join('')}>${inner}</${name}>`;
  }

  #children(children: readonly Element[]): string {
    const random = this.#random;
    const layout = (): string =>
      random.oneIn(6)
        ? random.pick([' ', '\r\n\t', '<!--\u00a0-->', '<?target some="thing"?>', '\n<!-- < & -->\n'])
        : '';
    return children.map((child) => layout() + this.element(child)).join('') + layout();
  }

  #text(text: string, isEmpty: boolean): string {
    const random = this.#random;
    if (isEmpty) return random.oneIn(10) ? random.pick(['<!---->', ' ', '<?p?>']) : '';
    if (random.oneIn(8) && !text.includes(']]>')) return `<![CDATA[${text}]]>`;
    const pieces = Array.from(text, (character) => this.#character(character));
    if (random.oneIn(15))
      pieces.splice(random.below(pieces.length + 1), 0, random.pick(['<!-- c -->', '<?p?>', '<![CDATA[]]>']));
    return pieces.join('');
  }

  #character(character: string): string {
    const random = this.#random;
    const code = character.codePointAt(0)!;
    if (random.oneIn(30)) return `&#x${code.toString(16).padStart(1 + random.below(6), '0')};`;
    if (character === '&') return random.pick(['&amp;', '&#38;']);
    if (character === '<') return random.pick(['&lt;', '&#x3C;']);
    if (character === '>') return '&gt;';
    if (character === '"') return random.pick(['"', '&quot;']);
    if (character === "'") return random.pick(["'", '&apos;']);
    return character === '\n' ? random.pick(['\n', '\r\n', '\r']) : character;
  }
}
