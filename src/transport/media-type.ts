import type { Encoding } from '../protocol/codec.ts';

/** Media types of a DM message; those without `dm` are what some clients and servers send instead. [HTTPBIND] */
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['application/vnd.syncml.dm+xml', 'xml'],
  ['application/vnd.syncml.dm+wbxml', 'wbxml'],
  ['application/vnd.syncml+xml', 'xml'],
  ['application/vnd.syncml+wbxml', 'wbxml'],
]);

/** The media type without parameters, in lower case. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** The encoding that a Content-Type announces, whatever its parameters and case; undefined: it is no DM message. [HTTPBIND] */
export function encodingOf(contentType: string): Encoding | undefined {
  return ENCODINGS.get(contentType) ?? ENCODINGS.get(mediaTypeOf(contentType));
}

/** The Content-Type of our own messages in an encoding. [HTTPBIND] */
export function contentTypeOf(encoding: Encoding): string {
  return `application/vnd.syncml.dm+${encoding}`;
}
