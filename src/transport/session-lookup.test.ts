import { describe, expect, it } from 'vitest';
import type { Cred, SyncHdr } from '../protocol/message/message.ts';
import { arrivalOf, respUriFor, userNameOf, whyTooLong } from './session-lookup.ts';

function hdr(sessionId: string, source: string, rest: { locName?: string; cred?: Cred } = {}): SyncHdr {
  return {
    verDtd: '1.2',
    verProto: 'DM/1.2',
    sessionId,
    msgId: '1',
    target: { locUri: 'http://server/dm' },
    source: { locUri: source, locName: rest.locName },
    cred: rest.cred,
  };
}

function arrival(head: SyncHdr, url = '/dm') {
  return arrivalOf({ hdr: head, body: [], final: true }, { url });
}

describe('finding a session', () => {
  it('server: never takes two sessions for one', () => {
    const heads = [hdr('1', '1x'), hdr('11', 'x'), hdr('1:', '1x'), hdr('', '11x'), hdr('1', '1:x')];
    expect(new Set(heads.map((head) => arrival(head).key)).size).toBe(heads.length);
  });

  it('server: handles nothing with ids of a length that the client chooses', () => {
    const reasonFor = (head: SyncHdr, cmdId = '1') =>
      whyTooLong({ hdr: head, body: [{ kind: 'Alert', cmdId, items: [] }], final: true });
    expect(reasonFor(hdr('1', 'x'.repeat(1024)))).toBeUndefined();
    expect(reasonFor(hdr('1', 'x'.repeat(1025)))).toMatch(/^SESSION_ID: Source/);
    expect(reasonFor(hdr('x'.repeat(65), 'x'))).toMatch(/^SESSION_ID: SessionID/);
    expect(reasonFor({ ...hdr('1', 'x'), msgId: '9'.repeat(33) })).toMatch(/^SESSION_ID: MsgID/);
    expect(reasonFor(hdr('1', 'x'), '9'.repeat(65))).toMatch(/CmdID/);
  });

  it('server: gives a RespURI with the token to a client that knows it by a URL, and reads it back', () => {
    const respUri = respUriFor(hdr('1', 'x'), 'a-b_1')!;
    expect(respUri).toBe('http://server/dm?s=a-b_1');
    expect(arrival(hdr('1', 'x'), '/dm?s=a-b_1').token).toBe('a-b_1');
    expect(arrival(hdr('1', 'x')).token).toBeUndefined();
    const target = { locUri: 'https://server:8443/dm?tenant=7#top' };
    expect(respUriFor({ ...hdr('1', 'x'), target }, 't')).toBe('https://server:8443/dm?tenant=7&s=t');
    expect(respUriFor({ ...hdr('1', 'x'), target: { locUri: 'com.example.server' } }, 't')).toBeUndefined();
  });
});

describe('the user name of a client', () => {
  const basic = { meta: { type: 'Syncml:Auth-Basic', format: 'b64' }, data: 'QnJ1Y2UyOk9oQmVoYXZl' };

  it('server: reads it from basic credentials', () => {
    expect(userNameOf(hdr('1', 'x', { locName: 'My Phone', cred: basic }))).toBe('Bruce2');
  });

  it('server: reads it beside the Source of any other client', () => {
    const cred = { meta: { type: 'syncml:auth-md5', format: 'b64' }, data: 'Zz6EivR3yeaaENcRN6lpAQ==' };
    expect(userNameOf(hdr('1', 'x', { locName: 'Bruce2', cred }))).toBe('Bruce2');
    expect(userNameOf(hdr('1', 'x'))).toBeUndefined();
  });

  it('server: finds none in basic credentials that are no base64', () => {
    expect(userNameOf(hdr('1', 'x', { cred: { ...basic, data: '%%%' } }))).toBe('');
  });
});
