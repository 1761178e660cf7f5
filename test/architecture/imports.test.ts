import { readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, ROOT, type SourceFile, sourceFiles } from './source-files.ts';

/** What each folder of `src` may import besides itself: down only. A folder that is missing here fails. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  tree: ['protocol'],
  transport: ['protocol', 'tree'],
  fanout: ['protocol'],
  store: ['protocol', 'fanout'],
  gateway: ['protocol', 'tree', 'transport', 'fanout', 'store'],
  server: ['protocol', 'tree', 'transport', 'fanout', 'store'],
  device: ['protocol', 'tree', 'transport', 'fanout', 'store'],
  api: ['protocol', 'fanout', 'store', 'gateway', 'server'],
  app: ['protocol', 'tree', 'transport', 'fanout', 'store', 'gateway', 'server', 'device', 'api'],
  cli: ['app', 'api', 'device', 'fanout', 'protocol'],
};

/** Modules that open sockets, read clocks or touch files and databases. */
const IMPURE =
  /^(node:(net|dgram|http|https|http2|tls|fs|fs\/promises|child_process|worker_threads|timers.*|dns.*|os|process)|undici|fastify|pino|@photostructure\/sqlite|node:sqlite)$/;
const PURE_FOLDERS = ['src/protocol/', 'src/tree/', 'src/fanout/'];
const OPEN_SOCKETS = ['src/transport/', 'src/api/', 'src/app/', 'src/device/raw/'];
const IMPURE_GLOBALS =
  /\b(Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\(|process\.(env|hrtime)|setInterval\(|setTimeout\()/;

const files = sourceFiles('src');
const production = files.filter(({ path }) => !path.endsWith('.test.ts'));

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Files of the repository that a file imports, from the root. */
function localImportsOf(file: SourceFile): string[] {
  return importsOf(file)
    .filter((module) => module.startsWith('.'))
    .map((module) => normalize(join(dirname(file.path), module)).replaceAll('\\', '/'));
}

describe('import direction', () => {
  it('knows every folder of src', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(folders.filter((folder) => MAY_IMPORT[folder] === undefined)).toEqual([]);
  });

  it('goes down only', () => {
    const wrong = files.flatMap((file) =>
      localImportsOf(file)
        .filter((target) => target.startsWith('src/') && folderOf(target) !== folderOf(file.path))
        .filter((target) => !MAY_IMPORT[folderOf(file.path)]?.includes(folderOf(target)))
        .map((target) => `${file.path} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('leads from the benchmarks into src, and from nowhere into the benchmarks', () => {
    const intoBench = [...files, ...sourceFiles('test')].flatMap((file) =>
      localImportsOf(file)
        .filter((target) => target.startsWith('bench/'))
        .map((target) => `${file.path} -> ${target}`),
    );
    const elsewhere = sourceFiles('bench').flatMap((file) =>
      localImportsOf(file)
        .filter((target) => !target.startsWith('src/') && !target.startsWith('bench/'))
        .map((target) => `${file.path} -> ${target}`),
    );
    expect([...intoBench, ...elsewhere]).toEqual([]);
  });

  it('reads every import that is there', () => {
    const seen = importsOf({
      path: 'x',
      text: "import { a,\n  b } from './a.ts';\nexport * from './b.ts';\nimport './c.ts';",
    });
    expect(seen).toEqual(['./a.ts', './b.ts', './c.ts']);
  });

  it('keeps sockets, clocks, randomness and databases out of protocol, tree and fanout', () => {
    const wrong = production
      .filter(({ path }) => PURE_FOLDERS.some((folder) => path.startsWith(folder)))
      .flatMap((file) => [
        ...importsOf(file)
          .filter((module) => IMPURE.test(module))
          .map((module) => `${file.path} -> ${module}`),
        ...(IMPURE_GLOBALS.exec(file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''))?.slice(0, 1) ?? []).map(
          (call) => `${file.path} calls ${call}`,
        ),
      ]);
    expect(wrong).toEqual([]);
  });

  it('opens DM sockets in transport alone, and in the raw devices, which are for load', () => {
    const wrong = production
      .filter(({ path }) => !OPEN_SOCKETS.some((folder) => path.startsWith(folder)))
      .flatMap((file) =>
        importsOf(file)
          .filter((module) => /^(node:(net|dgram|http|https)|undici|fastify)$/.test(module))
          .map((module) => `${file.path} -> ${module}`),
      );
    expect(wrong).toEqual([]);
  });

  it('ships no test support: production code imports no test file', () => {
    const wrong = production.flatMap((file) =>
      importsOf(file)
        .filter((module) => /\.test\.ts$|^vitest$|^fast-check$|\/test\//.test(module))
        .map((module) => `${file.path} -> ${module}`),
    );
    expect(wrong).toEqual([]);
  });
});
