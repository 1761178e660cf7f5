import { describe, expect, it } from 'vitest';
import { type Element, toJson } from '../element.ts';
import { DecodeError } from '../errors.ts';
import { DEFAULT_LIMITS, type DecodeMode } from '../limits.ts';
import { readWbxml } from './reader.ts';

const HEADER = '02 A4 01 6A 00';
/** Bytes in hexadecimal; what stands in quotes is text. */
function bytes(notation: string): Uint8Array {
  const hex = notation.replace(/"([^"]*)"/g, (_whole, text: string) => Buffer.from(text).toString('hex'));
  return Buffer.from(hex.replace(/\s/g, ''), 'hex');
}

const read = (notation: string, mode: DecodeMode = 'wire', limits = DEFAULT_LIMITS): readonly Element[] =>
  readWbxml(bytes(notation), mode, limits).roots;

const json = (body: string, header = HEADER): unknown => read(`${header} ${body}`).map(toJson);

function refusal(notation: string, mode: DecodeMode = 'wire', limits = DEFAULT_LIMITS): DecodeError {
  try {
    read(notation, mode, limits);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('WBXML reader: headers', () => {
  it.each([
    ['WBXML 1.1', '01 A4 01 6A 00', 1],
    ['WBXML 1.3', '03 A4 01 6A 00', 3],
    ['SyncML 1.1', '02 9F 53 6A 00', 2],
    ['no character set', '02 A4 01 00 00', 2],
    ['an unknown document type', '02 01 6A 00', 2],
    ['a name of 29 bytes', '02 00 00 6A 1D "-//SYNCML//DTD SyncML 1.2//EN"', 2],
    ['a name of 30 bytes', '02 00 00 6A 1E "-//SYNCML//DTD SyncML 1.2//EN" 00', 2],
    ['SyncML 1.0', '01 9F 51 6A 00', 1],
    ['a name of another version', '02 00 00 6A 1D "-//SYNCML//DTD SyncML 1.1//EN"', 2],
    ['a name further back', '03 00 03 6A 1F "ab" 00 "-//OMA//DTD-DM-DDF 1.2//EN" 00 00', 3],
  ])('understands %s', (_what, header, version) => {
    expect(readWbxml(bytes(`${header} 12`), 'wire', DEFAULT_LIMITS)).toMatchObject({
      version,
      roots: [{ name: 'Final' }],
    });
  });

  it.each([
    ['WBXML_VERSION', '00 A4 01 6A 00 12'],
    ['WBXML_VERSION', '04 A4 01 6A 00 12'],
    ['WBXML_PUBLIC_ID', '02 0D 6A 00 12'],
    ['WBXML_PUBLIC_ID', '02 00 00 6A 03 "abc" 12'],
    ['WBXML_STRING_TABLE', '02 00 07 6A 03 "abc" 12'],
    ['WBXML_CHARSET', '02 A4 01 04 00 12'],
    ['WBXML_INTEGER', '02 FF FF FF FF FF 7F 6A 00 12'],
    ['WBXML_TRUNCATED', '02 A4 01 6A 09 12'],
    ['WBXML_ROOT', HEADER],
  ])('%s for %s', (code, notation) => {
    expect(refusal(notation).code).toBe(code);
  });
});

describe('WBXML reader: bodies', () => {
  it.each([
    ['a string', '4B 03 "ab" 00 01'],
    ['opaque data', '4B C3 02 "ab" 01'],
    ['pieces', '4B 03 "a" 00 C3 01 "b" 03 00 01'],
    ['entities', '4B 02 61 02 62 01'],
    ['a switch to the page in force', '00 00 4B 03 "ab" 00 00 00 01'],
    ['white space around it', '4B 03 " ab" 0A 00 01'],
    ['attributes', 'CB 04 00 03 "x" 00 85 01 03 "ab" 00 01'],
    ['a processing instruction', '43 04 00 03 "x" 00 01 4B 03 "ab" 00 01'],
    ['one octet behind it', '4B 03 "ab" 00 01 00'],
  ])('understand text as %s', (_what, body) => {
    expect(json(body)).toEqual([{ CmdID: 'ab' }]);
  });

  it('understand the string table and literal tags', () => {
    const header = '02 A4 01 6A 0B "ab" 00 "x:CmdID" 00';
    expect(json('44 03 83 00 01', header)).toEqual([{ CmdID: 'ab' }]);
    expect(json('C4 03 04 03 83 00 01 83 00 01', header)).toEqual([{ CmdID: 'ab' }]);
    expect(json('04 05', header)).toEqual([{ CmdID: '' }]);
  });

  it.each([
    ['DevInf 1.2', '03 A4 03 6A 00', 'devinf:MaxSize'],
    ['DevInf 1.1', '03 9F 54 6A 00', 'devinf:Size'],
    ['DevInf 1.0', '01 9F 52 6A 00', 'devinf:Size'],
    ['DevInf 1.1 by name', '02 00 00 6A 1D "-//SYNCML//DTD DevInf 1.1//EN"', 'devinf:Size'],
    ['a document that does not say that it is DevInf', '02 01 6A 00', 'devinf:MaxSize'],
  ])('understand %s', (_what, header, size) => {
    expect(json('4A 65 03 "1.1" 00 01 45 5C 03 "5" 00 01 01 28 01', header)).toEqual([
      { 'devinf:DevInf': [{ 'devinf:VerDTD': '1.1' }, { 'devinf:CTCap': [{ [size]: '5' }] }, { 'devinf:UTC': '' }] },
    ]);
  });

  it.each(['4E 47 03 "chr" 00 01 01', '00 01 4E 47 03 "chr" 00 01 01'])('understand MetInf on its own: %s', (body) => {
    expect(json(body, '02 A4 02 6A 00')).toEqual([{ 'metinf:MetInf': [{ 'metinf:Format': 'chr' }] }]);
  });

  it('take a Cmd for a Cmd where the document does not say what it is', () => {
    expect(json('54 4A 03 "Get" 00 01 01', '02 01 6A 00')).toEqual([{ Item: [{ Cmd: 'Get' }] }]);
    expect(json('4A 03 "Get" 00 01', '02 01 6A 00')).toEqual([{ Cmd: 'Get' }]);
  });

  it('leave out what is unknown in Meta, and only there', () => {
    expect(json('5A 00 01 7F 03 "x" 00 45 01 01 53 03 "a" 00 01 01')).toEqual([{ Meta: [{ 'metinf:Type': 'a' }] }]);
    expect(refusal(`${HEADER} 54 7F 01 01`)).toMatchObject({ code: 'WBXML_ELEMENT', offset: 6 });
  });

  it('turn page 2 inside Data into its XML', () => {
    expect(json('4F 00 02 60 77 03 "1.2" 00 01 01 01')).toEqual([
      { Data: '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD></MgmtTree>' },
    ]);
  });

  it('turn literal tags and attributes inside Data into XML, in their order', () => {
    const header = '02 A4 01 6A 0B "a" 00 "x:b" 00 "c d" 00 00';
    const body = '4F 03 "1<" 00 C4 00 04 02 03 "&" 00 85 83 00 01 C3 01 "2" 04 02 01 02 26 44 07 01 01';
    const error = refusal(`${header} ${body}`);
    expect(error).toMatchObject({ code: 'WBXML_ELEMENT' });
    expect(json(body.replace(' 44 07 01', ''), header)).toEqual([{ Data: '1&lt;<a b="&amp;a">2<b/></a>&amp;' }]);
    expect(refusal(`${header} 4F 04 00 C3 01 C3 01`).code).toBe('WBXML_TEXT');
  });

  it.each([
    ['text where it is text', '4F C3 03 "aö" 01', 'aö'],
    ['octets where it is not', '4F C3 02 C3 28 01', { base64: 'wyg=' }],
    ['octets where XML has no such character', '4F 03 "a" 02 00 01', { base64: 'YQI=' }],
    ['a letter cut in two', '4F C3 01 C3 C3 01 B6 01', 'ö'],
    ['a child list without the NUL at its end', '4F C3 04 "a/b" 00 01', 'a/b'],
    ['octets with the NUL at their end', '4F C3 02 FF 00 01', { base64: '/wA=' }],
  ])('keep Data as %s', (_what, body, expected) => {
    expect(json(body)).toEqual([{ Data: expected }]);
  });

  it('keep the NUL at the end of Data that is declared binary', () => {
    const item = '54 5A 00 01 47 03 "bin" 00 01 01 00 00 4F C3 02 "a" 00 01 01';
    expect(json(item)).toEqual([{ Item: [{ Meta: [{ 'metinf:Format': 'bin' }] }, { Data: { base64: 'YQA=' } }] }]);
  });

  it.each([
    ['WBXML_TRAILING', '12 00 00'],
    ['WBXML_ELEMENT', '3D'],
    ['WBXML_ELEMENT', '00 07 45 01'],
    ['WBXML_CONTENT', '03 "a" 00 12'],
    ['WBXML_CONTENT', '6B 03 "a" 00 01'],
    ['WBXML_CONTENT', '4B 4B 01 01'],
    ['WBXML_CONTENT', '52 03 "a" 00 01'],
    ['WBXML_TEXT', '4B 03 C3 28 00 01'],
    ['WBXML_TEXT', '4B C3 01 00 01 01'],
    ['WBXML_TEXT', '4B 02 00 01'],
    ['WBXML_STRING_TABLE', '4B 83 00 01'],
    ['WBXML_TOKEN', '01'],
    ['WBXML_TOKEN', '4B C0 01'],
    ['WBXML_TOKEN', '4B 40 "a" 00 01'],
    ['WBXML_TRUNCATED', '4B 03 "ab"'],
    ['WBXML_TRUNCATED', '4B C3 05 "ab" 01'],
    ['WBXML_TRUNCATED', 'CB 04'],
  ])('%s for %s', (code, body) => {
    const error = refusal(`${HEADER} ${body}`);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/ at byte \d+$/);
  });

  it('are refused beyond the limits', () => {
    const body = `${HEADER} 54 5A 00 01 53 01 01 01`;
    expect(refusal(body, 'wire', { ...DEFAULT_LIMITS, maxBytes: 8 }).code).toBe('WBXML_LIMIT');
    expect(refusal(body, 'wire', { ...DEFAULT_LIMITS, maxElements: 2 }).code).toBe('WBXML_LIMIT');
    expect(refusal(body, 'wire', { ...DEFAULT_LIMITS, maxDepth: 2 }).code).toBe('WBXML_LIMIT');
  });

  it('cannot make much text out of few octets', () => {
    const table = `02 A4 01 6A 28 "${'a'.repeat(39)}" 00`;
    const limits = { ...DEFAULT_LIMITS, maxBytes: 100 };
    expect(refusal(`${table} 4F ${'83 00'.repeat(5)} 01`, 'wire', limits).code).toBe('WBXML_LIMIT');
  });

  it('are refused wherever they are cut', () => {
    const whole = bytes(
      `${HEADER} 6D 6C 71 03 "1.2" 00 01 01 6B 54 5A 00 01 47 03 "chr" 00 01 01 00 00 4F C3 01 "x" 01 01 12 01 01`,
    );
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => readWbxml(whole.subarray(0, length), 'file', DEFAULT_LIMITS)).toThrow(DecodeError);
    }
    expect(readWbxml(whole, 'wire', DEFAULT_LIMITS).roots).toHaveLength(1);
  });
});
