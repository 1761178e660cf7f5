import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusError } from '../protocol/errors.ts';
import { formatLocUri, type LocUri, parseLocUri } from './loc-uri.ts';

function statusOf(work: () => unknown): number | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
}

describe('parseLocUri', () => {
  it.each([
    ['.', []],
    ['./A', ['A']],
    ['A/B', ['A', 'B']],
    ['/SCM/FanOut', ['SCM', 'FanOut']],
    [' ./A/B\n', ['A', 'B']],
    ['./A%20B/c d', ['A B', 'c d']],
    ['./%41%c3%bc/100%/%zz', ['Aü', '100%', '%zz']],
    ['./A%3Fprop', ['A?prop']],
    ['./__proto__/ü', ['__proto__', 'ü']],
  ])('reads %j', (text, path) => {
    expect(parseLocUri(text)).toEqual({ path, query: undefined });
  });

  it.each([
    ['.?prop=ACL', [], { kind: 'prop', name: 'ACL' }],
    ['./A?list=Struct', ['A'], { kind: 'list', list: 'Struct' }],
    ['A?list=StructData', ['A'], { kind: 'list', list: 'StructData' }],
    ['A?list=TNDS', ['A'], { kind: 'list', list: 'TNDS', sign: '+', properties: [] }],
    ['A?list=TNDS+ACL+Value', ['A'], { kind: 'list', list: 'TNDS', sign: '+', properties: ['ACL', 'Value'] }],
    ['A?list=TNDS-Format', ['A'], { kind: 'list', list: 'TNDS', sign: '-', properties: ['Format'] }],
  ])('reads the query of %s', (text, path, query) => {
    expect(parseLocUri(text)).toEqual({ path, query });
  });

  it.each([
    ['', 400],
    [' ', 400],
    ['/', 400],
    ['./', 400],
    ['./A/', 400],
    ['./A%2FB', 400],
    ['./%2e%2E/B', 400],
    ['./%00', 400],
    ['./%FF', 400],
    ['A//B', 400],
    ['//A', 400],
    ['..', 400],
    ['./A/../B', 400],
    ['A/./B', 400],
    ['././A', 400],
    ['A\u0000B', 400],
    ['?prop=ACL', 400],
    ['A?', 400],
    ['A?prop=', 400],
    ['A?prop=A=B', 400],
    ['A?prop=ACL?prop=Name', 400],
    ['A?list=TNDS+ACL-Value', 400],
    ['A?depth=3', 406],
    ['A?list=Everything', 406],
    ['x'.repeat(1025), 414],
    ['x/'.repeat(64) + 'x', 414],
    ['./' + 'ü'.repeat(2048), 414],
  ])('refuses %.30j with %i', (text, status) => {
    expect(statusOf(() => parseLocUri(text))).toBe(status);
  });

  it('counts names and bytes against the limits it is given', () => {
    const limits = { maxDepth: 2, maxUriBytes: 12, maxNameBytes: 4 };
    expect(parseLocUri('./abcd/e', limits).path).toEqual(['abcd', 'e']);
    expect(statusOf(() => parseLocUri('./a/b/c', limits))).toBe(414);
    expect(statusOf(() => parseLocUri('./abcde', limits))).toBe(414);
    expect(statusOf(() => parseLocUri('./üüü', limits))).toBe(414);
    expect(statusOf(() => parseLocUri('./abcd/efghij', limits))).toBe(414);
  });
});

describe('formatLocUri', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(isName);
  const property = fc.stringMatching(/^[A-Za-z]{1,8}$/);
  const query = fc.oneof(
    fc.record({ kind: fc.constant('prop' as const), name: property }),
    fc.record({ kind: fc.constant('list' as const), list: fc.constantFrom('Struct' as const, 'StructData' as const) }),
    fc.record({
      kind: fc.constant('list' as const),
      list: fc.constant('TNDS' as const),
      sign: fc.constantFrom('+' as const, '-' as const),
      properties: fc.array(property, { minLength: 1, maxLength: 3 }),
    }),
  );
  const locUri: fc.Arbitrary<LocUri> = fc.record({
    path: fc.array(name, { maxLength: 6 }),
    query: fc.option(query, { nil: undefined }),
  });

  it('writes what parseLocUri reads back', () => {
    fc.assert(
      fc.property(locUri, ({ path, query }) => {
        const text = formatLocUri(path, query);
        expect(text).toMatch(/^\.(?:[/?]|$)/);
        expect(parseLocUri(text)).toEqual({ path, query });
      }),
    );
  });

  it('stands for any text that can be read, and for nothing else is anything but a StatusError thrown', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('.', '/', 'A', '?', '=', '+', ' ', 'prop', 'list', 'TNDS') }),
        (text) => {
          statusOf(() => {
            const { path, query } = parseLocUri(text);
            expect(parseLocUri(formatLocUri(path, query))).toEqual({ path, query });
          });
        },
      ),
    );
  });

  function isName(text: string): boolean {
    return !/[/?\x00-\x1f\x7f]/.test(text) && text.trim() === text && text !== '.' && text !== '..';
  }
});
