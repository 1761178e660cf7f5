import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/protocol/auth/digest.ts';
import { readNotification, verifyNotification } from '../../src/protocol/notification/notification.ts';
import { CORPUS, hasCorpus } from '../end-to-end/dmgw.ts';

const NO_NONCE = new Uint8Array();

describe.skipIf(!hasCorpus)('package #0 of others (needs ../shared/corpus)', () => {
  const ACCEPTED = [
    { file: 'v10-funambol', version: 10, serverId: 'funambol' },
    { file: 'v11-funambol', version: 11, serverId: 'funambol' },
    { file: 'v12-funambol', version: 12, serverId: 'funambol' },
    { file: 'v11-gw', version: 11, serverId: 'gw' },
    { file: 'v12-gw', version: 12, serverId: 'gw' },
    // Four zero octets as nonce.
    { file: 'v12-gw-zerononce', version: 12, serverId: 'gw' },
  ];

  it.each(ACCEPTED)('client: accepts what a phone accepted: $file', ({ file, version, serverId }) => {
    const datagram = readFileSync(join(CORPUS, 'captures/package0', `${file}.bin`));
    expect(readNotification(datagram)).toEqual({
      version,
      uiMode: 'informative',
      initiator: 'server',
      sessionId: '1234',
      serverId,
      vendor: undefined,
    });
    expect(verifyNotification(datagram, { name: serverId, digest: digestOf(serverId, 'srvpwd') }, NO_NONCE)).toBe(true);
  });

  it('client: refuses the wrong password that a phone refused', () => {
    const datagram = readFileSync(join(CORPUS, 'captures/package0/v12-gw-badpw.bin'));
    expect(readNotification(datagram)?.serverId).toBe('gw');
    expect(verifyNotification(datagram, { name: 'gw', digest: digestOf('gw', 'srvpwd') }, NO_NONCE)).toBe(false);
  });
});
