import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import { FORBIDDEN } from '../protocol/xml/characters.ts';

/** Inventory values that a filter compares as text; one that is not known is the empty text. [FANOUT 3] */
export const FILTER_FIELDS = ['DeviceID', 'Man', 'Mod', 'DmV', 'Lang', 'FwV', 'SwV', 'HwV', 'State'] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];

/**
 * Which devices of the inventory belong to a group. `text`: `~` is a pattern in which `*` stands for any text and `?`
 * for one character; case counts. `seen`: less (`<`) or more (`>`) than so long ago; a device that was never seen was
 * seen longer ago than anything.
 */
export type GroupFilter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly GroupFilter[] }
  | { readonly kind: 'not'; readonly part: GroupFilter }
  | {
      readonly kind: 'text';
      readonly field: FilterField;
      readonly operator: '=' | '!=' | '~';
      readonly value: string;
    }
  | { readonly kind: 'seen'; readonly operator: '<' | '>'; readonly ageMs: number };

/** Longest text of a filter, in characters. */
export const MAX_FILTER_CHARS = 4_000;
/** Parentheses and `not` around one comparison. */
const MAX_DEPTH = 32;
const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNITS_MS;

type TokenKind = 'word' | 'text' | 'age' | 'operator' | '(' | ')' | 'end';

interface Token {
  readonly kind: TokenKind;
  /** A text without its quotes and escapes. */
  readonly value: string;
  /** Where it begins, in characters from 0. */
  readonly offset: number;
}

/** One token of each kind; the first that matches is it. */
const TOKENS: readonly (readonly [TokenKind, RegExp])[] = [
  ['word', /[A-Za-z]+/y],
  ['age', /\d+[smhd]\b/y],
  ['operator', /!=|[=~<>]/y],
  ['(', /\(/y],
  [')', /\)/y],
  ['text', /"(?:[^"\\]|\\["\\])*"/y],
];

/**
 * Reads a filter, `Man = "Acme" and not (FwV ~ "1.*" or LastSeen > 30d)`: `not` binds before `and`, `and` before `or`.
 * Throws `StatusError` 400 that names the place and what is allowed there. [FANOUT 3]
 */
export function parseGroupFilter(text: string): GroupFilter {
  if (text.length > MAX_FILTER_CHARS) {
    throw refused(`a filter has at most ${MAX_FILTER_CHARS} characters, not ${text.length}`);
  }
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): Token => tokens[at] ?? { kind: 'end', value: '', offset: text.length };
  const take = (): Token => {
    const token = next();
    at += 1;
    return token;
  };

  function joined(kind: 'and' | 'or', part: () => GroupFilter): GroupFilter {
    const first = part();
    const parts = [first];
    while (isWord(next(), kind)) {
      take();
      parts.push(part());
    }
    return parts.length === 1 ? first : { kind, parts };
  }

  function any(depth: number): GroupFilter {
    return joined('or', () => joined('and', () => single(depth)));
  }

  function single(depth: number): GroupFilter {
    const token = take();
    if (depth > MAX_DEPTH) throw unexpected(token, `at most ${MAX_DEPTH} parentheses and not around a comparison`);
    if (isWord(token, 'not')) return { kind: 'not', part: single(depth + 1) };
    if (token.kind === '(') {
      const inner = any(depth + 1);
      const end = take();
      if (end.kind !== ')') throw unexpected(end, 'and, or, )');
      return inner;
    }
    return comparison(token);
  }

  function comparison(name: Token): GroupFilter {
    if (isWord(name, 'LastSeen')) {
      const operator = pick(take(), ['<', '>']);
      return { kind: 'seen', operator, ageMs: ageOf(take()) };
    }
    const field = FILTER_FIELDS.find((known) => isWord(name, known));
    if (field === undefined) throw unexpected(name, `not, (, ${FILTER_FIELDS.join(', ')}, LastSeen`);
    const operator = pick(take(), ['=', '!=', '~']);
    const value = take();
    if (value.kind !== 'text') throw unexpected(value, 'a text in quotation marks');
    return { kind: 'text', field, operator, value: value.value };
  }

  const filter = any(0);
  const rest = next();
  if (rest.kind !== 'end') throw unexpected(rest, 'and, or, the end');
  return filter;
}

/** The filter as text; what `parseGroupFilter` reads of it is the same filter. */
export function formatGroupFilter(filter: GroupFilter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.map(formatInner).join(` ${filter.kind} `);
    case 'not':
      return `not ${formatInner(filter.part)}`;
    case 'text':
      return `${filter.field} ${filter.operator} "${filter.value.replace(/["\\]/g, '\\$&')}"`;
    case 'seen':
      return `LastSeen ${filter.operator} ${filter.ageMs / UNITS_MS.s}s`;
  }
}

function formatInner(filter: GroupFilter): string {
  return filter.kind === 'and' || filter.kind === 'or' ? `(${formatGroupFilter(filter)})` : formatGroupFilter(filter);
}

function tokensOf(text: string): Token[] {
  const bad = FORBIDDEN.exec(text);
  if (bad) throw refused(`at character ${bad.index} is one that XML cannot hold`);
  const tokens: Token[] = [];
  for (let offset = blanksAt(text, 0); offset < text.length;) {
    const token = tokenAt(text, offset);
    tokens.push(token.token);
    offset = blanksAt(text, token.end);
  }
  return tokens;
}

function tokenAt(text: string, offset: number): { readonly token: Token; readonly end: number } {
  for (const [kind, pattern] of TOKENS) {
    pattern.lastIndex = offset;
    const [found] = pattern.exec(text) ?? [];
    if (found === undefined) continue;
    const value = kind === 'text' ? found.slice(1, -1).replace(/\\(["\\])/g, '$1') : found;
    return { token: { kind, value, offset }, end: offset + found.length };
  }
  throw refused(
    text[offset] === '"'
      ? `the text that begins at character ${offset} has no end; it ends with ", and \\ stands only before " or \\`
      : `at character ${offset} is ${JSON.stringify(text[offset])}; a filter is made of names, = != ~ < >, ` +
          'texts in quotation marks, ages like 30d, and, or, not, ( and )',
  );
}

function blanksAt(text: string, offset: number): number {
  let end = offset;
  while (/\s/.test(text[end] ?? '')) end += 1;
  return end;
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'word' && token.value === word;
}

function pick<Operator extends string>(token: Token, allowed: readonly Operator[]): Operator {
  const operator = allowed.find((known) => token.kind === 'operator' && token.value === known);
  if (operator === undefined) throw unexpected(token, allowed.join(', '));
  return operator;
}

function ageOf(token: Token): number {
  const count = Number(token.value.slice(0, -1));
  const ageMs = count * UNITS_MS[token.value.slice(-1) as Unit];
  if (token.kind === 'age' && Number.isSafeInteger(ageMs)) return ageMs;
  throw unexpected(token, 'an age: a number and s, m, h or d, as in 30d');
}

function unexpected(token: Token, allowed: string): StatusError {
  const found = token.kind === 'end' ? 'the filter ends' : `is ${JSON.stringify(token.value)}`;
  return refused(`at character ${token.offset} ${found}; allowed there: ${allowed}`);
}

function refused(what: string): StatusError {
  return new StatusError(STATUS.badRequest, 'FANOUT_GROUP_FILTER', what);
}
