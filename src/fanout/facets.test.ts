import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../protocol/message/message.ts';
import { EXEC, GET, statuses } from '../../test/fanout/scenario.ts';
import { canonicalAnswers, encodeDeResult } from './de-result.ts';
import { facetsOf, facetsOfAnswers } from './facets.ts';

const COMMANDS = [GET, EXEC];

function results(locUri: string, data: string | Uint8Array | undefined, format?: string): Answer {
  return { kind: 'Results', cmdRef: '1', items: [{ source: { locUri }, data, ...(format && { meta: { format } }) }] };
}

describe('facets of an answer', () => {
  it('facets: are the Status of each command and each value, once', () => {
    const answers = [
      ...statuses(COMMANDS),
      ...statuses([GET], 404),
      ...statuses([GET], 404),
      results('./DevInfo/Mod', 'X1'),
    ];
    expect(facetsOfAnswers(answers)).toEqual([
      { kind: 'status', key: '1 Get', value: '200' },
      { kind: 'status', key: '2 Exec', value: '200' },
      { kind: 'status', key: '1 Get', value: '404' },
      { kind: 'value', key: './DevInfo/Mod', value: 'X1' },
    ]);
  });

  it('facets: keep of a long value its beginning and a digest that tells it from others', () => {
    const [one, other] = ['a', 'b'].map((end) => facetsOfAnswers([results('./X', 'v'.repeat(5_000) + end)])[0]?.value);
    expect(one).toMatch(/^v{120}… sha256:[0-9a-f]{64}$/);
    expect(one).not.toBe(other);
  });

  it('facets: never cut a character in two', () => {
    const [facet] = facetsOfAnswers([results('./X', 'x'.repeat(119) + '😀'.repeat(100))]);
    expect(facet?.value).toMatch(/^x{119}… /);
  });

  it('facets: leave a value out that names no node', () => {
    expect(facetsOfAnswers([{ kind: 'Results', cmdRef: '1', items: [{ data: 'x' }] }])).toEqual([]);
  });

  it('facets: are the same taken from the answers as from their DeResult', () => {
    const data = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.constant(undefined),
    );
    const locUris = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 250 });
    const values = fc
      .tuple(locUris, data, fc.constantFrom(undefined, 'chr', 'bin', 'b64'))
      .map((args) => results(...args));
    fc.assert(
      fc.property(fc.array(values, { maxLength: 4 }), fc.integer({ min: 200, max: 599 }), (some, code) => {
        const answers = canonicalAnswers(COMMANDS, [...some, ...statuses(COMMANDS, code)]);
        expect(facetsOfAnswers(answers)).toEqual(facetsOf(encodeDeResult(COMMANDS, answers)));
      }),
    );
  });
});
