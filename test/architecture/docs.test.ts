import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, sourceFiles } from './source-files.ts';

interface Page {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
}

const pages: readonly Page[] = [
  ...readdirSync(ROOT),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
]
  .filter((path) => path.endsWith('.md'))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

function textOf(path: string): string {
  return pages.find((page) => page.path === path)?.text ?? '';
}

/** Anchors of the headings of a page. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Sources cited in comments, one by one: `[FANOUT 5, 7]` cites two sections, `[SEC 5.4, NOTI 6.2]` two documents. */
const citations = ['src', 'test'].flatMap(sourceFiles).flatMap(({ path, text }) =>
  [...text.matchAll(/(?:^\s*\/?\*+.*|\/\/.*)\[([A-Z][A-Z]+(?:[ ,]+[A-Z\d.-]+)*)\]/gm)].flatMap(([, inside = '']) => {
    let document = '';
    return inside.split(', ').map((part) => {
      const [, name, section] = /^(RFC \d+|[A-Z]+)?(?: ?([\d.-]+))?$/.exec(part) ?? [];
      document = name ?? document;
      return { path, document, section: section ?? '' };
    });
  }),
);

describe('documents', () => {
  it('link only to what is there', () => {
    const broken = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => {
          const [file = '', anchor] = target.split('#', 2);
          const to = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
          return !existsSync(join(ROOT, to)) || (anchor !== undefined && !anchorsOf(textOf(to)).includes(anchor));
        })
        .map((target) => `${path} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('explain every source that a comment cites, also the second one', () => {
    const known = new Set([...textOf('docs/specs.md').matchAll(/^\| `([A-Z0-9 ]+)`\s+\|/gm)].map(([, tag]) => tag));
    expect(citations.length).toBeGreaterThan(100);
    expect(citations.filter(({ document }) => !known.has(document))).toEqual([]);
  });

  it('have the sections of the workflow that comments cite', () => {
    const sections = new Set([...textOf('docs/fan-out.md').matchAll(/^## (\d+)\. /gm)].map(([, number]) => number));
    const cited = citations.filter(({ document, section }) => document === 'FANOUT' && section !== '');
    expect(cited.length).toBeGreaterThan(10);
    expect(cited.filter(({ section }) => !sections.has(section))).toEqual([]);
  });
});
