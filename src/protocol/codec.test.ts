import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  commandsFromElements,
  decodeData,
  decodeFile,
  decodeMessage,
  emptyMessageBytes,
  encodeData,
  encodedBytes,
  encodeFile,
  encodeMessage,
  type WireForm,
} from './codec.ts';
import { toJson } from './element.ts';
import { DecodeError } from './errors.ts';
import type { Command, Message } from './message/message.ts';

const XML: WireForm = { encoding: 'xml' };
const WBXML: WireForm = { encoding: 'wbxml', version: 2 };
const VECTORS = new URL('../../test/vectors/', import.meta.url);

const read = (name: string): string => readFileSync(new URL(name, VECTORS), 'utf8');
const vectors = readdirSync(VECTORS)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length));

/** The sample of the project's fact sheet, made by hand from the token tables; the others by libwbxml, with its opaque Data made strings. */
describe.each(vectors)('vector %s', (name) => {
  const xml = Buffer.from(read(`${name}.xml`).trim());
  const wbxml = Buffer.from(read(`${name}.wbxml.hex`).replace(/\s/g, ''), 'hex');
  const message = JSON.parse(read(`${name}.json`)) as Message;

  it('decodes from both encodings to the same message', () => {
    expect(decodeMessage(xml, 'xml')).toEqual({ message, form: XML });
    expect(decodeMessage(wbxml, 'wbxml')).toEqual({ message, form: WBXML });
  });

  it('encodes to the same bytes', () => {
    expect(Buffer.from(encodeMessage(message, XML)).toString()).toBe(xml.toString());
    expect(Buffer.from(encodeMessage(message, WBXML)).toString('hex')).toBe(wbxml.toString('hex'));
  });

  it.each([xml, wbxml])('is refused wherever it is cut (%#)', (whole) => {
    const encoding = whole === xml ? 'xml' : 'wbxml';
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => decodeMessage(whole.subarray(0, length), encoding), `${length} bytes`).toThrow(DecodeError);
    }
  });

  it.each([XML, WBXML])('has the size that its parts add up to: $encoding', (form) => {
    const parts = message.body.map((command) => encodedBytes(command, form));
    const total = parts.reduce((sum, bytes) => sum + bytes, emptyMessageBytes(message.hdr, form));
    expect(total).toBe(encodeMessage({ ...message, final: true }, form).length);
  });
});

describe('encoding', () => {
  const octets = Uint8Array.of(0, 1, 0xfe, 0xff);
  const replace = (format: string | undefined): Command => ({
    kind: 'Replace',
    cmdId: '1',
    items: [{ target: { locUri: './A' }, meta: { format, type: 'application/octet-stream', size: 4 }, data: octets }],
  });
  const message = (command: Command): Message => ({
    hdr: {
      verDtd: '1.2',
      verProto: 'DM/1.2',
      sessionId: '1',
      msgId: '1',
      target: { locUri: 'a' },
      source: { locUri: 'b' },
    },
    body: [command],
    final: true,
  });

  it('keeps octets in WBXML, in the version of the form', () => {
    const form: WireForm = { encoding: 'wbxml', version: 3 };
    const decoded = decodeMessage(encodeMessage(message(replace('bin')), form), 'wbxml');
    expect(decoded.form).toEqual(form);
    expect(decoded.message.body).toEqual([replace('bin')]);
  });

  it.each(['bin', undefined])('writes octets of Format %s as base64 in XML, and says so', (format) => {
    const { body } = decodeMessage(encodeMessage(message(replace(format)), XML), 'xml').message;
    expect(body[0]).toMatchObject({
      items: [{ meta: { format: 'b64', type: 'application/octet-stream', size: 8 }, data: 'AAH+/w==' }],
    });
  });

  it('writes text with control characters as base64 in XML too', () => {
    const command: Command = { kind: 'Add', cmdId: '1', items: [{ target: { locUri: './A' }, data: 'a\0b' }] };
    const { body } = decodeMessage(encodeMessage(message(command), XML), 'xml').message;
    expect(body[0]).toMatchObject({ items: [{ meta: { format: 'b64' }, data: 'YQBi' }] });
  });

  it('refuses a character that no text outside of Data can hold', () => {
    const command: Command = { kind: 'Get', cmdId: '1', items: [{ target: { locUri: './A\u0001' } }] };
    expect(() => encodeMessage(message(command), XML)).toThrow(expect.objectContaining({ code: 'XML_CHARACTER' }));
  });

  it('writes namespace and public identifier of the version that the header says', () => {
    const old: Message = { ...message(replace('bin')), hdr: { ...message(replace('bin')).hdr, verDtd: '1.1' } };
    expect(Buffer.from(encodeMessage(old, XML)).toString()).toMatch(/^<SyncML xmlns="SYNCML:SYNCML1\.1"><SyncHdr>/);
    expect(Buffer.from(encodeMessage(old, WBXML)).toString('hex')).toMatch(/^029f536a006d/);
    for (const form of [XML, WBXML]) {
      expect(decodeMessage(encodeMessage(old, form), form.encoding).message.hdr.verDtd).toBe('1.1');
      expect(encodeMessage(old, form).length).toBe(encodeMessage(message(replace('bin')), form).length);
    }
  });

  it('counts a command that has no CmdID yet', () => {
    const numbered: Command = { kind: 'Get', cmdId: '7', items: [{ target: { locUri: './A' } }] };
    const { kind, items } = numbered;
    expect(encodedBytes({ kind, items }, XML)).toBe(encodedBytes(numbered, XML) - '<CmdID>7</CmdID>'.length);
  });
});

