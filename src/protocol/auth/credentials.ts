import { timingSafeEqual } from 'node:crypto';
import { DmError } from '../errors.ts';
import type { Cred, Meta } from '../message/message.ts';
import { base64 } from '../xml/octets.ts';
import { contentProof, digestOf, md5Proof } from './digest.ts';
import type { Authentication, AuthScheme } from './principal.ts';

type ProvingScheme = Exclude<AuthScheme, 'none'>;

/** How Cred and Chal name the schemes. [SEC 5] */
const TYPES: Readonly<Record<ProvingScheme, string>> = {
  basic: 'syncml:auth-basic',
  md5: 'syncml:auth-md5',
  mac: 'syncml:auth-MAC',
};

const SCHEMES = ['basic', 'md5', 'mac'] as const satisfies readonly ProvingScheme[];

/** What a peer's credentials are worth. */
export type Verdict = 'valid' | 'missing' | 'invalid';

/** How a message proves its sender outside of itself: the x-syncml-hmac header, and what is needed to check it. [SEC 5.4] */
export interface Mac {
  readonly userName: string;
  /** 16 octets. */
  readonly mac: Uint8Array;
  /** B64(H(body)) of the message it came with. */
  readonly bodyHash: string;
}

/**
 * The credentials in a message that prove us; undefined where the scheme has none there. Throws `DmError` AUTH_NO_PASSWORD where basic has
 * to be sent and only a digest is kept. [SEC 5.3]
 */
export function credOf({ scheme, principal, nonce }: Authentication): Cred | undefined {
  switch (scheme) {
    case 'none':
    case 'mac':
      return undefined;
    case 'basic': {
      const { name, password } = principal;
      if (password === undefined) throw new DmError('AUTH_NO_PASSWORD', `the password of ${name} is not kept`);
      return cred(scheme, Buffer.from(`${name}:${password}`));
    }
    case 'md5':
      return cred(scheme, md5Proof(principal.digest, nonce));
  }
}

/** Checks what a peer sent to prove itself, in a time that tells nothing of the secret. [SEC 5.3, 5.4] */
export function checkCred(cred: Cred | undefined, { scheme, principal, nonce }: Authentication, mac?: Mac): Verdict {
  if (scheme === 'none') return 'valid';
  if (scheme === 'mac') {
    if (mac === undefined) return cred === undefined ? 'missing' : 'invalid';
    const isValid =
      mac.userName === principal.name && areEqual(mac.mac, contentProof(principal.digest, nonce, mac.bodyHash));
    return isValid ? 'valid' : 'invalid';
  }
  if (cred === undefined) return 'missing';
  if (schemeOf(cred.meta) !== scheme) return 'invalid';
  const sent = Buffer.from(cred.data, 'base64');
  const isValid =
    scheme === 'md5'
      ? areEqual(sent, md5Proof(principal.digest, nonce))
      : areEqual(Buffer.from(digestOfBasic(sent.toString())), Buffer.from(principal.digest));
  return isValid ? 'valid' : 'invalid';
}

/** A challenge that asks for this scheme; its nonce is the one of the next proof. [SEC 5.3] */
export function challenge(scheme: ProvingScheme, nonce: Uint8Array): Meta {
  const nextNonce = scheme === 'basic' ? undefined : base64(nonce);
  return { format: 'b64', type: TYPES[scheme], nextNonce };
}

/** The scheme a Cred uses or a Chal asks for; one without a Type is basic. Undefined: one we do not know. [SEC 5.3] */
export function schemeOf(meta: Meta | undefined): ProvingScheme | undefined {
  const type = meta?.type?.trim().toLowerCase() ?? TYPES.basic;
  return SCHEMES.find((scheme) => TYPES[scheme].toLowerCase() === type);
}

/** The octets of NextNonce in a challenge; undefined where there is none. */
export function nextNonceOf(chal: Meta | undefined): Uint8Array | undefined {
  return chal?.nextNonce === undefined ? undefined : Buffer.from(chal.nextNonce, 'base64');
}

function cred(scheme: ProvingScheme, data: Uint8Array): Cred {
  return { meta: { format: 'b64', type: TYPES[scheme] }, data: base64(data) };
}

function digestOfBasic(nameAndPassword: string): string {
  const colon = nameAndPassword.indexOf(':');
  return digestOf(nameAndPassword.slice(0, Math.max(0, colon)), nameAndPassword.slice(colon + 1));
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
