import { isXmlCodePoint } from './characters.ts';
import type { XmlInput } from './input.ts';

/** `#x10FFFF` and many leading zeros. */
const MAX_REFERENCE_CHARS = 64;

/** Character data between two indices: line ends are LF, references are what they stand for. */
export function characterData(input: XmlInput, start: number, end: number): string {
  const raw = input.text.slice(start, end);
  const wrong = input.hasSectionEnd ? raw.indexOf(']]>') : -1;
  if (wrong >= 0) throw input.error('XML_SYNTAX', "']]>' is not allowed in text", start + wrong);
  return resolved(input, raw, start);
}

/** An attribute value between two indices. */
export function attributeValue(input: XmlInput, start: number, end: number): string {
  return resolved(input, input.text.slice(start, end), start);
}

/** Text taken as it stands, with LF as line end. */
export function verbatim(input: XmlInput, start: number, end: number): string {
  return withLineFeeds(input, input.text.slice(start, end));
}

function withLineFeeds({ hasReturn }: XmlInput, raw: string): string {
  return hasReturn ? raw.replace(/\r\n?/g, '\n') : raw;
}

function resolved(input: XmlInput, raw: string, start: number): string {
  let ampersand = input.hasReference(start, start + raw.length) ? raw.indexOf('&') : -1;
  if (ampersand < 0) return withLineFeeds(input, raw);
  let text = '';
  let from = 0;
  while (ampersand >= 0) {
    const semicolon = raw.indexOf(';', ampersand);
    const isShort = semicolon > 0 && semicolon - ampersand < MAX_REFERENCE_CHARS;
    const character = isShort ? referenced(raw.slice(ampersand + 1, semicolon)) : undefined;
    if (character === undefined) {
      const message = "'&' does not start a character reference or one of &amp; &lt; &gt; &quot; &apos;";
      throw input.error('XML_REFERENCE', message, start + ampersand);
    }
    text += withLineFeeds(input, raw.slice(from, ampersand)) + character;
    from = semicolon + 1;
    ampersand = raw.indexOf('&', from);
  }
  return text + withLineFeeds(input, raw.slice(from));
}

function referenced(name: string): string | undefined {
  switch (name) {
    case 'amp':
      return '&';
    case 'lt':
      return '<';
    case 'gt':
      return '>';
    case 'quot':
      return '"';
    case 'apos':
      return "'";
  }
  const [, hex, decimal] = /^#(?:x([0-9A-Fa-f]+)|([0-9]+))$/.exec(name) ?? [];
  const code = hex !== undefined ? parseInt(hex, 16) : decimal !== undefined ? Number(decimal) : NaN;
  return isXmlCodePoint(code) ? String.fromCodePoint(code) : undefined;
}
