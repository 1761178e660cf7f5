import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  decodeData,
  decodeFile,
  decodeMessage,
  encodeFile,
  encodeMessage,
  type WireForm,
} from '../../src/protocol/codec.ts';
import { childOf, type Element, toJson } from '../../src/protocol/element.ts';
import { DecodeError } from '../../src/protocol/errors.ts';
import { CORPUS, hasCorpus } from '../end-to-end/dmgw.ts';

const XML: WireForm = { encoding: 'xml' };
const WBXML: WireForm = { encoding: 'wbxml', version: 2 };

/**
 * What becomes of each file that is refused, that its source calls malformed, or that MANIFEST says is not well-formed.
 * Every other file is accepted.
 */
const OUTCOMES: ReadonlyMap<string, string> = new Map([
  // Documents of another kind: a tree with element names of its own, its proprietary WBXML, EMN, an excerpt of a SyncML.
  ['hostap/xml-messages/devinfo.xml', 'XML_ELEMENT'],
  ['cyanogen-oma-dm/wbxml/customization.wbxml', 'WBXML_CONTENT'],
  ['cyanogen-oma-dm/wbxml/devdetail_uri.wbxml', 'WBXML_CONTENT'],
  ['cyanogen-oma-dm/wbxml/managedobjects.wbxml', 'WBXML_CONTENT'],
  ['cyanogen-oma-dm/wbxml/root.wbxml', 'WBXML_CONTENT'],
  ['wbxml-stream/malformed/version-errors__emn-001-opaque-attr-webxml11-error.wbxml', 'WBXML_PUBLIC_ID'],
  // <CmdId> with children, made up to test another codec.
  ['buteo-syncml/xml-messages/toXMLtest.txt', 'XML_CONTENT'],
  // WBXML 1.0, and two files that a fuzzer made.
  ['wbxml-stream/malformed/version-errors__wv-069-opaque-tag-wbxml10-error.wbxml', 'XML_ENCODING'],
  [
    'libwbxml/malformed/SIGSEGV.PC.aaaaaaae39ac.STACK.0.CODE.1.ADDR.8.INSTR.ldrb_w20_x21_8.2024-03-11.003303.27182.fuzz',
    'XML_ENCODING',
  ],
  [
    'libwbxml/malformed/SIGABRT.PC.fffff7db0a10.STACK.0.CODE.-6.ADDR.0.INSTR.cmn_w0_0x1_lsl_12.2024-03-07.035819.705486.fuzz',
    'WBXML_PUBLIC_ID',
  ],
  // What only their sources call malformed.
  ['aosp-passpoint/malformed/PerProviderSubscription_DuplicateHomeSP.xml', 'accepted'],
  ['aosp-passpoint/malformed/PerProviderSubscription_InvalidName.xml', 'accepted'],
  ['aosp-passpoint/malformed/PerProviderSubscription_InvalidNode.xml', 'accepted'],
  ['buteo-syncml/malformed/respinvalid2.txt', 'accepted'],
  ['buteo-syncml/malformed/respinvalid3.txt', 'accepted'],
  ['buteo-syncml/malformed/respinvalid4.txt', 'accepted'],
  ['buteo-syncml/malformed/respinvalid6.txt', 'accepted'],
  ['wbxml-stream/malformed/version-errors__syncml-003-switch-tag-wbxml11-error.wbxml', 'accepted'],
  // An ampersand that is not escaped.
  ['cyanogen-oma-dm/xml-messages/dm11__testalertconfirm.xml', 'XML_REFERENCE'],
  ['cyanogen-oma-dm/xml-messages/dm11__testalertsinglechoice.xml', 'XML_REFERENCE'],
  ['cyanogen-oma-dm/xml-messages/dm11__testalerttextinput.xml', 'XML_REFERENCE'],
  ['cyanogen-oma-dm/xml-messages/dm12__testalertconfirm.xml', 'XML_REFERENCE'],
  ['cyanogen-oma-dm/xml-messages/dm12__testalertsinglechoice.xml', 'XML_REFERENCE'],
  ['cyanogen-oma-dm/xml-messages/dm12__testalerttextinput.xml', 'XML_REFERENCE'],
  // Several roots, or a prefix that nobody declares: files may have them.
  ['fleet-poc/xml-messages/atomic_install_msi.xml', 'accepted'],
  ['fleet-poc/xml-messages/disable_defender_realtime_scanning.xml', 'accepted'],
  ['fleet-poc/xml-messages/install_orbit.xml', 'accepted'],
  ['windows-itpro-docs/xml-messages/dynamicmanagement-csp.L140.xml', 'accepted'],
  ['windows-itpro-docs/xml-messages/dynamicmanagement-csp.L208.xml', 'accepted'],
  ['windows-itpro-docs/xml-messages/structure-of-oma-dm-provisioning-files.L159.xml', 'accepted'],
  ['windows-itpro-docs/xml-messages/vpnv2-csp.L659.xml', 'accepted'],
  ['windows-itpro-docs/xml-messages/vpnv2-csp.L693.xml', 'accepted'],
  // A tag that is never closed, or closed by another.
  ['fleet-tests/xml-messages/get_test.L2730.xml', 'XML_CONTENT'],
  ['windows-itpro-docs/xml-messages/clientcertificateinstall-csp.L374.xml', 'XML_CONTENT'],
  ['windows-itpro-docs/xml-messages/dmclient-csp.L231.xml', 'XML_CONTENT'],
  ['windows-itpro-docs/xml-messages/dmclient-csp.L72.xml', 'XML_CONTENT'],
  ['windows-itpro-docs/xml-messages/dmclient-csp.L772.xml', 'XML_CONTENT'],
  // A tag that is malformed.
  ['windows-itpro-docs/xml-messages/azure-active-directory-integration-with-mdm.L659.xml', 'XML_SYNTAX'],
  ['windows-itpro-docs/xml-messages/enterprisemodernappmanagement-csp.L137.xml', 'XML_SYNTAX'],
  // An XML declaration inside Data; one that says UTF-16 and is not.
  ['windows-itpro-docs/xml-messages/collect-wip-audit-event-logs.L104.xml', 'XML_SYNTAX'],
  ['windows-itpro-docs/xml-messages/collect-wip-audit-event-logs.L140.xml', 'XML_SYNTAX'],
  ['windows-itpro-docs/xml-messages/collect-wip-audit-event-logs.L87.xml', 'XML_SYNTAX'],
  ['windows-itpro-docs/xml-messages/enterpriseassignedaccess-csp.L1232.xml', 'XML_SYNTAX'],
  ['windows-itpro-docs/xml-messages/wifi-csp.L120.xml', 'XML_SYNTAX'],
  ['windows-itpro-docs/xml-messages/enterprisedesktopappmanagement-csp.L413.xml', 'XML_ENCODING'],
]);

