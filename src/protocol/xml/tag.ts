import { ELEMENT_TYPES, LOCAL_NAMES, NAMESPACES, type Page } from '../elements.ts';
import { attributeValue } from './character-data.ts';
import type { XmlInput } from './input.ts';
import { closesAt, declarationLength, GREATER, nameAt, nameLength, SLASH, SPACE } from './words.ts';

const NAME_START =
  'A-Z_a-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c-\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}';
const NAME_PART = `[${NAME_START}][\\u0300-\\u036f${NAME_START}\\-.0-9\\u00b7\\u203f-\\u2040]*`;
/** Names with and without a prefix, as XML and its namespaces define them. */
const EXACT_NAME = new RegExp(`^(?:${NAME_PART}:)?${NAME_PART}`, 'u');
/** What may be a name without a colon, as octets: all of what is not ASCII may be in it. */
export const NAME = '[A-Z_a-z\\x80-\\xff][A-Z_a-z\\-.0-9\\x80-\\xff]*';
const QUALIFIED_NAME = new RegExp(`(?:(${NAME}):)?(${NAME})`, 'y');
const BLANK = '[ \\t\\r\\n]';
const ATTRIBUTE = new RegExp(`${BLANK}+(?:(${NAME}):)?(${NAME})${BLANK}*=${BLANK}*(?:"([^"<]*)"|'([^'<]*)')`, 'y');
const TAG_END = new RegExp(`${BLANK}*(/?)>`, 'y');
const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';
/** More than any peer has use for; bounds the work on a hostile tag. */
const MAX_ATTRIBUTES = 64;

/** Namespace declarations in force, innermost first. The default namespace has the empty prefix. */
export interface Scope {
  readonly namespaces: ReadonlyMap<string, string>;
  readonly parent: Scope | undefined;
}

/** A start tag, or an empty-element tag. What is not for people to read has each octet as a character. */
export interface StartTag {
  /** As written, with its prefix: the end tag must repeat it. */
  readonly name: string;
  /** The number of the name in the element table, 0 if it has a prefix or none. */
  readonly known: number;
  readonly prefix: string;
  readonly localName: string;
  /** What it declares itself. */
  readonly namespaces: Scope['namespaces'] | undefined;
  readonly isEmpty: boolean;
  /** From its `<` to behind its `>`. */
  readonly length: number;
}

/** The tags of one name as nearly all peers write them. */
interface UsualTags {
  readonly plain: StartTag;
  readonly empty: StartTag;
  /** With the namespace of a code page that has the name. */
  readonly declaring: readonly { readonly page: Page; readonly tag: StartTag }[];
}

/** The declarations in force inside an element. */
export function scopeOf({ namespaces }: StartTag, outer: Scope | undefined): Scope | undefined {
  return namespaces === undefined ? outer : { namespaces, parent: outer };
}

/** By the number of the name. */
const USUAL_TAGS: readonly (UsualTags | undefined)[] = LOCAL_NAMES.map((localName, known) =>
  known === 0 ? undefined : usualTags(localName, known),
);

function usualTags(localName: string, known: number): UsualTags {
  const length = localName.length + 2;
  const plain = { name: localName, known, prefix: '', localName, namespaces: undefined, isEmpty: false, length };
  const pages = new Set(ELEMENT_TYPES.filter((type) => type.localName === localName).map(({ page }) => page));
  const declaring = Array.from(pages, (page) => {
    const namespaces = new Map([['', NAMESPACES[page]]]);
    return { page, tag: { ...plain, namespaces, length: length + ` xmlns="${NAMESPACES[page]}"`.length } };
  });
  return { plain, empty: { ...plain, isEmpty: true, length: length + 1 }, declaring };
}

/** Reads the start tag whose `<` stands at an index. Attributes other than namespace declarations mean nothing in SyncML. */
export function readStartTag(input: XmlInput, start: number, outer: Scope | undefined): StartTag {
  const { octets } = input;
  const name = nameAt(octets, start + 1);
  const usual = USUAL_TAGS[name];
  if (usual === undefined) return readAnyStartTag(input, start, outer);
  const end = start + 1 + nameLength(name);
  const code = octets[end];
  if (code === GREATER) return usual.plain;
  if (code === SLASH && octets[end + 1] === GREATER) return usual.empty;
  if (code === SPACE) {
    for (const { page, tag } of usual.declaring) {
      const length = declarationLength(octets, end, page);
      if (length > 0 && octets[end + length] === GREATER) return tag;
    }
  }
  return readAnyStartTag(input, start, outer);
}

