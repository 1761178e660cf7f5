import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash, contentProof, digestOf } from '../auth/digest.ts';
import {
  encodeNotification,
  notificationAddressee,
  type OutgoingNotification,
  readNotification,
  RESET_NONCES,
  verifyNotification,
} from './notification.ts';

/** The example of the standard. */
const EXAMPLE: OutgoingNotification = {
  version: 11,
  uiMode: 'background',
  initiator: 'client',
  sessionId: 0x1234,
  serverId: 'com.mgmtsrv.manage',
};
const EXAMPLE_TRIGGER = `02d0000000123412${Buffer.from(EXAMPLE.serverId).toString('hex')}`;
const SERVER = { name: EXAMPLE.serverId, digest: digestOf(EXAMPLE.serverId, 'password') };
const NONCE = Buffer.from('Nonce');

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const encode = (values: Partial<OutgoingNotification> = {}, nonce: Uint8Array = NONCE): Uint8Array =>
  encodeNotification({ ...EXAMPLE, ...values }, SERVER.digest, nonce);

describe('server: writes package #0', () => {
  it('with the header of the standard and a raw digest before it', () => {
    expect(hex(encode())).toBe(`68c6a5f6d458873c08d563789c1c67f7${EXAMPLE_TRIGGER}`);
    expect(hex(encode({ initiator: 'server' })).slice(32, 42)).toBe('02d8000000');
  });

  it('under both forms of the reset nonce', () => {
    expect(RESET_NONCES.map((nonce) => hex(encode({}, nonce)).slice(0, 32))).toEqual([
      '9a4d2e3149cdfb3cfe1ad9d9b35023ba',
      'e4000751d15da7d8b5fc1fbce45ee715',
    ]);
  });

  it('never with a value its field cannot hold', () => {
    const wrong: Partial<OutgoingNotification>[] = [
      { version: 9 },
      { version: 13 },
      { sessionId: 0 },
      { sessionId: 0x10000 },
      { sessionId: 1.5 },
      { serverId: '' },
      { serverId: 'é'.repeat(128) },
    ];
    for (const values of wrong) {
      expect(() => encode(values), JSON.stringify(values)).toThrow(
        expect.objectContaining({ code: 'NOTIFICATION_FIELD' }),
      );
    }
  });
});

describe('client: reads package #0', () => {
  it('as the standard draws it', () => {
    expect(readNotification(Buffer.from('00'.repeat(16) + EXAMPLE_TRIGGER, 'hex'))).toEqual({
      ...EXAMPLE,
      sessionId: '1234',
      vendor: undefined,
    });
  });

  it('as it was written, whatever the values', () => {
    const notifications = fc.record({
      version: fc.constantFrom(10, 11, 12),
      uiMode: fc.constantFrom('unspecified', 'background', 'informative', 'interactive'),
      initiator: fc.constantFrom('client', 'server'),
      sessionId: fc.integer({ min: 1, max: 0xffff }),
      serverId: fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
      vendor: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    });
    fc.assert(
      fc.property(notifications, fc.uint8Array({ maxLength: 24 }), (notification, nonce) => {
        const server = { name: notification.serverId, digest: digestOf(notification.serverId, 'secret') };
        const datagram = encodeNotification(notification, server.digest, nonce);
        const read = readNotification(datagram);
        expect({ ...read, vendor: hex(read?.vendor ?? new Uint8Array()) }).toEqual({
          ...notification,
          sessionId: notification.sessionId.toString(16).toUpperCase(),
          vendor: hex(notification.vendor),
        });
        expect(verifyNotification(datagram, server, nonce)).toBe(true);
      }),
    );
  });

  it('of versions 1.0, 1.1 and 1.2, and of no other', () => {
    const ofVersion = (version: number): Uint8Array => {
      const datagram = Buffer.from(encode());
      datagram.writeUInt16BE((version << 6) | 0b01_0000, 16);
      return datagram;
    };
    for (const version of [10, 11, 12]) expect(readNotification(ofVersion(version))?.version).toBe(version);
    for (const version of [0, 9, 13, 1023]) expect(readNotification(ofVersion(version))).toBeUndefined();
  });

  it('as nothing where it is cut off, has no session or no server', () => {
    const whole = encode();
    for (let length = 0; length < whole.length; length++) {
      expect(readNotification(whole.subarray(0, length)), `${length} octets`).toBeUndefined();
      expect(verifyNotification(whole.subarray(0, length), SERVER, NONCE)).toBe(false);
    }
    for (const trigger of ['02d0000000000002' + '6777', '02d0000000123400', '02d0000000123402' + 'c328']) {
      expect(readNotification(Buffer.from('00'.repeat(16) + trigger, 'hex'))).toBeUndefined();
    }
  });

  it('without a throw, whatever the octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (octets, hasHeader) => {
        const datagram = hasHeader ? Buffer.concat([Buffer.alloc(16), Buffer.from([2, 0xd0]), octets]) : octets;
        readNotification(datagram);
        notificationAddressee(datagram);
        expect(verifyNotification(datagram, SERVER, NONCE)).toBe(false);
      }),
    );
  });

  it('and finds the DeviceID in the vendor-specific body', () => {
    expect(notificationAddressee(encode({ vendor: Buffer.from('urn:dev:demo:7') }))).toBe('urn:dev:demo:7');
    expect(notificationAddressee(encode())).toBeUndefined();
    expect(notificationAddressee(encode({ vendor: Uint8Array.of(0xff) }))).toBeUndefined();
  });
});

describe('client: believes package #0', () => {
  it('under the stored nonce and both forms of the reset nonce, and no other', () => {
    for (const nonce of [NONCE, ...RESET_NONCES]) {
      expect(verifyNotification(encode({}, nonce), SERVER, NONCE)).toBe(true);
    }
    expect(verifyNotification(encode({}, Buffer.from('older')), SERVER, NONCE)).toBe(false);
    expect(verifyNotification(encode({}, new Uint8Array()), SERVER, NONCE)).toBe(false);
  });

  it('only with the secret and under the name of its server', () => {
    const other = { name: SERVER.name, digest: digestOf(SERVER.name, 'passwort') };
    expect(verifyNotification(encode(), other, NONCE)).toBe(false);
    expect(verifyNotification(encode(), { ...SERVER, name: 'com.mgmtsrv' }, NONCE)).toBe(false);
  });

  it('only when no bit of it was changed, the vendor-specific body included', () => {
    const datagram = encode({ vendor: Buffer.from('urn:dev:demo:7') });
    for (let at = 0; at < datagram.length; at++) {
      const changed = Uint8Array.from(datagram);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verifyNotification(changed, SERVER, NONCE), `octet ${at}`).toBe(false);
    }
  });

  it('wherever in a larger buffer the datagram stands', () => {
    const datagram = encode();
    const larger = Buffer.concat([Buffer.alloc(3), datagram]);
    expect(verifyNotification(larger.subarray(3), SERVER, NONCE)).toBe(true);
    expect(hex(larger.subarray(3, 19))).toBe(
      hex(contentProof(SERVER.digest, NONCE, contentHash(datagram.subarray(16)))),
    );
  });
});
