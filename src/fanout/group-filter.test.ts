import { describe, expect, it } from 'vitest';
import { formatGroupFilter, type GroupFilter, MAX_FILTER_CHARS, parseGroupFilter } from './group-filter.ts';

const text = (field: 'Man' | 'Mod' | 'FwV', operator: '=' | '!=' | '~', value: string): GroupFilter => ({
  kind: 'text',
  field,
  operator,
  value,
});

describe('group filter', () => {
  it.each<[string, GroupFilter]>([
    ['Man = "Acme"', text('Man', '=', 'Acme')],
    [' Man\n!="" ', text('Man', '!=', '')],
    ['FwV ~ "1.*"', text('FwV', '~', '1.*')],
    [String.raw`Mod = "a \"b\" \\ c"`, text('Mod', '=', String.raw`a "b" \ c`)],
    ['LastSeen > 30d', { kind: 'seen', operator: '>', ageMs: 30 * 86_400_000 }],
    ['LastSeen<90m', { kind: 'seen', operator: '<', ageMs: 90 * 60_000 }],
    ['not not Man = "x"', { kind: 'not', part: { kind: 'not', part: text('Man', '=', 'x') } }],
    ['((Man = "x"))', text('Man', '=', 'x')],
    [
      'Man = "a" or Man = "b" and not Mod = "c" and FwV = "d"',
      {
        kind: 'or',
        parts: [
          text('Man', '=', 'a'),
          {
            kind: 'and',
            parts: [text('Man', '=', 'b'), { kind: 'not', part: text('Mod', '=', 'c') }, text('FwV', '=', 'd')],
          },
        ],
      },
    ],
    [
      '(Man = "a" or Man = "b") and Mod = "c"',
      {
        kind: 'and',
        parts: [{ kind: 'or', parts: [text('Man', '=', 'a'), text('Man', '=', 'b')] }, text('Mod', '=', 'c')],
      },
    ],
  ])('gateway: reads %s', (source, filter) => {
    expect(parseGroupFilter(source)).toEqual(filter);
    expect(parseGroupFilter(formatGroupFilter(filter))).toEqual(filter);
  });

  it.each([
    ['', /at character 0 the filter ends; allowed there: not, \(, DeviceID, Man, .*LastSeen$/],
    ['  ', /the filter ends/],
    ['Maker = "x"', /at character 0 is "Maker"; allowed there: not, \(, DeviceID/],
    ['Man < "x"', /at character 4 is "<"; allowed there: =, !=, ~$/],
    ['Man = Acme', /at character 6 is "Acme"; allowed there: a text in quotation marks/],
    ['LastSeen = 3d', /at character 9 is "="; allowed there: <, >$/],
    ['LastSeen < "3d"', /at character 11 is "3d"; allowed there: an age/],
    ['LastSeen < 99999999999999999d', /an age/],
    ['LastSeen < 3w', /at character 11 is "3"/],
    ['Man = "x', /the text that begins at character 6 has no end/],
    [String.raw`Man = "x\*"`, /the text that begins at character 6/],
    ['Man = "x" Mod = "y"', /at character 10 is "Mod"; allowed there: and, or, the end/],
    ['Man = "x")', /at character 9 is "\)"/],
    ['(Man = "x"', /the filter ends; allowed there: and, or, \)/],
    ['Man = "x" AND Mod = "y"', /at character 10 is "AND"/],
    ['Man = "a\0"', /at character 8 is one that XML cannot hold/],
    ["Man = 'x'", /at character 6 is "'"; a filter is made of/],
    [`${'('.repeat(40)}Man = "x"${')'.repeat(40)}`, /at most 32 parentheses/],
    [`${'not '.repeat(40)}Man = "x"`, /at most 32 parentheses/],
    [`Man = "${'x'.repeat(MAX_FILTER_CHARS)}"`, /at most 4000 characters, not 4008/],
  ])('gateway: refuses %j', (source, message) => {
    expect(() => parseGroupFilter(source)).toThrow(
      expect.objectContaining({
        status: 400,
        code: 'FANOUT_GROUP_FILTER',
        message: expect.stringMatching(message) as string,
      }) as Error,
    );
  });
});
