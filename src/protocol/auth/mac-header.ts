import type { Mac } from './credentials.ts';
import { contentHash, contentProof } from './digest.ts';
import type { Authentication } from './principal.ts';

/** Name of the header that carries a MAC. [SEC 5.4] */
export const MAC_HEADER = 'x-syncml-hmac';

/** Value of the header for a message body; undefined where the scheme is another. [SEC 5.4] */
export function macHeaderFor(body: Uint8Array, { scheme, principal, nonce }: Authentication): string | undefined {
  if (scheme !== 'mac') return undefined;
  const mac = Buffer.from(contentProof(principal.digest, nonce, contentHash(body))).toString('base64');
  return octetsAsText(`algorithm=MD5, username="${principal.name.replace(/[\\"]/g, '\\$&')}", mac=${mac}`);
}

/**
 * Reads the header, its parts in any order; undefined: it is not there, or says nothing we can check. An algorithm other
 * than MD5 is none we know. [SEC 5.4]
 */
export function readMacHeader(header: string | undefined, body: Uint8Array): Mac | undefined {
  if (header === undefined) return undefined;
  const parts = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of Buffer.from(header, 'latin1').toString().matchAll(PART)) {
    parts.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain);
  }
  const userName = parts.get('username');
  const mac = parts.get('mac');
  if (userName === undefined || mac === undefined || (parts.get('algorithm') ?? 'MD5').toUpperCase() !== 'MD5') {
    return undefined;
  }
  return { userName, mac: Buffer.from(mac, 'base64'), bodyHash: contentHash(body) };
}

/** A header holds octets; what it is given and what it gives is one character each. */
function octetsAsText(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const PART = /([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))/g;