describe('files', () => {
  it.each([XML, WBXML])('hold fragments with several roots: $encoding', (form) => {
    const { elements } = decodeFile(Buffer.from('<Get><CmdID>1</CmdID></Get>\n<A:Type>text/plain</A:Type><Final/>'));
    const again = decodeFile(encodeFile(elements, form));
    expect(again.encoding).toBe(form.encoding);
    expect(again.elements.map(toJson)).toEqual([
      { Get: [{ CmdID: '1' }] },
      { 'metinf:Type': 'text/plain' },
      { Final: '' },
    ]);
  });

  const TNDS = '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>A</NodeName></Node></MgmtTree>';

  it('are embedded in Data in the form of the message, and read in every form', () => {
    const tree = decodeFile(Buffer.from(TNDS)).elements;
    expect(encodeData(tree, XML)).toBe(TNDS);
    const document = encodeData(tree, WBXML);
    expect(Buffer.from(document as Uint8Array).toString('latin1')).toMatch(
      /^\x02\0\0j\x1b-\/\/OMA\/\/DTD-DM-DDF 1\.2\/\/EN\0\0\x02\x60w/,
    );
    const header = Buffer.from([2, 0xa4, 1, 0x6a, 0]);
    const inLine = Buffer.concat([
      header,
      Buffer.from('4f00026077 03312e320001 6466 03410001 01 01 0000 01'.replace(/ /g, ''), 'hex'),
    ]);
    for (const data of [TNDS, document, decodeFile(inLine).elements[0]?.text ?? '']) {
      expect(decodeData(data).map(toJson)).toEqual(tree.map(toJson));
    }
    expect(() => decodeData('no document')).toThrow(DecodeError);
  });

  it('hold DevInf apart from everything else in WBXML', () => {
    const elements = decodeFile(
      Buffer.from('<DevInf><VerDTD>1.1</VerDTD><CTCap><MaxSize>1</MaxSize></CTCap></DevInf>'),
    ).elements;
    expect(decodeFile(encodeFile(elements, WBXML)).elements.map(toJson)).toEqual(elements.map(toJson));
    const mixed = decodeFile(Buffer.from('<DevInf/><Get/>')).elements;
    expect(() => encodeFile(mixed, WBXML)).toThrow(expect.objectContaining({ code: 'WBXML_DOCUMENT' }));
  });

  it('give commands that know where they stood', () => {
    const { elements } = decodeFile(Buffer.from('<Get><CmdID>1</CmdID></Get> <Item/>'));
    expect(elements.map(({ offset }) => offset)).toEqual([0, 28]);
    expect(() => commandsFromElements(elements)).toThrow(expect.objectContaining({ offset: 28 }));
  });
});
