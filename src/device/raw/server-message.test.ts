import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../protocol/codec.ts';
import type { Message, StatusCommand } from '../../protocol/message/message.ts';
import { readServerMessage } from './server-message.ts';

const FORMS = [{ encoding: 'xml' }, { encoding: 'wbxml', version: 2 }] as const;

function status(cmdRef: string, cmd: string, code: number): StatusCommand {
  return { kind: 'Status', cmdId: cmdRef, msgRef: '1', cmdRef, cmd, targetRefs: [], sourceRefs: [], code, items: [] };
}

function packageTwo(deviceId: string): Message {
  return {
    hdr: {
      verDtd: '1.2',
      verProto: 'DM/1.2',
      sessionId: '7',
      msgId: '1',
      target: { locUri: deviceId },
      source: { locUri: 'http://gw.example/dm', locName: 'gw' },
      respUri: 'http://gw.example/dm?s=abc',
      cred: { meta: { format: 'b64', type: 'syncml:auth-md5' }, data: 'Zz6EivR3yeaaENcRN6lpAQ==' },
      meta: { maxMsgBytes: 4096 },
    },
    body: [
      { ...status('0', 'SyncHdr', 212), chal: { format: 'b64', type: 'syncml:auth-md5', nextNonce: 'Tm9uY2U=' } },
      status('1', 'Alert', 200),
      status('2', 'Replace', 200),
      { kind: 'Get', cmdId: '4', items: [{ target: { locUri: './DevInfo/Mod' } }] },
    ],
    final: true,
  };
}

describe.each(FORMS)('message of a gateway in $encoding', (form) => {
  const read = (message: Message) =>
    readServerMessage(Buffer.from(encodeMessage(message, form)).toString('latin1'), form.encoding);

  it('device: finds what it must know', () => {
    expect(read(packageTwo('urn:dev:1'))).toMatchObject({
      msgId: '1',
      respUri: 'http://gw.example/dm?s=abc',
      cred: 'Zz6EivR3yeaaENcRN6lpAQ==',
      status: 212,
      nextNonce: 'Tm9uY2U=',
    });
  });

  it('device: finds the same commands as every other device', () => {
    const [one, other] = [read(packageTwo('urn:dev:1')), read(packageTwo('urn:dev:22'))];
    expect(one?.commands).toBe(other?.commands);
    expect(one?.commands).toContain('./DevInfo/Mod');
  });

  it('device: misses what is not there', () => {
    const { hdr, body } = packageTwo('urn:dev:1');
    const bare = read({
      hdr: { ...hdr, respUri: undefined, cred: undefined },
      body: [status('0', 'SyncHdr', 200)],
      final: true,
    });
    expect(bare).toMatchObject({ respUri: undefined, cred: undefined, status: 200, nextNonce: undefined });
    expect(read({ hdr, body: body.slice(3), final: true })).toBeUndefined();
  });
});
