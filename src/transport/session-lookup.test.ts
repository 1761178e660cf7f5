import { describe, expect, it } from 'vitest';
import type { Cred, SyncHdr } from '../protocol/message/message.ts';
import { sessionKey, userNameOf } from './session-lookup.ts';

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

describe('finding a session', () => {
  it('server: never takes two sessions for one', () => {
    const keys = [hdr('1', '1x'), hdr('11', 'x'), hdr('1:', '1x'), hdr('', '11x'), hdr('1', '1:x')].map(sessionKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('server: keeps no key of a length that the client chooses', () => {
    expect(sessionKey(hdr('1', 'x'.repeat(1024)))).toBeDefined();
    expect(sessionKey(hdr('1', 'x'.repeat(1025)))).toBeUndefined();
    expect(sessionKey(hdr('x'.repeat(65), 'x'))).toBeUndefined();
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
