import { timingSafeEqual } from 'node:crypto';
import { contentHash, contentProof } from '../auth/digest.ts';
import type { Principal } from '../auth/principal.ts';
import { DmError } from '../errors.ts';

const DIGEST_BYTES = 16;
/** Version, ui-mode, initiator, future use, sessionid, length-identifier. */
const HEADER_BYTES = 8;
const MAX_SESSION_NUMBER = 0xffff;
const MAX_SERVER_ID_BYTES = 0xff;
const VERSIONS: readonly number[] = [10, 11, 12];
/** By the value of the field. */
const UI_MODES = ['unspecified', 'background', 'informative', 'interactive'] as const;
const INITIATORS = ['client', 'server'] as const;

/** How a device may tell its user of the session. [NOTI 6.2] */
export type UiMode = (typeof UI_MODES)[number];
/** Who made the server come. [NOTI 6.2] */
export type Initiator = (typeof INITIATORS)[number];

/** What is signed in package #0. */
interface Trigger {
  /** Version of the notification times ten. */
  readonly version: number;
  readonly uiMode: UiMode;
  readonly initiator: Initiator;
  /** Whose digest it is. */
  readonly serverId: string;
  /** Vendor-specific body. */
  readonly vendor?: Uint8Array | undefined;
}

/** A notification to be sent. */
export interface OutgoingNotification extends Trigger {
  /** 1 to 65,535. */
  readonly sessionId: number;
}

/** A notification as it arrived; nothing of it is proved. */
export interface ReceivedNotification extends Trigger {
  /** As the SessionID of the session that answers it: upper-case hex digits without leading zeros. */
  readonly sessionId: string;
}

/**
 * The documented nonce for peers whose nonces have drifted apart. Whether it is text or four zero octets is left open;
 * devices of both kinds exist, so both are sent and both are accepted. [NOTI 6.2]
 */
export const RESET_NONCES: readonly Uint8Array[] = [Buffer.from('0x00000000'), Buffer.alloc(4)];

/**
 * Writes package #0, proved by the server's digest under this nonce. Throws `DmError` NOTIFICATION_FIELD for a value
 * that its field cannot hold. [NOTI 6.2]
 */
export function encodeNotification(notification: OutgoingNotification, digest: string, nonce: Uint8Array): Uint8Array {
  const trigger = encodeTrigger(notification);
  return Buffer.concat([contentProof(digest, nonce, contentHash(trigger)), trigger]);
}

/** Reads package #0 without believing it; undefined when it is none, or of a version not known here. [NOTI 6.2] */
export function readNotification(datagram: Uint8Array): ReceivedNotification | undefined {
  const trigger = triggerOf(datagram);
  if (trigger.length < HEADER_BYTES) return undefined;
  const flags = trigger.readUInt16BE(0);
  const version = flags >> 6;
  const uiMode = UI_MODES[(flags >> 4) & 0b11];
  const initiator = INITIATORS[(flags >> 3) & 0b1];
  const sessionNumber = trigger.readUInt16BE(5);
  const serverIdEnd = HEADER_BYTES + trigger.readUInt8(7);
  if (!VERSIONS.includes(version) || !uiMode || !initiator || sessionNumber === 0) return undefined;
  const serverId = serverIdEnd > trigger.length ? undefined : textOf(trigger.subarray(HEADER_BYTES, serverIdEnd));
  if (serverId === undefined) return undefined;
  const vendor = serverIdEnd === trigger.length ? undefined : trigger.subarray(serverIdEnd);
  return { version, uiMode, initiator, sessionId: sessionNumber.toString(16).toUpperCase(), serverId, vendor };
}

/** What a notification proved itself under: the stored nonce or, for ever, a reset nonce; then its digest tells it from others. */
export type NotificationProof = { readonly nonce: 'stored' } | { readonly nonce: 'reset'; readonly digest: Uint8Array };

/**
 * How this server proves that it sent the notification: it is named in it, and the digest is right under the nonce or
 * under one of the reset nonces. Undefined: it did not send it. [NOTI 6.2]
 */
export function notificationProof(
  datagram: Uint8Array,
  server: Pick<Principal, 'name' | 'digest'>,
  nonce: Uint8Array,
): NotificationProof | undefined {
  if (readNotification(datagram)?.serverId !== server.name) return undefined;
  const digest = datagram.subarray(0, DIGEST_BYTES);
  const hash = contentHash(triggerOf(datagram));
  const isUnder = (known: Uint8Array): boolean => timingSafeEqual(digest, contentProof(server.digest, known, hash));
  if (isUnder(nonce)) return { nonce: 'stored' };
  return RESET_NONCES.some(isUnder) ? { nonce: 'reset', digest } : undefined;
}

/** Whether this server sent the notification, as `notificationProof` says. [NOTI 6.2] */
export function verifyNotification(...sent: Parameters<typeof notificationProof>): boolean {
  return notificationProof(...sent) !== undefined;
}

/**
 * The DeviceID in the vendor-specific body, where the sender put one; undefined without. It says whose notification it
 * may be, not that it is genuine. [FANOUT 8]
 */
export function notificationAddressee(datagram: Uint8Array): string | undefined {
  const vendor = readNotification(datagram)?.vendor;
  return vendor && textOf(vendor);
}

function encodeTrigger({ version, uiMode, initiator, sessionId, serverId, vendor }: OutgoingNotification): Uint8Array {
  if (!VERSIONS.includes(version)) throw misfit('version', version, VERSIONS.join(' or '));
  if (!Number.isInteger(sessionId) || sessionId < 1 || sessionId > MAX_SESSION_NUMBER) {
    throw misfit('sessionid', sessionId, `1 to ${MAX_SESSION_NUMBER}`);
  }
  const name = Buffer.from(serverId);
  if (name.length === 0 || name.length > MAX_SERVER_ID_BYTES) {
    throw misfit('length-identifier', name.length, `1 to ${MAX_SERVER_ID_BYTES}`);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE((version << 6) | (UI_MODES.indexOf(uiMode) << 4) | (INITIATORS.indexOf(initiator) << 3), 0);
  header.writeUInt16BE(sessionId, 5);
  header.writeUInt8(name.length, 7);
  return Buffer.concat([header, name, vendor ?? new Uint8Array()]);
}

function triggerOf(datagram: Uint8Array): Buffer {
  const { buffer, byteOffset, byteLength } = datagram;
  return Buffer.from(buffer, byteOffset, byteLength).subarray(DIGEST_BYTES);
}

/** Undefined: empty, or no UTF-8. */
function textOf(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets) || undefined;
  } catch {
    return undefined;
  }
}

function misfit(field: string, found: number, allowed: string): DmError {
  return new DmError('NOTIFICATION_FIELD', `${field} is ${found}; allowed is ${allowed}`);
}
