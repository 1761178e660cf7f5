import { describe, expect, it } from 'vitest';
import type { Command, Data, ResultsCommand } from '../message/message.ts';
import { assemble, noEndOfData } from './assembly.ts';

interface Chunk {
  readonly size?: number;
  readonly more?: boolean;
  readonly uri?: string;
  readonly cmdId?: string;
}

function replace(data: Data, { size, more, uri = './A', cmdId = '1' }: Chunk = {}): Command {
  return {
    kind: 'Replace',
    cmdId,
    items: [{ target: { locUri: uri }, meta: { format: 'chr', size }, data, moreData: more }],
  };
}

const STATUS: Command = {
  kind: 'Status',
  cmdId: '1',
  msgRef: '1',
  cmdRef: '0',
  cmd: 'SyncHdr',
  targetRefs: [],
  sourceRefs: [],
  code: 200,
  items: [],
};
const NEXT: Command = { kind: 'Alert', cmdId: '2', code: 1222, items: [] };

/** Takes messages in, one after the other; answers the Status of every chunk, and what was whole. */
function take(messages: readonly (readonly Command[])[], maxObjBytes = 100) {
  const codes: number[] = [];
  const whole: Command[] = [];
  const interrupted: string[] = [];
  let incoming: ReturnType<typeof assemble>['incoming'];
  for (const body of messages) {
    const taken = assemble(incoming, body, maxObjBytes);
    incoming = taken.incoming;
    for (const { command, code } of taken.parts) {
      if (code === undefined) whole.push(command);
      else codes.push(code);
    }
    const [item] = taken.interrupted ? noEndOfData(taken.interrupted).items : [];
    if (item?.target) interrupted.push(item.target.locUri);
  }
  return { codes, whole, interrupted, isOpen: incoming !== undefined };
}

function dataOf(command: Command | undefined): Data | undefined {
  return command && 'items' in command ? command.items[0]?.data : undefined;
}

describe('large objects', () => {
  it('receiver: puts the chunks of an object together under the CmdID of the last one', () => {
    const { codes, whole, isOpen } = take([
      [STATUS, replace('abc', { size: 9, more: true })],
      [STATUS, NEXT, replace('def', { more: true, cmdId: '3' })],
      [STATUS, replace('ghi', { cmdId: '4' }), replace('other', { uri: './B', cmdId: '5' })],
    ]);
    expect(codes).toEqual([213, 213]);
    const objects = whole.filter(({ kind }) => kind === 'Replace');
    expect(objects.map(({ cmdId }) => cmdId)).toEqual(['4', '5']);
    expect(objects.map(dataOf)).toEqual(['abcdefghi', 'other']);
    expect(objects[0]).toMatchObject({ items: [{ target: { locUri: './A' }, meta: { format: 'chr', size: 9 } }] });
    expect(isOpen).toBe(false);
  });

  it('receiver: joins octets and text as octets', () => {
    const first = Uint8Array.of(0xff, 1);
    const { whole } = take([[replace(first, { size: 4, more: true })], [replace('ab')]]);
    expect(dataOf(whole[0])).toEqual(Buffer.from([0xff, 1, 0x61, 0x62]));
  });

  it('receiver: takes the size in every chunk for no new object', () => {
    const { whole } = take([[replace('ab', { size: 4, more: true })], [replace('cd', { size: 4 })]]);
    expect(whole.map(dataOf)).toEqual(['abcd']);
  });

  it('receiver: refuses an object that does not say its size [411], to its end', () => {
    const { codes, whole } = take([[replace('ab', { more: true })], [replace('cd', { more: true })], [replace('ef')]]);
    expect(codes).toEqual([411, 411, 411]);
    expect(whole).toEqual([]);
  });

  it('receiver: refuses an object that is too large [413], announced or not', () => {
    expect(take([[replace('ab', { size: 101, more: true })], [replace('cd')]]).codes).toEqual([413, 413]);
    const grows = take([[replace('x'.repeat(60), { size: 100, more: true })], [replace('y'.repeat(50))]]);
    expect(grows.codes).toEqual([213, 413]);
    expect(grows.whole).toEqual([]);
  });

  it('receiver: refuses an object whose size is not as announced [424], and executes nothing of it', () => {
    const short = take([[replace('ab', { size: 9, more: true })], [replace('cd')]]);
    expect(short.codes).toEqual([213, 424]);
    expect(short.whole).toEqual([]);
  });

  it('receiver: says that an object was broken off, and takes what broke it off', () => {
    const { whole, interrupted, isOpen } = take([
      [replace('ab', { size: 9, more: true })],
      [replace('other', { uri: './B' })],
    ]);
    expect(interrupted).toEqual(['./A']);
    expect(whole.map(dataOf)).toEqual(['other']);
    expect(isOpen).toBe(false);
  });

  it('receiver: tells Results of different commands apart', () => {
    const results = (cmdRef: string, data: string, size?: number): ResultsCommand => ({
      kind: 'Results',
      cmdId: '1',
      msgRef: '1',
      cmdRef,
      items: [{ source: { locUri: './A' }, meta: { size }, data, moreData: size === undefined ? undefined : true }],
    });
    const { whole } = take([[results('1', 'ab', 4)], [results('2', 'cd')]]);
    expect(whole.map(dataOf)).toEqual(['cd']);
  });
});
