import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusError } from '../protocol/errors.ts';
import { type AclCommand, allows, formatAcl, isAclServerId, ofServers, parseAcl } from './acl.ts';

describe('parseAcl', () => {
  it('reads every command with its servers', () => {
    const acl = parseAcl('Add=srv1&Get=*&Replace=srv1+srv2');
    expect([...acl]).toEqual([
      ['Add', ['srv1']],
      ['Get', ['*']],
      ['Replace', ['srv1', 'srv2']],
    ]);
  });

  it('gives a command that stands there twice both lists', () => {
    expect(formatAcl(parseAcl('Get=ServerA&Replace=ServerA&Get=ServerB+ServerA'))).toBe(
      'Get=ServerA+ServerB&Replace=ServerA',
    );
  });

  it('reads empty text as the empty ACL', () => {
    expect(parseAcl('').size).toBe(0);
    expect(formatAcl(parseAcl(''))).toBe('');
  });

  it.each([
    'Get',
    'Get=',
    '=srv',
    'Copy=srv',
    'get=srv',
    'Get=a+',
    'Get=a b',
    'Get=a*',
    'Get=a&',
    '&Get=a',
    'Get=a=b',
    ' ',
  ])('refuses %j', (text) => {
    expect(() => parseAcl(text)).toThrow(StatusError);
  });

  it('reads back what formatAcl writes', () => {
    const id = fc.oneof(
      fc.constant('*'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter(isAclServerId),
    );
    const command = fc.constantFrom<AclCommand>('Add', 'Delete', 'Exec', 'Get', 'Replace');
    const entry = fc.tuple(command, fc.uniqueArray(id, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ([name]) => name }), (entries) => {
        expect([...parseAcl(formatAcl(new Map(entries)))]).toEqual(entries);
      }),
    );
  });
});

describe('allows', () => {
  it.each([
    ['Get=*', 'Get', true],
    ['Get=a+b', 'Get', true],
    ['Get=a', 'Get', false],
    ['Get=bb', 'Get', false],
    ['Replace=*', 'Get', false],
    ['', 'Get', false],
  ] as const)('%j gives server b %s: %s', (text, command, expected) => {
    expect(allows(parseAcl(text), command, 'b')).toBe(expected);
  });
});

describe('ofServers', () => {
  it.each([
    ['Add=a&Get=*&Replace=a+b', ['b', 'c'], 'Get=*&Replace=b'],
    ['Add=a&Get=b+a', ['a', 'b'], 'Add=a&Get=b+a'],
    ['Add=a', [], ''],
    ['', ['a'], ''],
  ] as const)('leaves of %j for %j: %j', (text, serverIds, expected) => {
    expect(formatAcl(ofServers(parseAcl(text), serverIds))).toBe(expected);
  });
});
