import { Device, type DeviceSetup, type DeviceSurroundings } from '../../src/device/device.ts';
import type { AuthScheme, Principal } from '../../src/protocol/auth/principal.ts';
import { digestOf } from '../../src/protocol/auth/digest.ts';
import type { AlertCommand, Answer, RequestCommand } from '../../src/protocol/message/message.ts';
import { encodeNotification } from '../../src/protocol/notification/notification.ts';
import type { Delivery } from '../../src/protocol/session/server-types.ts';
import type { AccountLine } from '../../src/store/account-line.ts';
import type { DmRequest, DmResponse } from '../../src/transport/client-session.ts';
import { createServerSessions, type ServerApplication } from '../../src/transport/server-sessions.ts';
import { TransportError } from '../../src/transport/transport-error.ts';

export const ACCOUNT: AccountLine = {
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
export const SERVER_NONCE = Buffer.from('server nonce');

export const GET: RequestCommand = { kind: 'Get', cmdId: 'a', items: [{ target: { locUri: './DevInfo/Mod' } }] };

export function notification(
  sessionId: number,
  { serverId = 'gateway', digest = SERVER_DIGEST, nonce = SERVER_NONCE } = {},
): Uint8Array {
  return encodeNotification(
    { version: 11, uiMode: 'background', initiator: 'server', sessionId, serverId },
    digest,
    nonce,
  );
}

function principal(name: string, secret: string): Principal {
  return { name, digest: digestOf(name, secret), password: secret };
}

/** A DM server without a socket: one client, these commands in each of its sessions, and what came of them. */
export function server(commands: readonly RequestCommand[], scheme: AuthScheme = 'md5') {
  const answers: Answer[] = [];
  const alerts: AlertCommand[] = [];
  const deliveries: Delivery[] = [];
  const ended: string[] = [];
  const nonces = { own: SERVER_NONCE as Uint8Array, peer: Buffer.from('client nonce') as Uint8Array };
  /** Status for the alerts of the client. */
  const alertStatus = { code: 200 };
  const application: ServerApplication<string> = {
    identify: (source) =>
      Promise.resolve({
        peer: source,
        setup: {
          serverUri: 'http://gateway/dm',
          own: { scheme, principal: principal('gateway', ACCOUNT.serverSecret), nonce: nonces.own },
          peer: { scheme, principal: principal(ACCOUNT.userName, ACCOUNT.secret), nonce: nonces.peer },
          defaultScheme: 'md5',
          maxMsgBytes: 65_536,
          maxObjBytes: 1_048_576,
        },
      }),
    deliver: (_session, delivery) => {
      deliveries.push(delivery);
      answers.push(...delivery.answers);
      alerts.push(...delivery.alerts);
      nonces.own = delivery.nonces.own ?? nonces.own;
      nonces.peer = delivery.nonces.peer ?? nonces.peer;
      return Promise.resolve({
        alertStatuses: delivery.alerts.map(() => alertStatus.code),
        commands: delivery.managementAlert ? commands : [],
      });
    },
    ended: (_session, outcome) => {
      ended.push(outcome);
      return Promise.resolve();
    },
  };
  const sessions = createServerSessions(application, { maxOpenSessions: 8, idleTimeoutMs: 1e6, totalTimeoutMs: 1e6 });
  return { sessions, scheme, answers, alerts, alertStatus, deliveries, ended, nonces };
}

type DmServer = ReturnType<typeof server>;

/** Posts to that server, and keeps what went over the wire. */
export function connectionTo({ sessions }: DmServer) {
  const exchanges: { readonly request: DmRequest; readonly answer: DmResponse | string }[] = [];
  const exchange = async (request: DmRequest): Promise<DmResponse> => {
    const answer = await sessions.handle(request);
    exchanges.push({ request, answer: answer.kind === 'message' ? answer.response : answer.reason });
    if (answer.kind === 'message') return answer.response;
    throw new TransportError('TRANSPORT_REFUSED', answer.reason);
  };
  return { exchanges, exchange, close: () => Promise.resolve() };
}

/** A device of that server. */
export function device(
  setup: Partial<DeviceSetup> = {},
  at = server([GET]),
  surroundings: Partial<DeviceSurroundings> = {},
) {
  const executed: number[] = [];
  const connection = connectionTo(at);
  const account = { ...ACCOUNT, scheme: at.scheme, serverScheme: at.scheme };
  const made = new Device(
    {
      dmUrl: 'http://gateway/dm',
      connect: () => connection,
      executed: (_device, commands) => executed.push(commands),
      ...surroundings,
    },
    { account, encoding: 'wbxml', ...setup },
  );
  return { device: made, executed, server: at, exchanges: connection.exchanges };
}
