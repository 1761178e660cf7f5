import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFile, encodeFile } from '../../src/protocol/codec.ts';
import { dmgw, demo } from './dmgw.ts';
import { xmlTree } from './xml-tree.ts';

const hasTool = spawnSync('wbxml2xml').error === undefined;

let dir: string;

/** What `dmgw decode` prints, without a process for each of many files; that it is the same is tested on some. */
function decoded(bytes: Uint8Array): string {
  return Buffer.from(encodeFile(decodeFile(bytes).elements, { encoding: 'xml' })).toString();
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dmgw-decoder-'));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

describe('canonical trees', () => {
  it('reader: tells trees apart by namespace, order and text, and not by prefix, layout or CDATA', () => {
    const tree = (inner: string) => xmlTree(`<a xmlns="u">${inner}</a>`);
    expect(tree(' <b>x</b>\n<c xmlns="v"/> ')).toEqual(tree('<b><![CDATA[x]]></b><p:c xmlns:p="v"></p:c>'));
    expect(tree('<b>x</b>')).not.toEqual(tree('<b> x</b>'));
    expect(tree('<b/><c/>')).not.toEqual(tree('<c/><b/>'));
    expect(tree('<b/>')).not.toEqual(tree('<b xmlns="v"/>'));
    expect(tree('<b>x</b>')).not.toEqual(tree('<b/>'));
    expect(() => tree('<b>')).toThrow();
  });
});

describe.skipIf(!hasTool)('wbxml2xml (needs libwbxml2-utils)', () => {
  it('demo: every WBXML body of a run says the same to wbxml2xml as to dmgw decode', async () => {
    const trace = join(dir, 'trace');
    const { code } = await demo(['--devices', '6', '--encoding', 'wbxml', '--trace', trace]);
    expect(code).toBe(0);
    const names = (await readdir(trace)).filter((name) => name.endsWith('.wbxml')).sort();
    // Both directions of at least packages 1 to 4 of each device.
    expect(names.length).toBeGreaterThanOrEqual(6 * 4);
    const seen = new Set<string>();
    for (const name of names) {
      const theirs = join(dir, `${name}.xml`);
      const ran = spawnSync('wbxml2xml', ['-k', '-m', '0', '-o', theirs, join(trace, name)], { encoding: 'utf8' });
      expect(ran.status, `${name}: ${ran.stderr}`).toBe(0);
      const ours = decoded(await readFile(join(trace, name)));
      expect(xmlTree(ours), name).toEqual(xmlTree(await readFile(theirs, 'utf8')));
      for (const [, element = ''] of ours.matchAll(/<([A-Z]\w+)/g)) seen.add(element);
    }
    for (const name of names.slice(0, 4)) {
      const printed = await dmgw(['decode', '--to', 'xml', join(trace, name)]);
      expect(printed).toEqual({ code: 0, stdout: `${decoded(await readFile(join(trace, name)))}\n`, stderr: '' });
    }
    // What was compared is the whole conversation: credentials, challenge, every command of the demo, answers.
    for (const element of ['Cred', 'Chal', 'Get', 'Replace', 'Exec', 'Alert', 'Status', 'Results', 'Final']) {
      expect([...seen]).toContain(element);
    }
  });
});
