import { DecodeError } from '../errors.ts';
import { type DocumentType, documentTypeOfName, documentTypeOfPublicId, UNKNOWN_PUBLIC_ID } from './documents.ts';
import type { StringTable, WbxmlInput } from './input.ts';
import type { WbxmlOutput } from './output.ts';
import { CHARSET } from './tokens.ts';

/** WBXML version byte: 1, 2 or 3 for WBXML 1.1 to 1.3. */
export type WbxmlVersion = 1 | 2 | 3;

export interface WbxmlHeader {
  readonly version: WbxmlVersion;
  readonly document: DocumentType;
  /** The header does not say what the document is. */
  readonly isUnnamed: boolean;
  readonly stringTable: StringTable;
}

/** Whether a document begins as WBXML does and XML cannot. */
export function looksLikeWbxml(bytes: Uint8Array): boolean {
  const [first = 0] = bytes;
  return first >= 1 && first <= 3;
}

/** Reads version, public identifier, character set and string table. [WBXML 5.4-5.7] */
export function readHeader(input: WbxmlInput): WbxmlHeader {
  const version = input.byte('the header');
  if (version !== 1 && version !== 2 && version !== 3) {
    throw new DecodeError('WBXML_VERSION', 'version byte is none of 01, 02 and 03', 0);
  }
  const publicIdAt = input.at;
  const publicId = input.integer('the public identifier');
  const nameOffset = publicId === 0 ? input.integer('the public identifier') : undefined;
  const numbered = nameOffset === undefined ? documentTypeOfPublicId(publicId) : undefined;
  if (nameOffset === undefined && numbered === undefined) {
    throw new DecodeError('WBXML_PUBLIC_ID', `public identifier 0x${publicId.toString(16)} is not SyncML`, publicIdAt);
  }
  const charsetAt = input.at;
  const charset: number = input.integer('the character set');
  if (charset !== CHARSET.utf8 && charset !== CHARSET.usAscii && charset !== CHARSET.unknown) {
    throw new DecodeError('WBXML_CHARSET', `character set ${charset} is not UTF-8`, charsetAt);
  }
  const length = input.integer('the length of the string table');
  const stringTable = { start: input.at, length };
  input.octets(length, 'the string table');
  const document = nameOffset === undefined ? numbered : documentTypeOfName(input.tableString(stringTable, nameOffset));
  if (document === undefined) {
    throw new DecodeError('WBXML_PUBLIC_ID', 'public identifier in the string table is not SyncML', publicIdAt);
  }
  return { version, document, isUnnamed: publicId === UNKNOWN_PUBLIC_ID, stringTable };
}

/** Writes version, public identifier, character set and string table; `strings` make the string table of a document whose type has a number. [WBXML 5.4-5.7] */
export function writeHeader(
  output: WbxmlOutput,
  version: WbxmlVersion,
  { publicId, formalPublicId }: DocumentType,
  strings: readonly string[],
): void {
  output.byte(version);
  output.integer(publicId ?? 0);
  if (publicId === undefined) output.integer(0);
  output.integer(CHARSET.utf8);
  output.stringTable(publicId === undefined ? [formalPublicId] : strings);
}
