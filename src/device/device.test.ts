import { describe, expect, it } from 'vitest';
import { digestOf } from '../protocol/auth/digest.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { encodeNotification, RESET_NONCES } from '../protocol/notification/notification.ts';
import type { Delivery } from '../protocol/session/server-types.ts';
import type { AccountLine } from '../store/account-line.ts';
import { createServerSessions, type ServerApplication } from '../transport/server-sessions.ts';
import { TransportError } from '../transport/transport-error.ts';
import { Device, type DeviceSetup } from './device.ts';

const ACCOUNT: AccountLine = {
  deviceId: 'urn:dev:demo:1',
  scheme: 'md5',
  userName: 'demo-1',
  secret: 'device secret',
  clientNonce: Buffer.from('client nonce').toString('base64'),
  serverScheme: 'md5',
  serverId: 'gateway',
  serverSecret: 'gateway secret',
  serverNonce: Buffer.from('server nonce').toString('base64'),
  notificationVersion: 11,
};
const SERVER_DIGEST = digestOf(ACCOUNT.serverId, ACCOUNT.serverSecret);
const SERVER_NONCE = Buffer.from('server nonce');

function notification(sessionId: number, { serverId = 'gateway', digest = SERVER_DIGEST, nonce = SERVER_NONCE } = {}) {
  return encodeNotification(
    { version: 11, uiMode: 'background', initiator: 'server', sessionId, serverId },
    digest,
    nonce,
  );
}

/** A DM server without a socket: one client, these commands, and what came of them. */
function server(commands: readonly RequestCommand[]) {
  const answers: Answer[] = [];
  const deliveries: Delivery[] = [];
  const ended: string[] = [];
  const nonces = { own: SERVER_NONCE as Uint8Array, peer: Buffer.from('client nonce') as Uint8Array };
  const application: ServerApplication<string> = {
    identify: (source) =>
      Promise.resolve({
        peer: source,
        setup: {
          serverUri: 'http://gateway/dm',
          own: { scheme: 'md5', principal: { name: 'gateway', digest: SERVER_DIGEST }, nonce: nonces.own },
          peer: {
            scheme: 'md5',
            principal: { name: ACCOUNT.userName, digest: digestOf(ACCOUNT.userName, ACCOUNT.secret) },
            nonce: nonces.peer,
          },
          defaultScheme: 'md5',
          maxMsgBytes: 65_536,
          maxObjBytes: 1_048_576,
        },
      }),
    deliver: (_session, delivery) => {
      deliveries.push(delivery);
      answers.push(...delivery.answers);
      nonces.own = delivery.nonces.own ?? nonces.own;
      nonces.peer = delivery.nonces.peer ?? nonces.peer;
      return Promise.resolve({ alertStatuses: [], commands: delivery.managementAlert ? commands : [] });
    },
    ended: (_session, outcome) => {
      ended.push(outcome);
      return Promise.resolve();
    },
  };
  const sessions = createServerSessions(application, { maxOpenSessions: 8, idleTimeoutMs: 1e6, totalTimeoutMs: 1e6 });
  return { sessions, answers, deliveries, ended, nonces };
}

const GET: RequestCommand = { kind: 'Get', cmdId: 'a', items: [{ target: { locUri: './DevInfo/Mod' } }] };

function device(setup: Partial<DeviceSetup> = {}, at = server([GET])) {
  const executed: number[] = [];
  const made = new Device(
    {
      dmUrl: 'http://gateway/dm',
      connect: () => ({
        exchange: async (request) => {
          const answer = await at.sessions.handle(request);
          if (answer.kind === 'message') return answer.response;
          throw new TransportError('TRANSPORT_REFUSED', answer.reason);
        },
        close: () => Promise.resolve(),
      }),
      executed: (_device, commands) => executed.push(commands),
    },
    { account: ACCOUNT, encoding: 'wbxml', ...setup },
  );
  return { device: made, executed, server: at };
}

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

  it('device: never reacts when it is a silent one', () => {
    expect(device({ fault: 'silent' }).device.acceptNotification(notification(1))).toBeUndefined();
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

  it('device: is refused when its own secret is wrong', async () => {
    const { device: phone, executed, server: at } = device({ fault: 'badauth' });
    expect(phone.acceptNotification(notification(1))).toBe('1');
    expect(await phone.runSession(1200, '1')).toMatchObject({ outcome: { kind: 'refused' }, answered: false });
    expect(at.ended).toEqual(['unauthorized']);
    expect(executed).toEqual([]);
  });

  it('device: answers 500 to everything and executes nothing when it is a failing one', async () => {
    const nested: RequestCommand = { kind: 'Sequence', cmdId: 's', commands: [{ ...GET, cmdId: 'b' }] };
    const { device: phone, executed, server: at } = device({ fault: 'error' }, server([GET, nested]));
    expect(await phone.runSession(1200, '1')).toMatchObject({ answered: true });
    expect(at.answers).toMatchObject(['a', 's', 'b'].map((cmdRef) => ({ kind: 'Status', cmdRef, code: 500 })));
    expect(executed).toEqual([]);
  });

  it('device: closes the connection instead of answering when it is a dropping one', async () => {
    const { device: phone, executed, server: at } = device({ fault: 'drop' });
    expect(await phone.runSession(1200, '1')).toMatchObject({ outcome: { kind: 'unreachable' }, answered: false });
    expect(at.answers).toEqual([]);
    expect(executed).toEqual([]);
  });
});
