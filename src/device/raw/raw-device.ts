import { randomBytes } from 'node:crypto';
import { checkCred } from '../../protocol/auth/credentials.ts';
import { digestOf, md5Proof } from '../../protocol/auth/digest.ts';
import { MAC_HEADER, macHeaderFor, readMacHeader } from '../../protocol/auth/mac-header.ts';
import { DmError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import { readNotification, verifyNotification } from '../../protocol/notification/notification.ts';
import type { AccountLine } from '../../store/account-line.ts';
import { contentTypeOf } from '../../transport/media-type.ts';
import type { RawConnection, RawResponse } from './raw-http.ts';
import type { RawMessages } from './raw-messages.ts';
import { readServerMessage, type ServerMessage } from './server-message.ts';
import { wireValue } from './wire-template.ts';

/** Peer: libdmclient drops nonces whose length modulo 3 is 2. */
const NONCE_BYTES = 16;
/** One call for the random octets of so many nonces. */
const NONCES_AT_A_TIME = 256;
/** A session that goes on for longer is none of ours. */
const MAX_EXCHANGES = 100;

/** What is told of each exchange: octets of the bodies, up and down. */
export type ExchangeWatcher = (exchange: number, bytesUp: number, bytesDown: number) => void;

/**
 * A device for load: proofs, nonces and notifications are real, its messages are templates, and of its server's it reads
 * what a device must know. It knows the way a session goes when all is well; anything else ends it. [DMPROTO 8]
 */
export class RawDevice {
  /** DevInfo/DevId. */
  readonly id: string;
  readonly #messages: RawMessages;
  readonly #account: AccountLine;
  readonly #ownDigest: string;
  readonly #peerDigest: string;
  #ownNonce: string;
  #peerNonce: string;
  #lastNotified = '';

  /** Throws `DmError` RAW_DEVICE_ID for a DeviceID without a colon. */
  constructor(messages: RawMessages, account: AccountLine) {
    if (!account.deviceId.includes(':')) {
      throw new DmError('RAW_DEVICE_ID', `the DeviceID ${account.deviceId} has no colon, which a raw device needs`);
    }
    this.id = account.deviceId;
    this.#messages = messages;
    this.#account = account;
    this.#ownDigest = digestOf(account.userName, account.secret);
    this.#peerDigest = digestOf(account.serverId, account.serverSecret);
    this.#ownNonce = Buffer.from(account.clientNonce, 'base64').toString('latin1');
    this.#peerNonce = Buffer.from(account.serverNonce, 'base64').toString('latin1');
  }

  /** SessionID a notification asks for; undefined for what our server did not prove, and for a repeat. [NOTI 6.2] */
  acceptNotification(datagram: Uint8Array): string | undefined {
    const sessionId = readNotification(datagram)?.sessionId;
    if (sessionId === undefined || sessionId === this.#lastNotified) return undefined;
    const server = { name: this.#account.serverId, digest: this.#peerDigest };
    if (!verifyNotification(datagram, server, Buffer.from(this.#peerNonce, 'latin1'))) return undefined;
    this.#lastNotified = sessionId;
    return sessionId;
  }

  /** Runs a session over this connection; answers how often it brought commands. Throws `DmError` RAW_… */
  async runSession(
    reason: 1200 | 1201,
    sessionId: string,
    { connection, path, watch }: { connection: RawConnection; path: string; watch: ExchangeWatcher },
  ): Promise<number> {
    const { encoding } = this.#messages;
    const contentType = contentTypeOf(encoding);
    const colon = this.id.lastIndexOf(':');
    const fixed = {
      sessionId,
      family: wireValue(this.id.slice(0, colon), encoding),
      serial: wireValue(this.id.slice(colon + 1), encoding),
      userName: wireValue(this.#account.userName, encoding),
    };
    let url = path;
    let body = this.#messages.opening[reason].fill({ ...fixed, msgId: '1', cred: this.#cred() });
    for (let exchange = 0; exchange < MAX_EXCHANGES; exchange++) {
      const response = await connection.post({ path: url, contentType, body, mac: this.#macOf(body) });
      watch(exchange, body.length, response.body.length);
      const message = this.#read(response);
      this.#checkServer(message, response, exchange === 0);
      if (message.nextNonce !== undefined) this.#ownNonce = fromBase64(message.nextNonce);
      url = message.respUri === undefined ? url : pathOf(message.respUri);
      const answers = await this.#messages.answersTo(message.commands, response.body, exchange === 0);
      if (answers === undefined) return exchange;
      this.#peerNonce = newNonce();
      body = answers.fill({
        ...fixed,
        msgId: String(exchange + 2),
        serverMsgId: message.msgId,
        nextNonce: Buffer.from(this.#peerNonce, 'latin1').toString('base64'),
      });
    }
    throw new DmError('RAW_SESSION', `${this.id}: the session has not ended after ${MAX_EXCHANGES} exchanges`);
  }

  #cred(): string {
    const { scheme, userName, secret } = this.#account;
    if (scheme === 'basic') return Buffer.from(`${userName}:${secret}`).toString('base64');
    const nonce = Buffer.from(this.#ownNonce, 'latin1');
    return scheme === 'md5' ? Buffer.from(md5Proof(this.#ownDigest, nonce)).toString('base64') : '';
  }

  #macOf(body: string): string | undefined {
    const { scheme, userName } = this.#account;
    if (scheme !== 'mac') return undefined;
    const principal = { name: userName, digest: this.#ownDigest };
    const nonce = Buffer.from(this.#ownNonce, 'latin1');
    return macHeaderFor(Buffer.from(body, 'latin1'), { scheme, principal, nonce });
  }

  #read({ httpStatus, body }: RawResponse): ServerMessage {
    if (httpStatus !== 200)
      throw new DmError('RAW_STATUS', `${this.id}: HTTP ${httpStatus}: ${body.slice(0, 80).trim()}`);
    const message = readServerMessage(body, this.#messages.encoding);
    if (message === undefined) throw new DmError('RAW_MESSAGE', `${this.id}: the answer is no message of a gateway`);
    if (message.status === STATUS.ok || message.status === STATUS.authenticationAccepted) return message;
    throw new DmError('RAW_STATUS', `${this.id}: the SyncHdr got Status ${message.status}`);
  }

  /** The server proves itself in its first message, by MAC in each. [SEC 5] */
  #checkServer({ cred }: ServerMessage, { head, body }: RawResponse, isFirst: boolean): void {
    const { serverScheme: scheme, serverId: name } = this.#account;
    if (scheme === 'none' || (!isFirst && scheme !== 'mac')) return;
    const authentication = {
      scheme,
      principal: { name, digest: this.#peerDigest },
      nonce: Buffer.from(this.#peerNonce, 'latin1'),
    };
    const mac = scheme === 'mac' ? readMacHeader(macLineOf(head), Buffer.from(body, 'latin1')) : undefined;
    const sent = cred === undefined ? undefined : { meta: { type: `syncml:auth-${scheme}` }, data: cred };
    const verdict = checkCred(sent, authentication, mac);
    if (verdict !== 'valid')
      throw new DmError('RAW_SERVER', `${this.id}: the credentials of the server are ${verdict}`);
  }
}

function macLineOf(head: string): string | undefined {
  return new RegExp(`\\r\\n${MAC_HEADER}: *(.*)`, 'i').exec(head)?.[1];
}

function pathOf(respUri: string): string {
  const path = respUri.indexOf('/', respUri.indexOf('://') + 3);
  return (path < 0 ? '/' : respUri.slice(path)).replaceAll('&amp;', '&');
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}

let octets = '';
let taken = 0;

function newNonce(): string {
  if (taken >= octets.length) {
    octets = randomBytes(NONCE_BYTES * NONCES_AT_A_TIME).toString('latin1');
    taken = 0;
  }
  taken += NONCE_BYTES;
  return octets.slice(taken - NONCE_BYTES, taken);
}
