import { describe, expect, it } from 'vitest';
import { encodeMessage, type WireForm } from '../codec.ts';
import type { Item, RequestCommand, SyncHdr, Unnumbered } from '../message/message.ts';
import { GrowingMessage } from './outgoing.ts';

const XML: WireForm = { encoding: 'xml' };
const FORMS: readonly WireForm[] = [XML, { encoding: 'wbxml', version: 1 }, { encoding: 'wbxml', version: 3 }];
const HDR: SyncHdr = {
  verDtd: '1.2',
  verProto: 'DM/1.2',
  sessionId: '1',
  msgId: '2',
  target: { locUri: 'urn:dev:1' },
  source: { locUri: 'http://gateway/dm' },
  meta: { maxMsgBytes: 4096 },
};
const ITEM: Item = { target: { locUri: './DevDetail/SwV' }, meta: { format: 'chr' }, data: 'größer & kleiner' };
const STATUS: Unnumbered = {
  kind: 'Status',
  msgRef: '1',
  cmdRef: '0',
  cmd: 'SyncHdr',
  targetRefs: [],
  sourceRefs: [],
  code: 200,
  items: [],
  chal: { format: 'b64', nextNonce: 'bm9uY2U=' },
};
const GET: RequestCommand = { kind: 'Get', cmdId: 'a', items: [ITEM] };
/** Ends where code page 1 is in force. */
const META_LAST: RequestCommand = { kind: 'Sequence', cmdId: 'b', meta: { type: 'text/plain' }, commands: [] };
const NESTED: RequestCommand = { kind: 'Atomic', cmdId: 'c', commands: [GET, { ...GET, kind: 'Replace', cmdId: 'd' }] };
const BODIES: readonly (readonly Unnumbered[])[] = [
  [STATUS],
  [STATUS, GET, NESTED],
  [STATUS, META_LAST],
  [META_LAST, META_LAST, GET, META_LAST],
];

describe('message that grows', () => {
  it.each(FORMS.flatMap((form) => BODIES.flatMap((body) => [true, false].map((final) => ({ form, body, final })))))(
    'protocol: has the octets of the message as a whole, $form.encoding, final $final',
    ({ form, body, final }) => {
      const growing = new GrowingMessage(HDR, form);
      for (const command of body) growing.add(command);
      const { message, octets } = growing.end(final);
      expect(Buffer.from(octets).toString('hex')).toBe(Buffer.from(encodeMessage(message, form)).toString('hex'));
    },
  );

  it.each(FORMS)('protocol: takes commands up to the last octet of the limit, $encoding', (form) => {
    const whole = new GrowingMessage(HDR, form);
    for (const command of [STATUS, GET, META_LAST]) whole.add(command);
    const { length } = encodeMessage(whole.end(true).message, form);
    const addAll = (maxMsgBytes: number): boolean => {
      const growing = new GrowingMessage(HDR, form, maxMsgBytes);
      growing.add(STATUS);
      return [GET, META_LAST].every((command) => growing.addIfFits(command) !== undefined);
    };
    expect(addAll(length)).toBe(true);
    expect(addAll(length - 1)).toBe(false);
  });

  it('protocol: gives the same commands of an application the CmdIDs of each message, also when it has sent them before', () => {
    const sent = (form: WireForm, before: number): string[] => {
      const growing = new GrowingMessage(HDR, form, 4096);
      for (let count = 0; count < before; count += 1) growing.add(STATUS);
      for (const command of [NESTED, GET]) growing.addIfFits(command);
      const { message, octets } = growing.end(true);
      expect(octets).toEqual(encodeMessage(message, form));
      return message.body.slice(before).map(({ cmdId }) => cmdId);
    };
    for (const form of [...FORMS, ...FORMS]) {
      for (let before = 1; before < 12; before += 1) {
        expect(sent(form, before)).toEqual([String(before + 1), String(before + 4)]);
      }
    }
  });
});
