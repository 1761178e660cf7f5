import { isXmlCodePoint } from './characters.ts';
import type { XmlInput } from './input.ts';

/** `#x10FFFF` and many leading zeros. */
const MAX_REFERENCE_CHARS = 64;

/** Character data between two indices: line ends are LF, references are what they stand for. */
export function characterData(input: XmlInput, start: number, end: number): string {
  const wrong = input.hasSectionEnd ? input.characters.slice(start, end).indexOf(']]>') : -1;
  if (wrong >= 0) throw input.error('XML_SYNTAX', "']]>' is not allowed in text", start + wrong);
  return attributeValue(input, start, end);
}

/** An attribute value between two indices. */
export function attributeValue(input: XmlInput, start: number, end: number): string {
  return input.hasReference(start, end) ? resolved(input, start, end) : verbatim(input, start, end);
}

/** Text taken as it stands, with LF as line end. */
export function verbatim(input: XmlInput, start: number, end: number): string {
  const text = input.text(start, end);
  return input.hasReturn ? text.replace(/\r\n?/g, '\n') : text;
}

/** There is a reference. */
function resolved(input: XmlInput, start: number, end: number): string {
  const { characters } = input;
  let text = '';
  let from = start;
  for (;;) {
    const ampersand = characters.indexOf('&', from);
    if (ampersand < 0 || ampersand >= end) return text + verbatim(input, from, end);
    const semicolon = characters.indexOf(';', ampersand);
    const isShort = semicolon > 0 && semicolon < end && semicolon - ampersand < MAX_REFERENCE_CHARS;
    const character = isShort ? referenced(characters.slice(ampersand + 1, semicolon)) : undefined;
    if (character === undefined) {
      const message = "'&' does not start a character reference or one of &amp; &lt; &gt; &quot; &apos;";
      throw input.error('XML_REFERENCE', message, ampersand);
    }
    text += verbatim(input, from, ampersand) + character;
    from = semicolon + 1;
  }
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
