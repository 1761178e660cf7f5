import { randomBytes } from 'node:crypto';
import { digestOf } from '../protocol/auth/digest.ts';
import type { Authentication, AuthScheme, Principal } from '../protocol/auth/principal.ts';
import type { Encoding, WireForm } from '../protocol/codec.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { readNotification, verifyNotification } from '../protocol/notification/notification.ts';
import type { AccountLine } from '../store/account-line.ts';
import { type ClientSessionOutcome, runClientSession } from '../transport/client-session.ts';
import type { DmConnection } from '../transport/http-client.ts';
import { TransportError } from '../transport/transport-error.ts';
import { DeviceTree } from './device-tree.ts';
import type { FaultKind } from './faults.ts';
import { refuseAll } from './refusal.ts';

export type { Encoding } from '../protocol/codec.ts';
export { DmError } from '../protocol/errors.ts';
export type { AccountLine } from '../store/account-line.ts';
export type { ClientSessionOutcome } from '../transport/client-session.ts';
export { createDmHttpClient, type DmConnection, type DmHttpClient } from '../transport/http-client.ts';
export { listenUdp, type UdpListener, type UdpListenOptions } from '../transport/udp-listener.ts';
export type { FaultKind } from './faults.ts';

const MAX_MSG_BYTES = 65_536;
const MAX_OBJ_BYTES = 1_048_576;
/** Peer: libdmclient drops nonces whose length modulo 3 is 2. */
const NONCE_BYTES = 16;
/** Notifications whose repeats are recognised. An older one starts a session that finds no work. */
const REMEMBERED_NOTIFICATIONS = 8;

/** What makes a device different from the others. */
export interface DeviceSetup {
  readonly account: AccountLine;
  readonly encoding: Encoding;
  /** What it does wrong. */
  readonly fault?: FaultKind | undefined;
  /** LocURIs of nodes it does not have, each with all below it. */
  readonly lacks?: readonly string[] | undefined;
}

/** What the devices of a process share. */
export interface DeviceSurroundings {
  /** Where DM messages are posted. */
  readonly dmUrl: string;
  /** The connection of one session, which the device closes. */
  connect(): DmConnection;
  /** The device has executed the commands of a message. */
  executed?(device: Device, commands: number): void;
}

/** How a session of a device went. */
export interface SessionReport {
  readonly outcome: ClientSessionOutcome;
  /** There were commands, and the server took the answers. */
  readonly answered: boolean;
}

/** One direction of authentication between sessions. Octets are kept as Latin-1 text, a tenth of a typed array. */
interface Credential {
  readonly scheme: AuthScheme;
  readonly principal: Principal;
  nonce: string;
}

/**
 * An OMA DM device: an account, a management tree, and sessions with its DM server that run one after the other.
 * Between sessions it keeps its nonces and what its tree differs from the template of all devices. [DMPROTO 8]
 */
export class Device {
  /** DevInfo/DevId. */
  readonly id: string;
  readonly #surroundings: DeviceSurroundings;
  readonly #form: WireForm;
  readonly #fault: FaultKind | undefined;
  readonly #own: Credential;
  readonly #peer: Credential;
  readonly #tree: DeviceTree;
  #lastSession: Promise<unknown> = Promise.resolve();
  /** SessionIDs, the latest first. */
  #notifications: readonly string[] = [];
  #ownSessions = 0;

  constructor(surroundings: DeviceSurroundings, { account, encoding, fault, lacks = [] }: DeviceSetup) {
    this.id = account.deviceId;
    this.#surroundings = surroundings;
    this.#form = FORMS[encoding];
    this.#fault = fault;
    const secret = fault === 'badauth' ? `${account.secret}?` : account.secret;
    this.#own = credential(account.scheme, account.userName, secret, account.clientNonce);
    this.#peer = credential(account.serverScheme, account.serverId, account.serverSecret, account.serverNonce);
    this.#tree = new DeviceTree(account.deviceId, lacks);
  }

