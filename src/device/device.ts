import { randomBytes } from 'node:crypto';
import { digestOf } from '../protocol/auth/digest.ts';
import type { Authentication, AuthScheme, Principal } from '../protocol/auth/principal.ts';
import type { Encoding, WireForm } from '../protocol/codec.ts';
import type { Answer, Data, RequestCommand } from '../protocol/message/message.ts';
import { readNotification, verifyNotification } from '../protocol/notification/notification.ts';
import type { AccountLine } from '../store/account-line.ts';
import { type ClientSessionOutcome, runClientSession } from '../transport/client-session.ts';
import { type Clock, SYSTEM_CLOCK } from '../transport/clock.ts';
import type { DmConnection } from '../transport/http-client.ts';
import type { ManagementObject } from '../tree/management-object.ts';
import { DeviceTree } from './device-tree.ts';
import type { ExecLog } from './exec-log.ts';
import { FAULT_BEHAVIOURS, type FaultBehaviour } from './fault-behaviour.ts';
import type { FaultKind } from './faults.ts';
import { seededBetween } from './seed.ts';

export type { Encoding } from '../protocol/codec.ts';
export { DmError, StatusError } from '../protocol/errors.ts';
export type { AccountLine } from '../store/account-line.ts';
export type { ClientSessionOutcome } from '../transport/client-session.ts';
export { createDmHttpClient, type DmConnection, type DmHttpClient } from '../transport/http-client.ts';
export { listenUdp, type UdpListener, type UdpListenOptions } from '../transport/udp-listener.ts';
export type * from '../tree/management-object.ts';
export { MemoryObject } from '../tree/memory-object.ts';
export { objectTemplate, type ObjectTemplate, type TemplateNode } from '../tree/object-template.ts';
export type { FaultKind } from './faults.ts';

const MAX_MSG_BYTES = 65_536;
const MAX_OBJ_BYTES = 1_048_576;
/** Peer: libdmclient drops nonces whose length modulo 3 is 2. */
const NONCE_BYTES = 16;
/** Notifications whose repeats are recognised. An older one starts a session that finds no work. */
const REMEMBERED_NOTIFICATIONS = 8;
/** How long a slow device takes for the commands of a message. */
const DAWDLE_MS = [1000, 3000] as const;
/** How long after a session that left something the device opens one by itself. */
const RETURN_MS = [500, 2000] as const;
/** Each further return in a row comes twice as late, so often. */
const MAX_DOUBLINGS = 5;

/** What makes a device different from the others. */
export interface DeviceSetup {
  readonly account: AccountLine;
  readonly encoding: Encoding;
  /** What it does wrong. */
  readonly fault?: FaultKind | undefined;
  /** LocURIs of nodes it does not have, each with all below it. */
  readonly lacks?: readonly string[] | undefined;
  /** Management objects it has besides those of all devices, each at a place of its own. */
  readonly objects?: readonly ManagementObject[] | undefined;
  /** Equal seeds make devices with equal DeviceIDs take equal times. Default 0. */
  readonly seed?: number | undefined;
}

/** What the devices of a process share. */
export interface DeviceSurroundings {
  /** Where DM messages are posted. */
  readonly dmUrl: string;
  /** The connection of one session, which the device closes. */
  connect(): DmConnection;
  /** The device has executed the commands of a message. */
  executed?(device: Device, commands: number): void;
  /** Takes each Exec before it is executed. */
  readonly execLog?: ExecLog | undefined;
  /** Epoch ms, for the TStamp of nodes. Default: that of the process. */
  wallNow?(): number;
  /** When devices come back by themselves. Default: that of the process. */
  readonly clock?: Clock | undefined;
  /** Waits in the middle of a session; others may have its place meanwhile. Default: by the clock. */
  pause?(delayMs: number): Promise<void>;
  /** The device wants a session of its own [1201]. Without it, it waits to be asked. */
  wantsSession?(device: Device): void;
}

/** How a session of a device went. */
export interface SessionReport {
  readonly outcome: ClientSessionOutcome;
  /** There were commands, and the server took what the device answered them. */
  readonly answered: boolean;
}

