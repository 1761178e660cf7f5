import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
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
import { branch, type Element, leaf, toJson } from './element.ts';
import { ELEMENT_TYPES, type ElementType, elementType, isDevInf } from './elements.ts';
import { DecodeError } from './errors.ts';
import type { Command, Item, Location, Message, Meta, RequestCommand } from './message/message.ts';

const FORMS: readonly WireForm[] = [
  { encoding: 'xml' },
  { encoding: 'wbxml', version: 1 },
  { encoding: 'wbxml', version: 2 },
  { encoding: 'wbxml', version: 3 },
];
const RUNS = 600;
const MAX_DEPTH = 6;

/** What XML text can hold, with the characters that need care. */
const dataText = fc
  .string({
    unit: fc.oneof(fc.constantFrom('&', '<', '>', ']]>', '"', '\r', '\n', ' '), fc.string({ unit: 'binary' })),
  })
  .map((text) => text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ''));
/** Of the leaves whose outer white space does not count. */
const text = dataText.map((value) => value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''));
const word = fc.stringMatching(/^[A-Za-z0-9./:]{1,12}$/);
/** Never valid UTF-8, so that no decoder takes it for text. */
const octets = fc.uint8Array({ maxLength: 20 }).map((bytes) => Uint8Array.of(0xff, ...bytes));

function elementOf(type: ElementType, depth: number): fc.Arbitrary<Element> {
  switch (type.content) {
    case 'empty':
      return fc.constant(leaf(type.name));
    case 'text':
      return text.map((value) => leaf(type.name, value));
    case 'data':
      return dataText.map((value) => leaf(type.name, value));
    case 'elements': {
      const names = type.particles.flat();
      if (depth === 0) return fc.constant(branch(type.name, []));
      return fc
        .array(
          fc.constantFrom(...names).chain((name) => elementOf(elementType(name), depth - 1)),
          { maxLength: 4 },
        )
        .map((children) => branch(type.name, children));
    }
  }
}

const rootsOf = (types: readonly ElementType[]): fc.Arbitrary<Element[]> =>
  fc.array(
    fc.constantFrom(...types).chain((type) => elementOf(type, MAX_DEPTH)),
    { minLength: 1, maxLength: 2 },
  );
/** A DevInf element is never in one document with others. */
const roots = fc.oneof(
  { weight: 3, arbitrary: rootsOf(ELEMENT_TYPES.filter((type) => !isDevInf(type))) },
  { weight: 1, arbitrary: rootsOf(ELEMENT_TYPES.filter(isDevInf)) },
);
const devInfVersion = fc.constantFrom('1.0', '1.1', '1.2');

const location: fc.Arbitrary<Location> = fc.record({ locUri: text, locName: fc.option(text, { nil: undefined }) });
const size = fc.option(fc.nat(), { nil: undefined });
const optionalWord = fc.option(word, { nil: undefined });
const flag = fc.constantFrom(true as const, undefined);
const meta: fc.Arbitrary<Meta> = fc.record({
  format: optionalWord,
  type: optionalWord,
  mark: optionalWord,
  size,
  nextNonce: fc.option(fc.base64String({ maxLength: 12 }), { nil: undefined }),
  version: optionalWord,
  maxMsgBytes: size,
  maxObjBytes: size,
  emi: fc.option(fc.array(word, { minLength: 1, maxLength: 2 }), { nil: undefined }),
});
const optionalMeta = fc.option(meta, { nil: undefined });
const plainItem = fc.record({
  target: fc.option(location, { nil: undefined }),
  source: fc.option(location, { nil: undefined }),
  sourceParent: optionalWord,
  targetParent: optionalWord,
  meta: optionalMeta,
  data: fc.option(dataText, { nil: undefined }),
  moreData: flag,
});
const item: fc.Arbitrary<Item> = fc.oneof(
  plainItem,
  fc
    .record({ item: plainItem, meta: optionalMeta, field: plainItem, filterType: optionalWord })
    .map(({ item: inner, ...filter }) => ({ ...inner, target: { locUri: './A', filter } })),
);
const items = fc.array(item, { maxLength: 3 });
const cred = fc.option(fc.record({ meta: optionalMeta, data: word }), { nil: undefined });
const base = { cmdId: word, noResp: flag, cred, meta: optionalMeta, items };
const simpleCommand: fc.Arbitrary<RequestCommand> = fc.oneof(
  fc.record({ kind: fc.constantFrom('Add' as const, 'Replace' as const, 'Copy' as const), ...base }),
  fc.record({ kind: fc.constant('Get' as const), lang: optionalWord, ...base }),
  fc.record({ kind: fc.constant('Delete' as const), archive: flag, sftDel: flag, ...base }),
  fc.record({ kind: fc.constant('Exec' as const), correlator: optionalWord, ...base }),
  fc.record({
    kind: fc.constant('Alert' as const),
    code: size,
    correlator: optionalWord,
    cmdId: word,
    noResp: flag,
    cred,
    items,
  }),
  fc.record({
    kind: fc.constant('Foreign' as const),
    name: fc.constantFrom('Sync' as const, 'Put' as const),
    cmdId: word,
  }),
);
const containerOf = (commands: fc.Arbitrary<RequestCommand>): fc.Arbitrary<RequestCommand> =>
  fc.record({
    kind: fc.constantFrom('Atomic' as const, 'Sequence' as const),
    cmdId: word,
    noResp: flag,
    meta: optionalMeta,
    commands: fc.array(commands, { maxLength: 3 }),
  });
