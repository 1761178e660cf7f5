import { describe, expect, it } from 'vitest';
import { sourceFiles } from './source-files.ts';

const MAX_LINES = 500;
/** Names that say nothing about what a file holds. */
const EMPTY_NAMES = /^(utils?|helpers?|common|types|manager|misc|index)\.ts$/;

const files = ['src', 'test', 'bench'].flatMap(sourceFiles);

describe('files', () => {
  it('are named in kebab-case, for what they hold', () => {
    const wrong = files.filter(({ path }) => {
      const name = path.split('/').at(-1) ?? '';
      return !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(name) || EMPTY_NAMES.test(name);
    });
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it(`have at most ${MAX_LINES} lines`, () => {
    const wrong = files.filter(({ text }) => text.split('\n').length - 1 > MAX_LINES);
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('leave nothing for later and switch no type off', () => {
    const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', '@ts-' + '(ignore|nocheck)', 'eslint-' + 'disable'].join('|'));
    expect(files.filter(({ text }) => marks.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