function readAnyStartTag(input: XmlInput, start: number, outer: Scope | undefined): StartTag {
  const { characters } = input;
  const qualified = qualifiedNameAt(input, start + 1);
  if (qualified === null) throw input.error('XML_SYNTAX', "'<' is not followed by a tag name", start);
  const [written, prefix = '', localName = ''] = qualified;
  let end = start + 1 + written.length;
  const name = input.text(start + 1, end);
  const attributes = new Set<string>();
  const prefixes = prefix === '' || prefix === 'xml' ? [] : [prefix];
  let prefixed: [prefix: string, localName: string][] | undefined;
  let declared: Map<string, string> | undefined;
  for (;;) {
    ATTRIBUTE.lastIndex = end;
    const attribute = ATTRIBUTE.exec(characters);
    if (attribute === null) break;
    const [, attributePrefix = '', attributeName = '', quoted, single = ''] = attribute;
    const key = `${attributePrefix}:${attributeName}`;
    if (!isName(input, attributePrefix === '' ? attributeName : key)) break;
    end = ATTRIBUTE.lastIndex;
    if (attributes.has(key)) throw input.error('XML_SYNTAX', `<${name}> repeats an attribute`, start);
    if (attributes.size === MAX_ATTRIBUTES) {
      throw input.error('XML_LIMIT', `<${name}> has more than ${MAX_ATTRIBUTES} attributes`, start);
    }
    attributes.add(key);
    const value = attributeValue(input, end - 1 - (quoted ?? single).length, end - 1);
    if (attributePrefix === 'xmlns' || key === ':xmlns') {
      const declaredPrefix = key === ':xmlns' ? '' : attributeName;
      if (!mayDeclare(declaredPrefix, value)) {
        throw input.error('XML_NAMESPACE', `<${name}> declares a namespace that it may not`, start);
      }
      (declared ??= new Map()).set(declaredPrefix, value);
    } else if (attributePrefix !== '') {
      if (attributePrefix !== 'xml') prefixes.push(attributePrefix);
      (prefixed ??= []).push([attributePrefix, attributeName]);
    }
  }
  TAG_END.lastIndex = end;
  const closing = TAG_END.exec(characters);
  if (closing === null) {
    input.find('>', end, `the tag <${name}>`);
    throw input.error('XML_SYNTAX', `the tag <${name}> is malformed`, end);
  }
  const isEmpty = closing[1] === '/';
  const length = TAG_END.lastIndex - start;
  const tag = {
    name,
    known: nameAt(input.octets, start + 1),
    prefix,
    localName,
    namespaces: declared,
    isEmpty,
    length,
  };
  const scope = scopeOf(tag, outer);
  const unbound = prefixes.find((each) => namespaceOf(each, scope) === undefined);
  if (unbound !== undefined && input.mode === 'wire') {
    throw input.error('XML_NAMESPACE', `prefix ${fromOctets(unbound)} of <${name}> is not declared`, start);
  }
  if (prefixed !== undefined && prefixed.length > 1 && repeatsExpandedName(prefixed, scope)) {
    throw input.error('XML_NAMESPACE', `<${name}> repeats an attribute under two prefixes`, start);
  }
  return tag;
}

/** What "Namespaces in XML 1.0" lets a declaration say. */
function mayDeclare(prefix: string, namespace: string): boolean {
  if (prefix === 'xml') return namespace === XML_NAMESPACE;
  if (prefix === 'xmlns' || namespace === XML_NAMESPACE || namespace === XMLNS_NAMESPACE) return false;
  return prefix === '' || namespace !== '';
}

function repeatsExpandedName(attributes: readonly (readonly [string, string])[], scope: Scope | undefined): boolean {
  const names = attributes.map(([prefix, localName]) => `${namespaceOf(prefix, scope) ?? prefix} ${localName}`);
  return new Set(names).size < names.length;
}

/** Index behind the end tag whose `<` stands at an index; it must close `name`. `known`: its number, 0 if it has none. */
export function readEndTag(input: XmlInput, start: number, name: string, known: number): number {
  const { characters, octets } = input;
  if (known !== 0 && closesAt(octets, start, known)) return start + 3 + nameLength(known);
  const afterName = start + 2 + Buffer.byteLength(name);
  if (input.text(start + 2, afterName) === name) {
    TAG_END.lastIndex = afterName;
    if (TAG_END.exec(characters)?.[1] === '') return TAG_END.lastIndex;
  }
  input.find('>', start, `the end tag of <${name}>`);
  const found = fromOctets(qualifiedNameAt(input, start + 2)?.[0] ?? '');
  throw input.error('XML_SYNTAX', `<${name}> is closed by </${found}>`, start);
}

/** The namespace a prefix stands for; the empty prefix is the default namespace. */
export function namespaceOf(prefix: string, scope: Scope | undefined): string | undefined {
  for (let level = scope; level !== undefined; level = level.parent) {
    const namespace = level.namespaces.get(prefix);
    if (namespace !== undefined) return namespace;
  }
  return undefined;
}

/** The longest name at an index, its prefix and what follows that; null: there is none. */
function qualifiedNameAt(input: XmlInput, start: number): RegExpExecArray | null {
  QUALIFIED_NAME.lastIndex = start;
  const found = QUALIFIED_NAME.exec(input.characters);
  if (found === null || input.isAscii) return found;
  const name = beginningName(found[0]);
  QUALIFIED_NAME.lastIndex = 0;
  return QUALIFIED_NAME.exec(Buffer.from(name).toString('latin1'));
}

/** Whether what may be a name, with a prefix or without, is one. */
export function isName({ isAscii }: XmlInput, written: string): boolean {
  return isAscii || beginningName(written) === fromOctets(written);
}

function beginningName(written: string): string {
  return EXACT_NAME.exec(fromOctets(written))?.[0] ?? '';
}

/** The text of what has each octet as a character. */
function fromOctets(written: string): string {
  return Buffer.from(written, 'latin1').toString();
}
