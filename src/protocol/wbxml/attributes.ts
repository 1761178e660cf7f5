import { DecodeError } from '../errors.ts';
import { isXmlCodePoint } from '../xml/characters.ts';
import type { StringTable, WbxmlInput } from './input.ts';
import { escapedText, markupName } from './markup.ts';
import { isExtension, TOKEN } from './tokens.ts';

/**
 * Reads attributes, up to and with their END, and answers those with a literal name as they stand in an XML tag. SyncML has
 * no attributes of its own; those of other code spaces are passed over. [WBXML 5.8.3]
 */
export function readAttributes(input: WbxmlInput, stringTable: StringTable): string {
  const values = new Map<string, string>();
  let name: string | undefined;
  const add = (value: string | Uint8Array): void => {
    const escaped = name === undefined ? undefined : escapedText(value);
    if (name !== undefined && escaped !== undefined) values.set(name, (values.get(name) ?? '') + escaped);
  };
  /** What is passed over need not exist. */
  const tableString = (): string => {
    const offset = input.integer('attributes');
    return offset < stringTable.length ? input.tableString(stringTable, offset) : '';
  };
  for (;;) {
    const start = input.at;
    const token = input.byte('attributes');
    switch (token) {
      case TOKEN.end:
        return Array.from(values, ([each, value]) => ` ${each}="${value}"`).join('');
      case TOKEN.switchPage:
        input.byte('a code page switch');
        break;
      case TOKEN.literal:
        name = markupName(tableString());
        if (name !== undefined) values.set(name, '');
        break;
      case TOKEN.stringInline:
        add(input.inlineString());
        break;
      case TOKEN.stringTable:
        add(tableString());
        break;
      case TOKEN.opaque:
        add(input.octets(input.integer('the length of opaque data'), 'opaque data'));
        break;
      case TOKEN.entity:
        add(readEntity(input));
        break;
      default:
        if (isExtension(token)) throw extensionError(start);
        // Below 0x80 an attribute begins, above it is a part of a value.
        if (token < 0x80) name = undefined;
    }
  }
}

/** The character of an entity. [WBXML 5.8.4.2] */
export function readEntity(input: WbxmlInput): string {
  const start = input.at;
  const code = input.integer('an entity');
  if (!isXmlCodePoint(code)) {
    throw new DecodeError('WBXML_TEXT', `character U+${code.toString(16)} is not allowed`, start);
  }
  return String.fromCodePoint(code);
}

/** Extension tokens belong to a document type, and no type of SyncML has any. */
export function extensionError(offset: number): DecodeError {
  return new DecodeError('WBXML_TOKEN', 'extension tokens mean nothing in SyncML', offset);
}
