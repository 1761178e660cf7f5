import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { completed, decodeDeResult, encodeDeResult, missingStatus } from './de-result.ts';
import { EXEC, GET, statuses } from '../../test/fanout/scenario.ts';

const LEAVES: RequestCommand = {
  kind: 'Get',
  cmdId: 'c',
  items: ['./A', './B', './C'].map((locUri) => ({ target: { locUri } })),
};
const ATOMIC: RequestCommand = { kind: 'Atomic', cmdId: 'a', commands: [LEAVES] };
const COMMANDS = [GET, ATOMIC, EXEC];

function status(cmdRef: string, code: number, targetRef?: string): Answer {
  const targetRefs = targetRef === undefined ? [] : [targetRef];
  return { kind: 'Status', cmdRef, cmd: 'Get', targetRefs, sourceRefs: [], code, items: [] };
}

function results(cmdRef: string, locUri: string, data: string | Uint8Array, format?: string): Answer {
  return { kind: 'Results', cmdRef, items: [{ source: { locUri }, ...(format ? { meta: { format } } : {}), data }] };
}

const ANSWERS = [
  ...statuses(COMMANDS).filter(({ cmdRef }) => cmdRef !== 'c'),
  status('c', 200, './A'),
  status('c', 404, './B'),
  status('c', 200, './C'),
  results('1', './DevInfo/Mod', 'x'),
  results('c', './A', 'y'),
];

describe('DeResult', () => {
  it('gateway: writes the Status of every command in their order, then the Results, with CmdID from 1 and MsgRef 1', () => {
    expect(encodeDeResult([GET], [results('1', './DevInfo/Mod', 'x'), status('1', 200)])).toBe(
      '<SyncBody xmlns="SYNCML:SYNCML1.2">' +
        '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>' +
        '<Results><CmdID>2</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Item><Source><LocURI>./DevInfo/Mod</LocURI></Source>' +
        '<Data>x</Data></Item></Results></SyncBody>',
    );
  });

  it('gateway: keeps the Status of each Item, in the order of the Items, and nested commands behind their container', () => {
    const read = decodeDeResult(encodeDeResult(COMMANDS, ANSWERS.toReversed()));
    const told = read.map((answer) =>
      answer.kind === 'Status'
        ? [answer.cmdRef, answer.cmd, answer.code, ...answer.targetRefs]
        : [answer.cmdRef, 'Results'],
    );
    expect(told).toEqual([
      ['1', 'Get', 200],
      ['a', 'Atomic', 200],
      ['c', 'Get', 200, './A'],
      ['c', 'Get', 404, './B'],
      ['c', 'Get', 200, './C'],
      ['2', 'Exec', 200],
      ['1', 'Results'],
      ['c', 'Results'],
    ]);
  });

  it('gateway: makes equal answers equal text, in whatever order and parts they come', () => {
    const whole = encodeDeResult(COMMANDS, ANSWERS);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(ANSWERS, { minLength: ANSWERS.length, maxLength: ANSWERS.length }),
        fc.nat(ANSWERS.length),
        (shuffled, cut) => {
          const first = decodeDeResult(encodeDeResult(COMMANDS, shuffled.slice(0, cut)));
          expect(encodeDeResult(COMMANDS, [...first, ...shuffled.slice(cut)])).toBe(whole);
        },
      ),
    );
  });

  it('gateway: says the same of octets, whether the device wrote them in XML or in WBXML', () => {
    const octets = Uint8Array.of(0, 1, 0xff);
    const inXml = encodeDeResult([GET], [results('1', './K', 'AAH/', 'b64'), status('1', 200)]);
    expect(encodeDeResult([GET], [results('1', './K', octets, 'bin'), status('1', 200)])).toBe(inXml);
    const readable = encodeDeResult([GET], [results('1', './K', 'aGk=', 'b64'), status('1', 200)]);
    expect(encodeDeResult([GET], [results('1', './K', 'hi', 'bin'), status('1', 200)])).toBe(readable);
  });

  it('gateway: leaves out credentials, challenges, and what answers nothing that was sent', () => {
    const challenged = { ...status('1', 401), chal: { nextNonce: 'AAAA' }, cred: { data: 'secret' } } as Answer;
    expect(encodeDeResult([GET], [challenged, status('0', 212), status('77', 200)])).toBe(
      encodeDeResult([GET], [status('1', 401)]),
    );
  });

  it('gateway: writes the name of the command as it was sent, whatever the device calls it', () => {
    expect(encodeDeResult([EXEC], [status('2', 200)])).toContain('<Cmd>Exec</Cmd>');
  });

  it('gateway: knows which commands have no Status yet, and fills their places', () => {
    const some = [status('1', 200), results('c', './A', 'y')];
    expect(missingStatus(COMMANDS, some).map(({ cmdId }) => cmdId)).toEqual(['a', 'c', '2']);
    const filled = decodeDeResult(encodeDeResult(COMMANDS, completed(COMMANDS, some, 504)));
    expect(filled.map((answer) => (answer.kind === 'Status' ? answer.code : 0))).toEqual([200, 504, 504, 504, 0]);
  });

  it('gateway: keeps text with markup, line ends and characters outside the first plane', () => {
    const text = '<a href="x">&amp; ]]> \r\n\t 😀</a>';
    const [, read] = decodeDeResult(encodeDeResult([GET], [status('1', 200), results('1', './K', text)]));
    expect(read?.items).toMatchObject([{ data: text }]);
  });
});
