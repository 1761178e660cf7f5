import { describe, expect, it } from 'vitest';
import { checkCred } from './credentials.ts';
import { digestOf } from './digest.ts';
import { macHeaderFor, readMacHeader } from './mac-header.ts';
import type { Authentication } from './principal.ts';

const BODY = Buffer.from('<SyncML/>');
const ROBERT: Authentication = {
  scheme: 'mac',
  principal: { name: 'Robert Jordan', digest: digestOf('Robert Jordan', 'secret') },
  nonce: Buffer.from('Nonce'),
};

describe('x-syncml-hmac', () => {
  it('sender: writes the header as the standard shows it', () => {
    expect(macHeaderFor(BODY, ROBERT)).toBe('algorithm=MD5, username="Robert Jordan", mac=tUijKcGEgS6t+IkYImTYSQ==');
    expect(macHeaderFor(BODY, { ...ROBERT, scheme: 'md5' })).toBeUndefined();
  });

  it.each([
    'algorithm=MD5, username="Robert Jordan", mac=tUijKcGEgS6t+IkYImTYSQ==',
    'mac=tUijKcGEgS6t+IkYImTYSQ==,username="Robert Jordan"',
    'Username = "Robert Jordan" , Algorithm = md5 , MAC = tUijKcGEgS6t+IkYImTYSQ==',
    'username="Robert \\Jordan", mac="tUijKcGEgS6t+IkYImTYSQ=="',
  ])('receiver: accepts %s', (header) => {
    expect(checkCred(undefined, ROBERT, readMacHeader(header, BODY))).toBe('valid');
  });

  it.each([
    [undefined, 'missing'],
    ['', 'missing'],
    ['username="Robert Jordan"', 'missing'],
    ['algorithm=SHA1, username="Robert Jordan", mac=tUijKcGEgS6t+IkYImTYSQ==', 'missing'],
    ['username="Robert", mac=tUijKcGEgS6t+IkYImTYSQ==', 'invalid'],
    ['username="Robert Jordan", mac=', 'invalid'],
    ['username="Robert Jordan", mac=AAAAAAAAAAAAAAAAAAAAAA==', 'invalid'],
    [`username="${'x'.repeat(10_000)}`, 'missing'],
  ])('receiver: does not accept %s', (header, verdict) => {
    expect(checkCred(undefined, ROBERT, readMacHeader(header, BODY))).toBe(verdict);
  });

  it('receiver: accepts no other body, and no other nonce', () => {
    const header = macHeaderFor(BODY, ROBERT);
    expect(checkCred(undefined, ROBERT, readMacHeader(header, Buffer.from('<SyncML />')))).toBe('invalid');
    const next = { ...ROBERT, nonce: Buffer.from('Next') };
    expect(checkCred(undefined, next, readMacHeader(header, BODY))).toBe('invalid');
  });

  it('sender and receiver: carry any name', () => {
    const name = 'Zoë "the \\ one" €';
    const zoe = { ...ROBERT, principal: { name, digest: digestOf(name, 'secret') } };
    expect(checkCred(undefined, zoe, readMacHeader(macHeaderFor(BODY, zoe), BODY))).toBe('valid');
  });
});
