import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  commandsFromElements,
  decodeFile,
  decodeMessage,
  emptyMessageBytes,
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

  it('give commands that know where they stood', () => {
    const { elements } = decodeFile(Buffer.from('<Get><CmdID>1</CmdID></Get> <Item/>'));
    expect(elements.map(({ offset }) => offset)).toEqual([0, 28]);
    expect(() => commandsFromElements(elements)).toThrow(expect.objectContaining({ offset: 28 }));
  });
});
