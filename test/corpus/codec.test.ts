import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeFile, decodeMessage, encodeFile, encodeMessage, type WireForm } from '../../src/protocol/codec.ts';
import { toJson } from '../../src/protocol/element.ts';
import { DecodeError } from '../../src/protocol/errors.ts';
import { CORPUS, hasCorpus } from '../end-to-end/dmgw.ts';

const XML: WireForm = { encoding: 'xml' };
const WBXML: WireForm = { encoding: 'wbxml', version: 2 };

/** Well-formed, and still refused: what stands there is not in the element table. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  // MSFT:SupportedValues, an extension of the DDF that is not in its DTD.
  ['windows-itpro-docs/ddf/bitlocker-ddf-file.L24.xml', 'XML_ELEMENT'],
  ['windows-itpro-docs/ddf/passportforwork-ddf.L25.xml', 'XML_ELEMENT'],
  // <Set/> as AccessType.
  ['windows-itpro-docs/ddf/certificatestore-ddf-file.L23.xml', 'XML_ELEMENT'],
  // <CmdId> with children, made up to test another codec.
  ['buteo-syncml/xml-messages/toXMLtest.txt', 'XML_CONTENT'],
  // Documents of other kinds: DevInf, EMN, a tree of its own.
  ['hostap/xml-messages/devinfo.xml', 'XML_ELEMENT'],
  ['wbxml-stream/wbxml/devinf__devinf-011.wbxml', 'WBXML_PUBLIC_ID'],
  ['wbxml-stream/malformed/version-errors__emn-001-opaque-attr-webxml11-error.wbxml', 'WBXML_PUBLIC_ID'],
  ['cyanogen-oma-dm/wbxml/customization.wbxml', 'WBXML_CONTENT'],
  ['cyanogen-oma-dm/wbxml/devdetail_uri.wbxml', 'WBXML_CONTENT'],
  ['cyanogen-oma-dm/wbxml/managedobjects.wbxml', 'WBXML_CONTENT'],
  ['cyanogen-oma-dm/wbxml/root.wbxml', 'WBXML_CONTENT'],
  // WBXML 1.0, and a file that begins in the middle of one.
  ['wbxml-stream/malformed/version-errors__wv-069-opaque-tag-wbxml10-error.wbxml', 'XML_ENCODING'],
  [
    'libwbxml/malformed/SIGSEGV.PC.aaaaaaae39ac.STACK.0.CODE.1.ADDR.8.INSTR.ldrb_w20_x21_8.2024-03-11.003303.27182.fuzz',
    'XML_ENCODING',
  ],
]);

/** Twins that differ where Data holds markup: XML keeps it as written, WBXML knows neither its blanks nor its quotes. */
const MARKUP_IN_DATA: readonly string[] = [
  'XML-WBXML-SyncML/wbxml/my-005.wbxml',
  'XML-WBXML-SyncML/wbxml/my-010.wbxml',
  'wbxml-stream/wbxml/syncml11__syncml-005.wbxml',
  'wbxml-stream/wbxml/syncml11__syncml-010.wbxml',
  // A DevInf document of its own as opaque Data.
  'wbxml-stream/wbxml/syncml11__syncml-003.wbxml',
  'wbxml-stream/wbxml/version-errors__syncml-003-switch-tag-wbxml12-ok.wbxml',
  'wbxml-stream/malformed/version-errors__syncml-003-switch-tag-wbxml11-error.wbxml',
];

interface CorpusFile {
  readonly path: string;
  readonly isWellFormed: boolean;
  readonly twin: string | undefined;
}

const KINDS = /^(xml-message|xml-fragment|ddf|tnds|wbxml|malformed-)/;

