import { characterData } from './character-data.ts';
import type { XmlInput } from './input.ts';
import { isName, NAME, readEndTag, readStartTag, type Scope, scopeOf } from './tag.ts';
import { GREATER } from './words.ts';

const COMMENT = '<!--';
const CDATA = '<![CDATA[';
const DOCTYPE = '<!DOCTYPE';
const INSTRUCTION = new RegExp(`<\\?(${NAME})(?:[ \\t\\r\\n]|\\?>)`, 'y');
const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])1\.[0-9]+\1(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])([A-Za-z][\w.-]*)\2)?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(?:yes|no)\4)?[ \t\r\n]*\?>$/;

/** What a `<` begins. */
export type Markup = 'startTag' | 'endTag' | 'comment' | 'cdata' | 'instruction' | 'doctype';

/** What begins at the `<` of an index. */
export function markupAt(input: XmlInput, start: number): Markup {
  const { characters, octets } = input;
  switch (octets[start + 1]) {
    case 0x2f:
      return 'endTag';
    case 0x3f:
      return 'instruction';
    case 0x21:
      if (characters.startsWith(COMMENT, start)) return 'comment';
      if (characters.startsWith(CDATA, start)) return 'cdata';
      if (characters.startsWith(DOCTYPE, start)) return 'doctype';
      throw input.error('XML_SYNTAX', "'<!' does not begin a comment or a CDATA section", start);
    default:
      return 'startTag';
  }
}

/** Index behind the comment. */
export function commentEnd(input: XmlInput, start: number): number {
  const dashes = input.find('--', start + COMMENT.length, 'a comment');
  if (input.octets[dashes + 2] === GREATER) return dashes + 3;
  if (dashes + 2 >= input.octets.length) throw input.error('XML_TRUNCATED', 'document ends inside a comment', dashes);
  throw input.error('XML_SYNTAX', "'--' is not allowed in a comment", dashes);
}

/** Where the text of a CDATA section begins and ends, and the index behind the section. */
export function cdataBounds(input: XmlInput, start: number): { textStart: number; textEnd: number; end: number } {
  const textStart = start + CDATA.length;
  const textEnd = input.find(']]>', textStart, 'a CDATA section');
  return { textStart, textEnd, end: textEnd + 3 };
}

/** Index behind a processing instruction, whose content means nothing here. */
export function instructionEnd(input: XmlInput, start: number): number {
  const end = input.find('?>', start + 2, 'a processing instruction') + 2;
  INSTRUCTION.lastIndex = start;
  const target = INSTRUCTION.exec(input.characters)?.[1];
  if (target === undefined || !isName(input, target)) {
    throw input.error('XML_SYNTAX', 'a processing instruction has no name', start);
  }
  if (target.toLowerCase() === 'xml') {
    throw input.error('XML_SYNTAX', 'an XML declaration is allowed at the start of the document only', start);
  }
  return end;
}

/** Index behind the XML declaration, if the document begins with one; it must not name an encoding other than UTF-8. */
export function declarationEnd(input: XmlInput): number {
  if (!/^<\?xml[ \t\r\n?]/.test(input.characters.slice(0, 6))) return 0;
  const end = input.find('?>', 2, 'the XML declaration') + 2;
  const declaration = DECLARATION.exec(input.characters.slice(0, end));
  if (declaration === null) throw input.error('XML_SYNTAX', 'the XML declaration is malformed', 0);
  const encoding = declaration[3];
  if (encoding !== undefined && !/^(utf-?8|us-ascii)$/i.test(encoding)) {
    throw input.error('XML_ENCODING', 'the XML declaration names an encoding other than UTF-8', 0);
  }
  return end;
}

/** Index behind a DOCTYPE; refused on the wire, and when it declares entities. */
export function doctypeEnd(input: XmlInput, start: number): number {
  if (input.mode === 'wire') throw input.error('XML_DOCTYPE', 'a DOCTYPE is not allowed in a message', start);
  let end = input.find('>', start, 'a DOCTYPE');
  const subset = input.characters.indexOf('[', start);
  if (subset < 0 || subset > end) return end + 1;
  const subsetEnd = input.find(']', subset, 'a DOCTYPE');
  if (input.characters.slice(subset, subsetEnd).includes('<!ENTITY')) {
    throw input.error('XML_DOCTYPE', 'a DOCTYPE that declares entities is not accepted', start);
  }
  end = input.find('>', subsetEnd, 'a DOCTYPE');
  return end + 1;
}

/** Index behind a whole element of any vocabulary; its markup must be well-formed. */
export function elementEnd(input: XmlInput, start: number, outer: Scope | undefined): number {
  const open: { readonly name: string; readonly known: number; readonly scope: Scope | undefined }[] = [];
  let at = start;
  do {
    switch (markupAt(input, at)) {
      case 'startTag': {
        input.countElement(at);
        const scope = open.at(-1)?.scope ?? outer;
        const tag = readStartTag(input, at, scope);
        at += tag.length;
        if (!tag.isEmpty) open.push({ name: tag.name, known: tag.known, scope: scopeOf(tag, scope) });
        input.checkDepth(open.length, start);
        break;
      }
      case 'endTag': {
        const { name, known } = open.pop() ?? { name: '', known: 0 };
        at = readEndTag(input, at, name, known);
        break;
      }
      case 'comment':
        at = commentEnd(input, at);
        break;
      case 'cdata':
        at = cdataBounds(input, at).end;
        break;
      case 'instruction':
        at = instructionEnd(input, at);
        break;
      case 'doctype':
        throw input.error('XML_SYNTAX', 'a DOCTYPE is not allowed inside an element', at);
    }
    if (open.length > 0) {
      const next = input.findMarkup(at, open.at(-1)?.name ?? '');
      characterData(input, at, next);
      at = next;
    }
  } while (open.length > 0);
  return at;
}