/** Whether the server takes a value of that size. */
type Fits = (data: Data) => boolean;

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
  readonly #fault: FaultBehaviour;
  readonly #seed: number;
  readonly #own: Credential;
  readonly #peer: Credential;
  readonly #tree: DeviceTree;
  #lastSession: Promise<unknown> = Promise.resolve();
  /** SessionIDs, the latest first. */
  #notifications: readonly string[] = [];
  #ownSessions = 0;
  /** Times in a row that it came back by itself. */
  #returns = 0;
  #cancelReturn: (() => void) | undefined;

  /** Throws `DmError` TREE_MOUNT when two management objects have the same root. */
  constructor(
    surroundings: DeviceSurroundings,
    { account, encoding, fault, lacks = [], objects = [], seed = 0 }: DeviceSetup,
  ) {
    this.id = account.deviceId;
    this.#surroundings = surroundings;
    this.#form = FORMS[encoding];
    this.#fault = fault === undefined ? FAULTLESS : FAULT_BEHAVIOURS[fault];
    this.#seed = seed;
    const secret = this.#fault.secret?.(account.secret) ?? account.secret;
    this.#own = credential(account.scheme, account.userName, secret, account.clientNonce);
    this.#peer = credential(account.serverScheme, account.serverId, account.serverSecret, account.serverNonce);
    this.#tree = new DeviceTree(account.deviceId, lacks, surroundings.execLog, objects);
  }

  /** Whether it reacts to nothing and does nothing by itself. */
  get isSilent(): boolean {
    return this.#fault.isSilent === true;
  }

  /**
   * Takes in package #0 and answers the SessionID of the session it asks for; undefined for what this device's server
   * did not prove, and for a repeat. [NOTI 6.2]
   *
   * Choice: one that is proved under a reset nonce changes no nonce. Which direction has drifted cannot be known here;
   * the challenge in the session heals either.
   */
  acceptNotification(datagram: Uint8Array): string | undefined {
    if (this.isSilent) return undefined;
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
    const { alert, post, isRestarting = false } = this.#fault;
    this.#cancelReturn?.();
    if (reason === 1200) this.#returns = 0;
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
          alerts: this.#tree.updates.pending,
        },
        {
          exchange: async (request) => {
            const isFaulty = executing && post !== undefined;
            const response = await (isFaulty ? post(request, connection.exchange) : connection.exchange(request));
            answered ||= executing && alert === undefined;
            return response;
          },
          execute: (msgId, commands, fits) => {
            executing ||= commands.length > 0;
            return this.#answer(msgId, commands, fits);
          },
          takeAlerts: () => Promise.resolve(executing && alert ? [{ ref: 'fault', alert }] : []),
          alertAnswered: (ref, status) => {
            this.#tree.updates.answered(ref, status);
            return Promise.resolve();
          },
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
      this.#planReturn(isRestarting && executing);
      await connection.close();
    }
  }

  async *#answer(msgId: string, commands: readonly RequestCommand[], fits: Fits): AsyncGenerator<Answer> {
    if (commands.length === 0) return;
    const task = {
      commands,
      execute: () => this.#execute(msgId, commands, fits),
      dawdle: () => this.#pause(seededBetween(this.#seed, `dawdle ${this.id}`, ...DAWDLE_MS)),
    };
    yield* this.#fault.answer?.(task) ?? task.execute();
  }

  async *#execute(msgId: string, commands: readonly RequestCommand[], fits: Fits): AsyncGenerator<Answer> {
    const now = (): number => this.#surroundings.wallNow?.() ?? Date.now();
    yield* this.#tree.execute(this.#peer.principal.name, msgId, commands, { fits, now });
    this.#surroundings.executed?.(this, commands.length);
  }

  #pause(delayMs: number): Promise<void> {
    const { clock = SYSTEM_CLOCK } = this.#surroundings;
    return this.#surroundings.pause?.(delayMs) ?? new Promise((resolve) => clock.after(delayMs, resolve));
  }

  /**
   * The device comes back by itself while there is something left, later each time: it may be that its server is away,
   * or has commands that make it restart again.
   */
  #planReturn(hasRestarted: boolean): void {
    if (!hasRestarted && this.#tree.updates.pending.length === 0) {
      this.#returns = 0;
      return;
    }
    const { clock = SYSTEM_CLOCK } = this.#surroundings;
    const firstMs = seededBetween(this.#seed, `return ${this.id} ${this.#returns}`, ...RETURN_MS);
    const delayMs = firstMs * 2 ** Math.min(this.#returns, MAX_DOUBLINGS);
    this.#returns += 1;
    this.#cancelReturn = clock.after(delayMs, () => this.#surroundings.wantsSession?.(this));
  }
}

const FAULTLESS: FaultBehaviour = {};

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
