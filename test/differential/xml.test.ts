import { describe, expect, it } from 'vitest';
import type { Element } from '../../src/protocol/element.ts';
import { elementType, elementTypeOfTag, type ElementType } from '../../src/protocol/elements.ts';
import { DecodeError } from '../../src/protocol/errors.ts';
import { DEFAULT_LIMITS, type DecodeMode } from '../../src/protocol/limits.ts';
import { trimmed } from '../../src/protocol/xml/characters.ts';
import { readXml } from '../../src/protocol/xml/reader.ts';
import { Random, seedOfRun } from './generated.ts';
import { NamespaceIsNoUri, type OtherElement, readWithLibxml2, readWithSaxes } from './other-parsers.ts';
import { mutated, randomDocument, randomMarkupDocument, type XmlDocument } from './xml-documents.ts';

/** Documents of each of the four kinds. */
const DOCUMENTS = 3300;
const MAX_SHARE_LEFT_OUT = 0.2;

/** What is not compared, because our rules for messages go beyond XML, or because XML says nothing of it. */
type LeftOut =
  | 'an element that is not in the table, or stands where none may be'
  | 'text where the table has elements only'
  | 'a DOCTYPE'
  | 'more than the limits allow'
  | 'an encoding other than UTF-8'
  | 'a version of XML other than 1.0'
  | 'a namespace whose name is no URI, which libxml2 minds'
  | 'a question mark in the name of a processing instruction, which saxes lets through'
  | 'a name whose part behind the colon is none, which saxes lets through'
  | 'a NUL at the end of Data, which is let through';

type Verdict =
  | { readonly kind: 'accepted'; readonly root: Element }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'leftOut'; readonly why: LeftOut };

