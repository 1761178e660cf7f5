/** Global tokens. [WBXML 7.1] */
export const TOKEN = {
  switchPage: 0x00,
  end: 0x01,
  entity: 0x02,
  stringInline: 0x03,
  literal: 0x04,
  extensionInline0: 0x40,
  extensionInline2: 0x42,
  instruction: 0x43,
  extensionTable0: 0x80,
  extensionTable2: 0x82,
  stringTable: 0x83,
  extension0: 0xc0,
  extension2: 0xc2,
  opaque: 0xc3,
} as const;

/** Bits of a tag byte. [WBXML 5.8.2] */
export const TAG = {
  hasAttributes: 0x80,
  hasContent: 0x40,
  token: 0x3f,
} as const;

/** IANA MIBenum of the character sets that are UTF-8 or a part of it; 0 is not said. */
export const CHARSET = { unknown: 0, usAscii: 3, utf8: 106 } as const;

/** Whether a global token is one of the nine that a document type may give a meaning. */
export function isExtension(token: number): boolean {
  return (
    (token >= TOKEN.extensionInline0 && token <= TOKEN.extensionInline2) ||
    (token >= TOKEN.extensionTable0 && token <= TOKEN.extensionTable2) ||
    (token >= TOKEN.extension0 && token <= TOKEN.extension2)
  );
}