/** The same for captures. A tree with element names of its own. */
const CAPTURE_OUTCOMES: ReadonlyMap<string, string> = new Map([['captures/hs20/devinfo.back.xml', 'XML_ELEMENT']]);

/** No document that a codec could read: source text and package #0. */
const OTHER_KINDS = /^(auth-vector|notification)$/;

interface CorpusFile {
  readonly path: string;
  readonly isCalledMalformed: boolean;
  readonly twin: string | undefined;
}

function manifest(): readonly CorpusFile[] {
  const [, ...rows] = readFileSync(join(CORPUS, 'MANIFEST.tsv'), 'utf8').trim().split('\n');
  return rows
    .map((row) => row.split('\t'))
    .filter(([, kind = '']) => !OTHER_KINDS.test(kind))
    .map(([path = '', kind = '', , , , , , , wellFormed = '', twin = '']) => ({
      path,
      isCalledMalformed: !wellFormed.startsWith('yes') || /malformed/.test(`${kind} ${path}`),
      twin: /^yes: (\S+)/.exec(twin)?.[1],
    }));
}

const files = hasCorpus ? manifest() : [];
const bytesOf = (path: string): Uint8Array => readFileSync(join(CORPUS, path));
const elementsOf = (bytes: Uint8Array): readonly Element[] => decodeFile(bytes).elements;
const json = (bytes: Uint8Array): unknown => elementsOf(bytes).map(toJson);
const again = (bytes: Uint8Array, form: WireForm): Uint8Array => encodeFile(elementsOf(bytes), form);

/**
 * As JSON, with the document that Data holds in place of its text or octets, and without the encoding in the Type of one:
 * these differ between the encodings.
 */
function withDocuments(element: Element): unknown {
  const { name, children, text } = element;
  if (children.length > 0) return { [name]: children.map(withDocuments) };
  if (name === 'metinf:Type' && typeof text === 'string') {
    return { [name]: text.replace(/^(application\/vnd\.syncml.*)\+(wb)?xml$/, '$1') };
  }
  if (name !== 'Data') return toJson(element);
  try {
    return { Data: decodeData(text).map(withDocuments) };
  } catch (error) {
    if (error instanceof DecodeError) return toJson(element);
    throw error;
  }
}

const comparable = (bytes: Uint8Array): unknown => elementsOf(bytes).map(withDocuments);

function outcomeOf(path: string): string {
  try {
    decodeFile(bytesOf(path));
    return 'accepted';
  } catch (error) {
    if (error instanceof DecodeError) return error.code;
    throw error;
  }
}

