import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { quoted, table, tolerateGoneReader } from './output.ts';

describe('table', () => {
  it('output: makes columns as wide as their widest cell, without blanks at the end of a line', () => {
    expect(table([['a', 'long'], ['longer', 'b'], ['c']])).toBe('a       long\nlonger  b\nc');
  });
});

describe('text of others', () => {
  it.each([
    ['as it is', 'Demo Device 1', '"Demo Device 1"'],
    ['cut', 'x'.repeat(31), `"${'x'.repeat(29)}…"`],
    ['whole at the limit', '\u{1f4df}'.repeat(30), `"${'\u{1f4df}'.repeat(30)}"`],
    ['with its quotes escaped', 'say "yes"', '"say \\"yes\\""'],
    ['on one line', 'a\nb', '"a\\nb"'],
    ['without what a terminal obeys', '\u001b[2J\u009b0m\u202eabc', '"\\u001b[2J\\u009b0m\\u202eabc"'],
  ])('output: quotes it %s', (_, text, expected) => {
    expect(quoted(text, 30)).toBe(expected);
  });
});

describe('reader of the answer', () => {
  it('output: may go away before the end; no other failure is hidden', () => {
    const stream = new EventEmitter();
    tolerateGoneReader(stream);
    expect(() => stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))).not.toThrow();
    expect(() => stream.emit('error', Object.assign(new Error('disk'), { code: 'ENOSPC' }))).toThrow('disk');
  });
});
