import { describe, expect, it } from 'vitest';
import { ACCOUNT, device, notification, SERVER_NONCE } from '../../test/device/dm-server.ts';
import { digestOf } from '../protocol/auth/digest.ts';
import { RESET_NONCES } from '../protocol/notification/notification.ts';

describe('device: notifications', () => {
  it('device: starts one session for a repeated notification', () => {
    const { device: phone } = device();
    expect(phone.acceptNotification(notification(0x1f))).toBe('1F');
    expect(phone.acceptNotification(notification(0x1f))).toBeUndefined();
    expect(phone.acceptNotification(notification(0x1f, { nonce: Buffer.alloc(4) }))).toBeUndefined();
    expect(phone.acceptNotification(notification(0x20))).toBe('20');
    expect(phone.acceptNotification(notification(0x1f))).toBeUndefined();
  });

  it('device: accepts both forms of the reset nonce', () => {
    for (const nonce of RESET_NONCES) {
      const reset = notification(0x1f, { nonce: Buffer.from(nonce) });
      expect(device().device.acceptNotification(reset)).toBe('1F');
    }
  });

  it('device: ignores what its server did not prove', () => {
    const { device: phone } = device();
    expect(phone.acceptNotification(notification(1, { nonce: Buffer.from('older') }))).toBeUndefined();
    expect(phone.acceptNotification(notification(1, { digest: digestOf('gateway', 'guess') }))).toBeUndefined();
    const stranger = { serverId: 'other', digest: digestOf('other', ACCOUNT.serverSecret) };
    expect(phone.acceptNotification(notification(1, stranger))).toBeUndefined();
    expect(phone.acceptNotification(Buffer.from('no notification'))).toBeUndefined();
    expect(phone.acceptNotification(notification(1))).toBe('1');
  });
});

describe('device: sessions', () => {
  it.each(['xml', 'wbxml'] as const)('device: answers commands with its own values in %s', async (encoding) => {
    const { device: phone, executed, server: at } = device({ encoding });
    expect(await phone.runSession(1200, '1F')).toEqual({ outcome: { kind: 'completed' }, answered: true });
    expect(at.deliveries[0]).toMatchObject({ managementAlert: 1200, form: { encoding } });
    expect(at.deliveries[0]?.devInfo.map(({ data }) => data)).toContain(ACCOUNT.deviceId);
    expect(at.answers).toMatchObject([
      { kind: 'Status', cmdRef: 'a', code: 200 },
      { kind: 'Results', cmdRef: 'a', items: [{ data: 'Demo Device 1' }] },
    ]);
    expect(executed).toEqual([1]);
    expect(at.ended).toEqual(['completed']);
  });

  it('device: keeps the nonces of a session for the next one and its notification', async () => {
    const { device: phone, server: at } = device();
    await phone.runSession(1201, '1');
    expect(at.nonces.own).not.toEqual(SERVER_NONCE);
    expect(phone.acceptNotification(notification(2))).toBeUndefined();
    expect(phone.acceptNotification(notification(2, { nonce: Buffer.from(at.nonces.own) }))).toBe('2');
    expect(await phone.runSession(1200, '2')).toMatchObject({ outcome: { kind: 'completed' }, answered: true });
  });

  it('device: is healed by the challenge when both nonces have drifted apart', async () => {
    const { device: phone, server: at } = device();
    at.nonces.own = Buffer.from('drifted 1');
    at.nonces.peer = Buffer.from('drifted 2');
    expect(phone.acceptNotification(notification(3, { nonce: Buffer.alloc(4) }))).toBe('3');
    expect(await phone.runSession(1200, '3')).toEqual({ outcome: { kind: 'completed' }, answered: true });
    expect(phone.acceptNotification(notification(4, { nonce: Buffer.from(at.nonces.own) }))).toBe('4');
  });

  it('device: runs its sessions one after the other', async () => {
    const { device: phone, server: at } = device();
    const reports = await Promise.all([phone.runSession(1200, '1'), phone.runSession(1201, '2')]);
    expect(reports.map(({ outcome }) => outcome.kind)).toEqual(['completed', 'completed']);
    expect(at.deliveries.filter(({ first }) => first).map(({ managementAlert }) => managementAlert)).toEqual([
      1200, 1201,
    ]);
  });

  it('device: numbers the sessions that nobody asked for', () => {
    const { device: phone } = device();
    expect(Array.from({ length: 11 }, () => phone.newSessionId()).slice(8)).toEqual(['9', 'A', 'B']);
  });
});