function verdictOf(xml: string, mode: DecodeMode): Verdict {
  if (xml.includes('\0')) return { kind: 'leftOut', why: 'a NUL at the end of Data, which is let through' };
  if (/<\?xml[^>]*version\s*=\s*["']1\.(?!0["'])/.test(xml)) {
    return { kind: 'leftOut', why: 'a version of XML other than 1.0' };
  }
  try {
    const [root] = readXml(Buffer.from(xml), mode, DEFAULT_LIMITS);
    if (root === undefined) throw new Error('a document without root was accepted');
    return { kind: 'accepted', root };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const why = reasonToLeaveOut(error);
    return why === undefined ? { kind: 'refused', code: error.code } : { kind: 'leftOut', why };
  }
}

function reasonToLeaveOut({ code, message }: DecodeError): LeftOut | undefined {
  switch (code) {
    case 'XML_ELEMENT':
      return 'an element that is not in the table, or stands where none may be';
    case 'XML_CONTENT':
      if (message.includes('outside the root')) return undefined;
      return message.includes('text is not allowed')
        ? 'text where the table has elements only'
        : 'an element that is not in the table, or stands where none may be';
    case 'XML_DOCTYPE':
      return 'a DOCTYPE';
    case 'XML_LIMIT':
      return 'more than the limits allow';
    case 'XML_ENCODING':
      return 'an encoding other than UTF-8';
    default:
      return undefined;
  }
}

type Parser = (xml: string) => OtherElement | undefined;

const withNamespaces: Parser = (xml) => readWithSaxes(xml, true);

/** The lines of a tree as they see it, read as the element table says. */
function theirTree(element: OtherElement, type: ElementType, indent = ''): string {
  const head = `${indent}${element.name}`;
  if (type.content === 'data' && element.children.length > 0) return `${head} ${markupTree(element)}`;
  if (type.content === 'data') return `${head} ${JSON.stringify(element.text)}`;
  if (element.children.length === 0) return `${head} ${JSON.stringify(trimmed(element.text))}`;
  const children = element.children.flatMap((child) => {
    const childType = elementTypeOfTag(child.name, type, undefined);
    // In Meta, what is unknown is left out.
    return childType === undefined ? [] : [theirTree(child, childType, `${indent} `)];
  });
  return [children.length === 0 ? `${head} ""` : head, ...children].join('\n');
}

/** The same of ours; markup in Data, which we keep as text, is read by their parser. */
function ourTree(element: Element, declarations: string, parser: Parser, indent = ''): string {
  const { localName, content } = elementType(element.name);
  const head = `${indent}${localName}`;
  const { children, text } = element;
  if (children.length > 0) {
    return [head, ...children.map((child) => ourTree(child, declarations, parser, `${indent} `))].join('\n');
  }
  const markup = content === 'data' ? parser(`<Data${declarations}>${String(text)}</Data>`) : undefined;
  if (markup !== undefined && markup.children.length > 0) return `${head} ${markupTree(markup)}`;
  return `${head} ${JSON.stringify(text)}`;
}

function markupTree({ text, children }: OtherElement): string {
  return JSON.stringify({ text, children });
}

/** Whether a Data holds what looks like markup in our tree, and is text for them: escaped, or CDATA. */
function isSameTree(ours: Element, theirs: OtherElement, { declarations }: XmlDocument, parser: Parser): boolean {
  const expected = withoutLeadingMark(theirTree(theirs, elementType(ours.name)));
  const noMarkup: Parser = () => undefined;
  return [parser, noMarkup].some((each) => withoutLeadingMark(ourTree(ours, declarations, each)) === expected);
}

/** libxml2-wasm takes U+FEFF at the start of any text for a byte order mark. */
function withoutLeadingMark(tree: string): string {
  return tree.replace(/"\ufeff+/g, '"');
}

function libxml2Of(xml: string): OtherElement | 'namespace is no URI' | undefined {
  try {
    return readWithLibxml2(xml);
  } catch (error) {
    if (error instanceof NamespaceIsNoUri) return 'namespace is no URI';
    throw error;
  }
}

interface Difference {
  readonly parser: 'saxes' | 'libxml2';
  readonly xml: string;
  readonly what: string;
}

/** What both made of a document. */
interface Others {
  readonly saxes: OtherElement | undefined;
  readonly libxml2: OtherElement | 'namespace is no URI' | undefined;
}

/** What saxes 6.0.0 accepts, against XML and libxml2. */
function saxesLetsThrough(xml: string): LeftOut | undefined {
  if (/<\?[^\s?>]+\?[^>]/.test(xml)) {
    return 'a question mark in the name of a processing instruction, which saxes lets through';
  }
  const hasOddName = /[<\s/][^\s<>="']*:(?![\p{L}_])/u.test(xml);
  return hasOddName ? 'a name whose part behind the colon is none, which saxes lets through' : undefined;
}

function whyNotCompared(xml: string, verdict: Verdict, { saxes, libxml2 }: Others): LeftOut | undefined {
  if (verdict.kind === 'leftOut') return verdict.why;
  if (verdict.kind === 'refused') {
    return saxes !== undefined && libxml2 === undefined ? saxesLetsThrough(xml) : undefined;
  }
  return libxml2 === 'namespace is no URI' ? 'a namespace whose name is no URI, which libxml2 minds' : undefined;
}

function difference(document: XmlDocument, verdict: Verdict, { saxes, libxml2 }: Others): Difference | undefined {
  const { xml } = document;
  if (verdict.kind === 'leftOut') return undefined;
  if (verdict.kind === 'refused') {
    const what = `accepts, we refuse: ${verdict.code}`;
    if (saxes !== undefined) return { parser: 'saxes', xml, what };
    // libxml2 may go on after what only namespaces forbid; saxes without namespaces says whether it is only that.
    const isAccepted = libxml2 !== undefined && libxml2 !== 'namespace is no URI';
    return isAccepted && readWithSaxes(xml, false) === undefined ? { parser: 'libxml2', xml, what } : undefined;
  }
  if (saxes === undefined) return { parser: 'saxes', xml, what: 'refuses, we accept' };
  if (libxml2 === undefined) return { parser: 'libxml2', xml, what: 'refuses, we accept' };
  const { root } = verdict;
  if (!isSameTree(root, saxes, document, withNamespaces)) return { parser: 'saxes', xml, what: 'sees another tree' };
  if (libxml2 !== 'namespace is no URI' && !isSameTree(root, libxml2, document, readWithLibxml2)) {
    return { parser: 'libxml2', xml, what: 'sees another tree' };
  }
  return undefined;
}

describe('XML as saxes and libxml2 read it', () => {
  const seed = seedOfRun();
  const random = new Random(seed);
  const leftOut = new Map<LeftOut, number>();
  let compared = 0;
  let refused = 0;

  const kinds: readonly (readonly [string, () => XmlDocument])[] = [
    ['documents of the element table', () => randomDocument(random)],
    ['documents of the element table with changes', () => mutated(random, randomDocument(random))],
    ['markup in Data', () => randomMarkupDocument(random)],
    ['markup in Data with changes', () => mutated(random, randomMarkupDocument(random))],
  ];

  it.each(kinds)('%s: they accept, refuse and see the same', (what, generate) => {
    const differences: Difference[] = [];
    for (let count = 0; count < DOCUMENTS; count += 1) {
      const document = generate();
      const verdict = verdictOf(document.xml, 'wire');
      const others = { saxes: withNamespaces(document.xml), libxml2: libxml2Of(document.xml) };
      const why = whyNotCompared(document.xml, verdict, others);
      if (why === undefined) compared += 1;
      else leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
      if (verdict.kind === 'refused') refused += 1;
      const found = why === undefined ? difference(document, verdict, others) : undefined;
      if (found !== undefined) differences.push(found);
      // What a peer may send, a file may hold.
      if (verdict.kind === 'accepted') expect(verdictOf(document.xml, 'file')).toEqual(verdict);
    }
    expect(differences.slice(0, 3), `seed ${seed}: ${differences.length} differences in ${what}`).toEqual([]);
  });

  it(`compares nearly all of them (seed ${seed})`, () => {
    const total = kinds.length * DOCUMENTS;
    const share = 1 - compared / total;
    process.stdout.write(
      `XML: seed ${seed}, ${total} documents, ${compared} compared, ${refused} of these refused, ` +
        `left out ${(100 * share).toFixed(1)} %: ${JSON.stringify(Object.fromEntries(leftOut))}\n`,
    );
    expect(share).toBeLessThan(MAX_SHARE_LEFT_OUT);
    expect(refused).toBeGreaterThan(total / 20);
  });
});