  /**
   * Takes in package #0 and answers the SessionID of the session it asks for; undefined for what this device's server
   * did not prove, and for a repeat. [NOTI 6.2]
   *
   * Choice: one that is proved under a reset nonce changes no nonce. Which direction has drifted cannot be known here;
   * the challenge in the session heals either.
   */
  acceptNotification(datagram: Uint8Array): string | undefined {
    if (this.#fault === 'silent') return undefined;
    const sessionId = readNotification(datagram)?.sessionId;
    if (sessionId === undefined || this.#notifications.includes(sessionId)) return undefined;
    const { principal, nonce } = authentication(this.#peer);
    if (!verifyNotification(datagram, principal, nonce)) return undefined;
    this.#notifications = [sessionId, ...this.#notifications.slice(0, REMEMBERED_NOTIFICATIONS - 1)];
    return sessionId;
  }

  /** A SessionID for a session that nobody asked for. */
  newSessionId(): string {
    this.#ownSessions = (this.#ownSessions % 0xffff) + 1;
    return this.#ownSessions.toString(16).toUpperCase();
  }

  /**
   * Runs a session: 1200 after a notification, with its SessionID, else 1201. It begins when the sessions before it
   * have ended; it never rejects for what the server or the network does.
   */
  runSession(reason: 1200 | 1201, sessionId: string): Promise<SessionReport> {
    const session = this.#lastSession.then(() => this.#session(reason, sessionId));
    this.#lastSession = session.catch(() => undefined);
    return session;
  }

  async #session(reason: 1200 | 1201, sessionId: string): Promise<SessionReport> {
    const connection = this.#surroundings.connect();
    let executing = false;
    let answered = false;
    try {
      const outcome = await runClientSession(
        {
          sessionId,
          serverUri: this.#surroundings.dmUrl,
          clientUri: this.id,
          form: this.#form,
          own: authentication(this.#own),
          peer: authentication(this.#peer),
          maxMsgBytes: MAX_MSG_BYTES,
          maxObjBytes: MAX_OBJ_BYTES,
          managementAlert: reason,
          devInfo: await this.#tree.devInfo(),
          alerts: [],
        },
        {
          exchange: async (request) => {
            if (executing && this.#fault === 'drop') {
              throw new TransportError('TRANSPORT_CLOSED', `${this.id} closes the connection instead of answering`);
            }
            const response = await connection.exchange(request);
            answered ||= executing;
            return response;
          },
          execute: (msgId, commands) => {
            executing ||= commands.length > 0;
            return this.#execute(msgId, commands);
          },
          takeAlerts: () => Promise.resolve([]),
          alertAnswered: () => Promise.resolve(),
          remember: ({ ownNonce, peerNonce }) => {
            if (ownNonce) this.#own.nonce = latin1(ownNonce);
            if (peerNonce) this.#peer.nonce = latin1(peerNonce);
            return Promise.resolve();
          },
          newNonce: () => randomBytes(NONCE_BYTES),
        },
      );
      return { outcome, answered };
    } finally {
      await connection.close();
    }
  }

  async *#execute(msgId: string, commands: readonly RequestCommand[]): AsyncGenerator<Answer> {
    if (commands.length === 0 || this.#fault === 'drop') return;
    if (this.#fault === 'error') {
      yield* refuseAll(commands);
      return;
    }
    yield* this.#tree.execute(this.#peer.principal.name, msgId, commands);
    this.#surroundings.executed?.(this, commands.length);
  }
}

const FORMS = { xml: { encoding: 'xml' }, wbxml: { encoding: 'wbxml', version: 2 } } as const satisfies Record<
  Encoding,
  WireForm
>;

function credential(scheme: AuthScheme, name: string, secret: string, nonce: string): Credential {
  const password = scheme === 'basic' ? secret : undefined;
  const principal = { name, digest: digestOf(name, secret), password };
  return { scheme, principal, nonce: Buffer.from(nonce, 'base64').toString('latin1') };
}

function authentication({ scheme, principal, nonce }: Credential): Authentication {
  return { scheme, principal, nonce: Buffer.from(nonce, 'latin1') };
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets).toString('latin1');
}
