import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeFile } from '../protocol/codec.ts';
import { decodeCommand } from './decode.ts';
import { encodeCommand } from './encode.ts';
import { describeError, EXIT, exitCodeOf } from './exit-code.ts';

const XML = '<SyncBody xmlns="SYNCML:SYNCML1.2"><Get><CmdID>1</CmdID></Get><Final/></SyncBody>';
const WBXML = '02a4016a006b534b03310001011201';

let folder: string;
let written: Buffer[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dmgw-codec-'));
  written = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written.push(Buffer.from(chunk));
    return true;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

async function run(name: 'decode' | 'encode', content: Uint8Array, ...options: string[]): Promise<Buffer> {
  const file = join(folder, 'document');
  await writeFile(file, content);
  const command = name === 'decode' ? decodeCommand() : encodeCommand();
  await command.parseAsync([...options, file], { from: 'user' });
  return Buffer.concat(written);
}

describe('dmgw decode', () => {
  it('writes either encoding as one line of XML', async () => {
    expect((await run('decode', Buffer.from(WBXML, 'hex'))).toString()).toBe(`${XML}\n`);
    written = [];
    expect((await run('decode', Buffer.from(`<?xml version="1.0"?>\n${XML}`))).toString()).toBe(`${XML}\n`);
  });

  it('writes JSON', async () => {
    const json = await run('decode', Buffer.from(WBXML, 'hex'), '--to', 'json');
    expect(JSON.parse(json.toString())).toEqual([{ SyncBody: [{ Get: [{ CmdID: '1' }] }, { Final: '' }] }]);
  });

  it.each([
    ['XML', Buffer.from('<SyncBody>\n<Oops/></SyncBody>'), 'unknown element <Oops> in <SyncBody> at 2:1 (XML_ELEMENT)'],
    [
      'WBXML',
      Buffer.from(WBXML.slice(0, 20), 'hex'),
      'document ends inside an inline string at byte 10 (WBXML_TRUNCATED)',
    ],
  ])('exits 2 with one line that says what is wrong and where: %s', async (_what, content, line) => {
    const error: unknown = await run('decode', content).catch((reason: unknown) => reason);
    expect(exitCodeOf(error)).toBe(EXIT.usage);
    expect(describeError(error)).toBe(line);
    expect(written).toEqual([]);
  });

  it('exits 2 for a file that is not there', async () => {
    const error: unknown = await decodeCommand()
      .parseAsync([join(folder, 'nothing')], { from: 'user' })
      .catch((reason: unknown) => reason);
    expect(exitCodeOf(error)).toBe(EXIT.usage);
    expect(describeError(error)).toMatch(/^cannot read .*nothing/);
  });
});

describe('dmgw encode', () => {
  it('writes WBXML unless told otherwise', async () => {
    expect((await run('encode', Buffer.from(XML))).toString('hex')).toBe(WBXML);
    written = [];
    expect((await run('encode', Buffer.from(WBXML, 'hex'), '--to', 'xml')).toString()).toBe(XML);
  });

  it('writes what decode reads: fragments with several roots', async () => {
    const wbxml = await run('encode', Buffer.from('<Final/><Final/>'));
    expect(decodeFile(wbxml).elements).toHaveLength(2);
  });
});
