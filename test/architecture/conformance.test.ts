import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './source-files.ts';

const STATES = ['yes', 'in part', 'no'];

interface Row {
  readonly requirement: string;
  readonly state: string;
  readonly test: string;
  readonly file: string;
}

const rows = readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\|(?! (?:requirement\b|-+ \|))/.test(line))
  .map((line): Row => {
    const [, requirement = '', state = '', test = '', file = ''] = line.split('|').map((cell) => cell.trim());
    return { requirement, state, test: unquoted(test), file: unquoted(file) };
  });

/** Without the backquotes of code; a dash stands for nothing. */
function unquoted(cell: string): string {
  return cell === '-' ? '' : cell.replace(/^`|`$/g, '');
}

/** Whether the name stands in the file as a string, however that is quoted. */
function hasTest({ test, file }: Row): boolean {
  const path = join(ROOT, file);
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8');
  return [`'${test}'`, `"${test}"`, `\`${test}\``].some((literal) => text.includes(literal));
}

describe('docs/conformance.md', () => {
  it('has rows, each with a state', () => {
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.filter(({ state }) => !STATES.includes(state))).toEqual([]);
  });

  it('names a test for everything that is there', () => {
    expect(rows.filter(({ state, test, file }) => state !== 'no' && (test === '' || file === ''))).toEqual([]);
  });

  it('names tests that are in the files it names', () => {
    expect(rows.filter((row) => row.test !== '' && !hasTest(row))).toEqual([]);
  });
});
