import { describe, expect, it } from 'vitest';
import { challenge, checkCred, credOf, nextNonceOf, schemeOf } from './credentials.ts';
import { digestOf } from './digest.ts';
import type { Authentication } from './principal.ts';

const NONCE = Buffer.from('Nonce');
const BRUCE = { name: 'Bruce2', digest: digestOf('Bruce2', 'OhBehave'), password: 'OhBehave' };
const BASIC: Authentication = { scheme: 'basic', principal: BRUCE, nonce: new Uint8Array() };
const MD5: Authentication = { scheme: 'md5', principal: BRUCE, nonce: NONCE };

describe('credentials', () => {
  it('peer: proves itself by basic as the standard prints it', () => {
    expect(credOf(BASIC)).toEqual({
      meta: { format: 'b64', type: 'syncml:auth-basic' },
      data: 'QnJ1Y2UyOk9oQmVoYXZl',
    });
  });

  it('peer: proves itself by md5 as the standard prints it', () => {
    expect(credOf(MD5)).toEqual({
      meta: { format: 'b64', type: 'syncml:auth-md5' },
      data: 'Zz6EivR3yeaaENcRN6lpAQ==',
    });
  });

  it('peer: sends nothing where another layer vouches for it', () => {
    expect(credOf({ ...MD5, scheme: 'none' })).toBeUndefined();
    expect(checkCred(undefined, { ...MD5, scheme: 'none' })).toBe('valid');
  });

  it('peer: cannot send basic where only a digest is kept', () => {
    expect(() => credOf({ ...BASIC, principal: { ...BRUCE, password: undefined } })).toThrow('password of Bruce2');
  });

  it.each([BASIC, MD5])('checker: accepts what proves the secret by $scheme, and nothing else', (authentication) => {
    const cred = credOf(authentication)!;
    const kept = { ...authentication, principal: { ...BRUCE, password: undefined } };
    expect(checkCred(cred, kept)).toBe('valid');
    expect(checkCred(undefined, kept)).toBe('missing');
    for (const data of ['', '=', 'AAAA', cred.data.slice(4), 'Og==', 'nonsense!']) {
      expect(checkCred({ ...cred, data }, kept)).toBe('invalid');
    }
    const other = { ...BRUCE, digest: digestOf('Bruce2', 'Other') };
    expect(checkCred(cred, { ...kept, principal: other })).toBe('invalid');
  });

  it('checker: refuses another scheme than it asked for, and one it does not know', () => {
    expect(checkCred(credOf(BASIC), MD5)).toBe('invalid');
    expect(checkCred(credOf(MD5), BASIC)).toBe('invalid');
    expect(checkCred({ meta: { type: 'syncml:auth-X509' }, data: 'AAAA' }, MD5)).toBe('invalid');
  });

  it('checker: refuses a proof for another nonce', () => {
    expect(checkCred(credOf(MD5), { ...MD5, nonce: Buffer.from('Other') })).toBe('invalid');
  });

  it('checker: reads the name of a scheme in any case, and takes none for basic', () => {
    expect(schemeOf({ type: ' SyncML:Auth-MD5 ' })).toBe('md5');
    expect(schemeOf(undefined)).toBe('basic');
    expect(schemeOf({ type: 'syncml:auth-securid' })).toBeUndefined();
  });

  it('challenge: carries a nonce where the scheme needs one', () => {
    expect(nextNonceOf(challenge('md5', NONCE))).toEqual(NONCE);
    expect(nextNonceOf(challenge('basic', NONCE))).toBeUndefined();
    expect(nextNonceOf({ nextNonce: '' })).toHaveLength(0);
  });
});