const command: fc.Arbitrary<Command> = fc.oneof(
  simpleCommand,
  containerOf(fc.oneof(simpleCommand, containerOf(simpleCommand))),
  fc.record({
    kind: fc.constant('Status' as const),
    cmdId: word,
    msgRef: word,
    cmdRef: word,
    cmd: word,
    targetRefs: fc.array(text, { maxLength: 2 }),
    sourceRefs: fc.array(text, { maxLength: 2 }),
    cred,
    chal: optionalMeta,
    code: fc.integer({ min: 100, max: 599 }),
    items,
  }),
  fc.record({
    kind: fc.constant('Results' as const),
    cmdId: word,
    msgRef: optionalWord,
    cmdRef: word,
    meta: optionalMeta,
    targetRef: optionalWord,
    sourceRef: optionalWord,
    items,
  }),
);
const message: fc.Arbitrary<Message> = fc.record({
  hdr: fc.record({
    verDtd: word,
    verProto: word,
    sessionId: word,
    msgId: word,
    target: location,
    source: location,
    respUri: optionalWord,
    noResp: flag,
    cred,
    meta: optionalMeta,
  }),
  body: fc.array(command, { maxLength: 4 }),
  final: fc.boolean(),
});

/** Fails unless decoding ends in a value or in a DecodeError inside the input. */
function decodesOrRefuses(decode: () => unknown, length: number): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(length);
  }
}

describe.each(FORMS)('$encoding $version', (form) => {
  it('reads every element tree that it wrote', () => {
    fc.assert(
      fc.property(roots, (sent) => {
        const again = decodeFile(encodeFile(sent, form)).elements;
        expect(again.map(toJson)).toEqual(sent.map(toJson));
      }),
      { numRuns: RUNS },
    );
  });

  it('reads every DevInf of each version that it wrote, also as Data of a message', () => {
    fc.assert(
      fc.property(devInfVersion, elementOf(elementType('devinf:DevInf'), MAX_DEPTH), (verDtd, { children }) => {
        const rest = children.filter(({ name }) => name !== 'devinf:VerDTD');
        const sent = branch('devinf:DevInf', [leaf('devinf:VerDTD', verDtd), ...rest]);
        expect(decodeFile(encodeFile([sent], form)).elements.map(toJson)).toEqual([toJson(sent)]);
        const item = branch('Item', [leaf('Data', encodeData([sent], form))]);
        const [again] = decodeFile(encodeFile([item], form)).elements;
        const data = again?.children[0]?.text ?? '';
        expect(decodeData(data).map(toJson)).toEqual([toJson(sent)]);
      }),
      { numRuns: RUNS / 2 },
    );
  });

  it('reads every message that it wrote, and knows its size', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const body = encodeMessage(sent, form);
        expect(decodeMessage(body, form.encoding)).toEqual({ message: sent, form });
        const whole = encodeMessage({ ...sent, final: true }, form).length;
        const parts = sent.body.map((each) => encodedBytes(each, form));
        expect(parts.reduce((sum, bytes) => sum + bytes, emptyMessageBytes(sent.hdr, form))).toBe(whole);
      }),
      { numRuns: RUNS },
    );
  });

  it('survives a changed octet', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat({ max: 255 }), (sent, place, octet) => {
        const body = Uint8Array.from(encodeMessage(sent, form));
        body[place % body.length] = octet;
        decodesOrRefuses(() => decodeMessage(body, form.encoding), body.length);
        decodesOrRefuses(() => decodeFile(body), body.length);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('any octets', () => {
  it('are read or refused', () => {
    const openings = fc.constantFrom([], [...Buffer.from('<SyncML>')], [2, 0xa4, 1, 0x6a, 0]);
    fc.assert(
      fc.property(openings, fc.uint8Array({ maxLength: 200 }), (opening, rest) => {
        const body = Uint8Array.from([...opening, ...rest]);
        decodesOrRefuses(() => decodeFile(body), body.length);
        decodesOrRefuses(() => decodeMessage(body, 'xml'), body.length);
        decodesOrRefuses(() => decodeMessage(body, 'wbxml'), body.length);
      }),
      { numRuns: 10 * RUNS },
    );
  });

  it('keep octets of Data through WBXML', () => {
    fc.assert(
      fc.property(octets, (data) => {
        const [again] = decodeFile(encodeFile([leaf('Data', data)], { encoding: 'wbxml', version: 2 })).elements;
        expect(again?.text).toEqual(data);
      }),
    );
  });
});