function manifest(): readonly CorpusFile[] {
  const [, ...rows] = readFileSync(join(CORPUS, 'MANIFEST.tsv'), 'utf8').trim().split('\n');
  return rows
    .map((row) => row.split('\t'))
    .filter(([, kind = '']) => KINDS.test(kind))
    .map(([path = '', , , , , , , , wellFormed = '', twin = '']) => ({
      path,
      isWellFormed: wellFormed.startsWith('yes'),
      twin: /^yes: (\S+)/.exec(twin)?.[1],
    }));
}

const files = hasCorpus ? manifest() : [];
const bytesOf = (path: string): Uint8Array => readFileSync(join(CORPUS, path));
const json = (bytes: Uint8Array): unknown => decodeFile(bytes).elements.map(toJson);
const again = (bytes: Uint8Array, form: WireForm): Uint8Array => encodeFile(decodeFile(bytes).elements, form);

function outcomeOf(path: string): string {
  try {
    decodeFile(bytesOf(path));
    return 'accepted';
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

describe.skipIf(!hasCorpus)('codec with the documents of others (needs ../shared/corpus)', () => {
  const accepted = files.filter(({ path, isWellFormed }) => isWellFormed && !REFUSED.has(path));

  it('reads each well-formed file but those that are listed', () => {
    const wellFormed = files.filter(({ isWellFormed }) => isWellFormed);
    expect(wellFormed.length).toBeGreaterThan(250);
    const unexpected = wellFormed
      .map(({ path }) => ({ path, outcome: outcomeOf(path) }))
      .filter(({ path, outcome }) => outcome !== (REFUSED.get(path) ?? 'accepted'));
    expect(unexpected).toEqual([]);
  });

  it('refuses what is not well-formed with a place, or reads it as a file', () => {
    for (const { path, isWellFormed } of files)
      if (!isWellFormed) expect(outcomeOf(path), path).toMatch(/^accepted$|ML_/);
  });

  it.each([XML, WBXML])('reads what it wrote of each as the same: $encoding', (form) => {
    for (const { path } of accepted) {
      // Octets become base64 on their way through XML: only what comes after is the same for ever.
      const bytes = path.endsWith('.wbxml') ? again(bytesOf(path), form) : bytesOf(path);
      expect(json(again(bytes, form)), path).toEqual(json(bytes));
    }
  });

  it('reads a WBXML file and its XML twin as the same', () => {
    const twins = accepted.filter(({ path, twin }) => twin !== undefined && !MARKUP_IN_DATA.includes(path));
    expect(twins.length).toBeGreaterThan(5);
    for (const { path, twin = '' } of twins) expect(json(bytesOf(path)), path).toEqual(json(bytesOf(twin)));
  });

  const captures =
    hasCorpus && existsSync(join(CORPUS, 'captures'))
      ? readdirSync(join(CORPUS, 'captures'), { recursive: true, encoding: 'utf8' }).filter((path) =>
          /\d\d-re.*\.(xml|wbxml)$/.test(path),
        )
      : [];
  // The other responses were scripted, some with a DOCTYPE that no message may have.
  const messages = captures.filter((path) => /^libdmclient.*request\.(xml|wbxml)$|^webos-server/.test(path));

  it('reads each captured message as a peer, and what it answers back the same', () => {
    expect(messages.length).toBeGreaterThan(20);
    for (const path of messages) {
      const bytes = bytesOf(join('captures', path));
      const { message, form } = decodeMessage(bytes, path.endsWith('.wbxml') ? 'wbxml' : 'xml');
      expect(decodeMessage(encodeMessage(message, form), form.encoding), path).toEqual({ message, form });
    }
  });

  it('reads each captured WBXML message as libwbxml did', () => {
    const decoded = captures.filter((path) => path.endsWith('.decoded.xml'));
    expect(decoded.length).toBeGreaterThan(3);
    for (const path of decoded) {
      const wbxml = bytesOf(join('captures', path.replace('.decoded.xml', '.wbxml')));
      expect(json(wbxml), path).toEqual(json(bytesOf(join('captures', path))));
    }
  });
});
