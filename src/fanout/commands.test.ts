import { describe, expect, it } from 'vitest';
import { decodeFile, encodeFile } from '../protocol/codec.ts';
import { StatusError } from '../protocol/errors.ts';
import { everyCommand } from '../protocol/message/message.ts';
import { commandsFromSyncBody, commandsToSyncBody, parseCommands } from './commands.ts';

const GET = '<Get><CmdID>1</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
const EXEC = '<Exec><CmdID>x2</CmdID><Item><Target><LocURI>./Reboot</LocURI></Target></Item></Exec>';
const ITEM = '<Item><Target><LocURI>./A</LocURI></Target></Item>';
const HDR =
  '<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID><MsgID>1</MsgID>' +
  '<Target><LocURI>a</LocURI></Target><Source><LocURI>b</LocURI></Source></SyncHdr>';

function wbxml(xml: string): Uint8Array {
  return encodeFile(decodeFile(Buffer.from(xml)).elements, { encoding: 'wbxml', version: 2 });
}

/** What ToBeFannedOut says to a value it does not take. */
function refusal(data: string | Uint8Array, type?: string): { status: number; message: string } {
  try {
    parseCommands(data, type);
  } catch (error) {
    if (error instanceof StatusError) return { status: error.status, message: error.message };
    throw error;
  }
  throw new Error('it was accepted');
}

function cmdIds(data: string): readonly string[] {
  return [...everyCommand(parseCommands(data, undefined))].map(({ cmdId }) => cmdId);
}

describe('ToBeFannedOut', () => {
  it.each([
    ['bare commands', GET + EXEC],
    ['commands behind an XML declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${GET}\n${EXEC}`],
    ['a SyncBody', `<SyncBody xmlns="SYNCML:SYNCML1.2">${GET}${EXEC}<Final/></SyncBody>`],
    ['a whole SyncML', `<SyncML xmlns="SYNCML:SYNCML1.2">${HDR}<SyncBody>${GET}${EXEC}<Final/></SyncBody></SyncML>`],
  ])('gateway: takes %s', (_, xml) => {
    expect(parseCommands(xml, 'text/plain')).toMatchObject([
      { kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] },
      { kind: 'Exec', cmdId: 'x2', items: [{ target: { locUri: './Reboot' } }] },
    ]);
  });

  it.each([
    '',
    undefined,
    'text/plain',
    'text/xml; charset=UTF-8',
    'application/xml',
    'application/vnd.syncml.dm+wbxml',
  ])('gateway: takes a WBXML document of Type %s', (type) => {
    const document = wbxml(`<SyncBody>${GET}${EXEC}<Final/></SyncBody>`);
    expect(parseCommands(document, type).map(({ kind }) => kind)).toEqual(['Get', 'Exec']);
  });

  it('gateway: takes every command and the user interaction alerts, nested ones too', () => {
    const alert = `<Alert><Data>1101</Data><Item><Data>MAXDT=30</Data></Item><Item><Data>Go?</Data></Item></Alert>`;
    const names = ['Add', 'Replace', 'Delete', 'Copy', 'Get', 'Exec'];
    const commands = names.map((name) => `<${name}>${ITEM}</${name}>`).join('');
    const parsed = parseCommands(`<Sequence>${alert}<Atomic>${commands}</Atomic></Sequence>`, undefined);
    expect([...everyCommand(parsed)].map(({ kind }) => kind)).toEqual(['Sequence', 'Alert', 'Atomic', ...names]);
  });

  it.each([
    ['every number when none is there', `<Get>${ITEM}</Get><Get>${ITEM}</Get>`, ['1', '2']],
    ['the lowest number that is free', `<Get>${ITEM}</Get>${GET}<Get>${ITEM}</Get>`, ['2', '1', '3']],
    [
      'numbers to nested commands too',
      `<Atomic><Get>${ITEM}</Get>${GET}</Atomic><Get>${ITEM}</Get>${EXEC}`,
      ['2', '3', '1', '4', 'x2'],
    ],
  ])('gateway: gives commands without a CmdID %s', (_, xml, expected) => {
    expect(cmdIds(xml)).toEqual(expected);
  });

  it.each([
    ['no command', `<SyncBody><Final/></SyncBody>`, 400, 'there is no command'],
    [
      'an empty container',
      `${GET}<Atomic><CmdID>2</CmdID></Atomic>`,
      400,
      `no command in Atomic at byte ${GET.length}`,
    ],
    ['a document that is not well-formed', GET.slice(0, -3), 400, 'byte'],
    ['text that is no XML', 'reboot', 400, 'byte'],
    ['a CmdID that is there twice', GET + GET, 400, `Get at byte ${GET.length} has CmdID "1"`],
    ['a nested CmdID that is there twice', `${GET}<Atomic>${GET}</Atomic>`, 400, 'has CmdID "1"'],
    ['CmdID 0', GET.replace('>1<', '>0<'), 400, 'has CmdID "0"'],
    ['an empty CmdID', GET.replace('>1<', '><'), 400, 'has CmdID ""'],
    ['a command without Items', '<Get><CmdID>1</CmdID></Get>', 400, 'Get at byte 0'],
    ['a command of another grammar', `${GET}<Put>${ITEM}</Put>`, 406, `Put at byte ${GET.length}`],
    [
      'an answer',
      '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>',
      406,
      'Status',
    ],
    ['an element that nobody knows', `${GET}<Reboot/>`, 406, 'Reboot'],
    ['a client alert', '<Alert><CmdID>1</CmdID><Data>1226</Data></Alert>', 406, '1226'],
    ['an alert of no meaning', '<Alert><CmdID>1</CmdID><Data>1105</Data></Alert>', 406, '1105'],
    ['an alert without a code', '<Alert><CmdID>1</CmdID></Alert>', 406, 'Alert at byte 0'],
    ['a nested alert 1223', '<Sequence><Alert><Data>1223</Data></Alert></Sequence>', 406, '1223'],
  ])('gateway: refuses %s', (_, xml, status, message) => {
    expect(refusal(xml)).toMatchObject({ status, message: expect.stringContaining(message) as string });
  });

  it('gateway: refuses a value that is no text, WBXML or not, by what its Type says', () => {
    const octets = Uint8Array.of(0xff, 0xfe, 1, 2, 3);
    expect(refusal(octets).status).toBe(400);
    expect(refusal(GET, 'application/vnd.syncml.dm+wbxml').status).toBe(400);
    expect(refusal(wbxml(GET), 'application/vnd.syncml.dm+xml').status).toBe(400);
    expect(refusal(GET, 'application/json')).toMatchObject({ status: 415 });
  });

  it('gateway: refuses a list that is larger than it reads', () => {
    expect(refusal(`<Get>${ITEM}</Get>`.repeat(100_000)).status).toBe(413);
  });
});

describe('commands of a run', () => {
  it('run: keeps its commands, octets too, as one canonical text', () => {
    const commands = parseCommands(`<Sequence>${GET}${EXEC}</Sequence>`, undefined);
    const octets = {
      kind: 'Add',
      cmdId: '9',
      items: [{ target: { locUri: './K' }, data: Uint8Array.of(0, 255) }],
    } as const;
    const text = commandsToSyncBody([...commands, octets]);
    expect(text.startsWith('<SyncBody xmlns="SYNCML:SYNCML1.2"><Sequence><CmdID>')).toBe(true);
    const read = commandsFromSyncBody(text);
    expect(read).toMatchObject([...commands, { kind: 'Add', items: [{ meta: { format: 'b64' }, data: 'AP8=' }] }]);
    expect(commandsToSyncBody(read)).toBe(text);
  });
});