function survives(path: string, form: WireForm): void {
  // Octets become base64 on their way through XML: only what comes after is the same for ever.
  const bytes = path.endsWith('.wbxml') ? again(bytesOf(path), form) : bytesOf(path);
  expect(json(again(bytes, form)), path).toEqual(json(bytes));
}

describe.skipIf(!hasCorpus)('codec with the documents of others (needs ../shared/corpus)', () => {
  const accepted = files.filter(({ path }) => (OUTCOMES.get(path) ?? 'accepted') === 'accepted');

  it('reads each file but those that are listed, and those end as the list says', () => {
    expect(files.length).toBeGreaterThan(300);
    const wrong = files
      .map(({ path }) => ({ path, outcome: outcomeOf(path) }))
      .filter(({ path, outcome }) => outcome !== (OUTCOMES.get(path) ?? 'accepted'));
    expect(wrong).toEqual([]);
  });

  it('lists each file that is called malformed, and no file that does not exist', () => {
    const malformed = files.filter(({ isCalledMalformed }) => isCalledMalformed).map(({ path }) => path);
    expect(malformed.filter((path) => !OUTCOMES.has(path))).toEqual([]);
    const paths = new Set(files.map(({ path }) => path));
    expect(Array.from(OUTCOMES.keys()).filter((path) => !paths.has(path))).toEqual([]);
    const needless = Array.from(OUTCOMES).filter(
      ([path, outcome]) => outcome === 'accepted' && !malformed.includes(path),
    );
    expect(needless).toEqual([]);
  });

  it.each([XML, WBXML])('reads what it wrote of each as the same: $encoding', (form) => {
    for (const { path } of accepted) survives(path, form);
  });

  it('reads a WBXML file and its XML twin as the same', () => {
    const twins = accepted.filter(({ twin }) => twin !== undefined);
    expect(twins.length).toBeGreaterThan(15);
    for (const { path, twin = '' } of twins) expect(comparable(bytesOf(path)), path).toEqual(comparable(bytesOf(twin)));
  });

  const captures =
    hasCorpus && existsSync(join(CORPUS, 'captures'))
      ? readdirSync(join(CORPUS, 'captures'), { recursive: true, encoding: 'utf8' })
          .filter((path) => /\.(xml|wbxml)$/.test(path))
          .map((path) => join('captures', path))
      : [];
  const hasCaptures = captures.length > 0;

  it.skipIf(!hasCaptures)('reads each captured document, and what it wrote of it as the same (needs captures)', () => {
    expect(captures.length).toBeGreaterThan(50);
    for (const path of captures) {
      const outcome = CAPTURE_OUTCOMES.get(path) ?? 'accepted';
      expect(outcomeOf(path), path).toBe(outcome);
      if (outcome !== 'accepted') continue;
      survives(path, XML);
      survives(path, WBXML);
    }
  });

  // The responses to libdmclient were scripted, some with a DOCTYPE that no message may have.
  const messages = captures.filter((path) => /libdmclient.*request\.(xml|wbxml)$|webos-server.*-re/.test(path));

  it.skipIf(!hasCaptures)('reads each captured message as a peer, and what it answers back the same', () => {
    expect(messages.length).toBeGreaterThan(20);
    for (const path of messages) {
      const bytes = bytesOf(path);
      const { message, form } = decodeMessage(bytes, path.endsWith('.wbxml') ? 'wbxml' : 'xml');
      expect(decodeMessage(encodeMessage(message, form), form.encoding), path).toEqual({ message, form });
    }
  });

  it.skipIf(!hasCaptures)('reads each captured WBXML message as libwbxml did', () => {
    const decoded = captures.filter((path) => path.endsWith('.decoded.xml'));
    expect(decoded.length).toBeGreaterThan(3);
    for (const path of decoded) {
      expect(json(bytesOf(path.replace('.decoded.xml', '.wbxml'))), path).toEqual(json(bytesOf(path)));
    }
  });

  it.skipIf(!hasCorpus)('finds the DevInf that a device sent inside a message', () => {
    for (const encoding of ['xml', 'wbxml']) {
      const path = encoding === 'xml' ? 'xml-messages' : 'wbxml';
      const [message] = elementsOf(bytesOf(`wbxml-stream/${path}/syncml11__syncml-003.${encoding}`));
      const put = message && childOf(message, 'SyncBody')?.children.find(({ name }) => name === 'Put');
      const data = put && childOf(put, 'Item') && childOf(childOf(put, 'Item') ?? put, 'Data')?.text;
      const [devInf] = decodeData(data ?? '');
      expect(devInf && childOf(devInf, 'devinf:DevID')?.text).toBe('1218182THD000001-2');
    }
  });
});
