import { describe, expect, it } from 'vitest';
import { decodeFile, decodeMessage, encodeFile } from '../codec.ts';
import { DecodeError } from '../errors.ts';
import { commandsFromElements } from './from-elements.ts';
import type { Command, Message } from './message.ts';

const HDR =
  '<SyncHdr><SessionID>1</SessionID><MsgID>2</MsgID><Target><LocURI>a</LocURI></Target><Source><LocURI>b</LocURI></Source></SyncHdr>';

const message = (xml: string): Message => decodeMessage(Buffer.from(xml), 'xml').message;
const commands = (xml: string, tolerance = {}): Command[] =>
  commandsFromElements(decodeFile(Buffer.from(xml)).elements, tolerance);

function refusal(read: () => unknown): DecodeError {
  try {
    read();
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('message reader', () => {
  it('needs no version, no order and no Final', () => {
    expect(message(`<SyncML><SyncBody><Get><Item/><CmdID>7</CmdID></Get></SyncBody>${HDR}</SyncML>`)).toEqual({
      hdr: { verDtd: '', verProto: '', sessionId: '1', msgId: '2', target: { locUri: 'a' }, source: { locUri: 'b' } },
      body: [{ kind: 'Get', cmdId: '7', items: [{}] }],
      final: false,
    });
  });

  it('takes a Status of SyncHdr without CmdRef for one of command 0', () => {
    const xml = '<Status><MsgRef>1</MsgRef><Cmd>SyncHdr</Cmd><TargetRef/><Data> 200 </Data></Status>';
    expect(commands(xml)).toEqual([
      {
        kind: 'Status',
        cmdId: '',
        msgRef: '1',
        cmdRef: '0',
        cmd: 'SyncHdr',
        targetRefs: [''],
        sourceRefs: [],
        code: 200,
        items: [],
      },
    ]);
  });

  it('keeps an empty NextNonce apart from none', () => {
    const status = (meta: string): string =>
      `<Status><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Data>401</Data><Chal>${meta}</Chal></Status>`;
    expect(commands(status('<Meta><NextNonce/></Meta>'))[0]).toMatchObject({ cmd: 'SyncHdr', chal: { nextNonce: '' } });
    expect(commands(status('<Meta/>'))[0]).toMatchObject({ chal: { nextNonce: undefined } });
    expect(commands(status(''))[0]).toMatchObject({ chal: {} });
  });

  it('reads package 1 as Windows sends it: alerts first, CmdID from 2, DevInfo without Meta', () => {
    const body =
      '<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert><Replace><CmdID>4</CmdID><Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>1</Data></Item><Item><Source><LocURI>./DevInfo/Man</LocURI></Source><Data/></Item></Replace>';
    expect(message(`<SyncML>${HDR}<SyncBody>${body}<Final/></SyncBody></SyncML>`).body).toMatchObject([
      { kind: 'Alert', cmdId: '2', code: 1201 },
      { kind: 'Alert', cmdId: '3', code: 1224, items: [{ meta: { type: 'com.microsoft/MDM/LoginStatus' } }] },
      {
        kind: 'Replace',
        cmdId: '4',
        items: [
          { source: { locUri: './DevInfo/DevId' }, meta: undefined, data: '1' },
          { source: { locUri: './DevInfo/Man' }, meta: undefined, data: '' },
        ],
      },
    ]);
  });

  it('believes VerDTD where a public identifier says another version', () => {
    const { elements } = decodeFile(
      Buffer.from(`<SyncML>${HDR.replace('<SyncHdr>', '<SyncHdr><VerDTD>1.2</VerDTD>')}<SyncBody/></SyncML>`),
    );
    const bytes = Buffer.from(encodeFile(elements, { encoding: 'wbxml', version: 2 }));
    const disagreeing = Buffer.concat([Buffer.from('029f53', 'hex'), bytes.subarray(3)]);
    expect(decodeMessage(disagreeing, 'wbxml').message.hdr.verDtd).toBe('1.2');
  });

  it('reads Results with a Size and no Format, and items with an interior node', () => {
    const xml =
      '<Results><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>2</CmdRef><Item><Source><LocURI>./A</LocURI></Source><Meta><Size xmlns="syncml:metinf">3</Size></Meta><Data>abc</Data></Item><Item><Source><LocURI>./B</LocURI></Source><Meta><Format xmlns="syncml:metinf">node</Format></Meta></Item></Results>';
    expect(commands(xml)).toMatchObject([
      {
        items: [
          { meta: { size: 3, format: undefined }, data: 'abc' },
          { meta: { format: 'node' }, data: undefined },
        ],
      },
    ]);
  });

  it('reads metinf values in a MetInf wrapper', () => {
    const xml = '<Get><CmdID>1</CmdID><Meta><MetInf xmlns="syncml:metinf"><Type>a/b</Type></MetInf></Meta></Get>';
    expect(commands(xml)).toMatchObject([{ meta: { type: 'a/b' } }]);
  });

  it('reads commands of data synchronisation so that they can be refused', () => {
    expect(commands('<Sync><CmdID>1</CmdID><Add/></Sync><Put><CmdID>2</CmdID></Put>')).toEqual([
      { kind: 'Foreign', name: 'Sync', cmdId: '1' },
      { kind: 'Foreign', name: 'Put', cmdId: '2' },
    ]);
  });

  it('leaves a missing CmdID empty only where it is told to', () => {
    const xml = '<Sequence><Get/></Sequence>';
    expect(commands(xml, { missingCmdId: true })).toEqual([
      { kind: 'Sequence', cmdId: '', commands: [{ kind: 'Get', cmdId: '', items: [] }] },
    ]);
    expect(refusal(() => commands(xml)).code).toBe('MESSAGE_INCOMPLETE');
  });

  it.each([
    ['MESSAGE_ROOT', '<SyncBody/>', 0],
    ['MESSAGE_INCOMPLETE', '<SyncML><SyncBody/></SyncML>', 0],
    ['MESSAGE_INCOMPLETE', `<SyncML>${HDR}</SyncML>`, 0],
    ['MESSAGE_INCOMPLETE', `<SyncML>${HDR.replace('<MsgID>2', '<MsgID>')}<SyncBody/></SyncML>`, 8],
    ['MESSAGE_INCOMPLETE', `<SyncML>${HDR.replace(/<Source>.*<\/Source>/, '')}<SyncBody/></SyncML>`, 8],
  ])('%s for %s', (code, xml, offset) => {
    expect(refusal(() => message(xml))).toMatchObject({ code, offset });
  });

  it.each([
    ['MESSAGE_INCOMPLETE', '<Get/>', 0],
    ['MESSAGE_INCOMPLETE', '<Get><CmdID> </CmdID></Get>', 0],
    ['MESSAGE_INCOMPLETE', '<Status><MsgRef>1</MsgRef><CmdRef>1</CmdRef></Status>', 0],
    ['MESSAGE_INCOMPLETE', '<Status><MsgRef>1</MsgRef><Cmd>Get</Cmd><Data>200</Data></Status>', 0],
    ['MESSAGE_INCOMPLETE', '<Results><CmdID>1</CmdID></Results>', 0],
    ['MESSAGE_VALUE', '<Alert><CmdID>1</CmdID><Data>1200x</Data></Alert>', 23],
    ['MESSAGE_VALUE', '<Get><CmdID>1</CmdID><Meta><Size>-1</Size></Meta></Get>', 27],
    ['MESSAGE_ELEMENT', '<Item><CmdID>1</CmdID></Item>', 0],
    ['MESSAGE_ELEMENT', '<Atomic><CmdID>1</CmdID><Results><CmdID>1</CmdID></Results></Atomic>', 24],
  ])('%s for the command %s', (code, xml, offset) => {
    expect(refusal(() => commands(xml))).toMatchObject({ code, offset });
  });
});
