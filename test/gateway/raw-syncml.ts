import { createHash } from 'node:crypto';

/** The formulas and bytes of SyncML, written out once more so that a fault in the product cannot hide in its own tests. */

const md5 = (data: string | Uint8Array): Buffer => createHash('md5').update(data).digest();
const base64 = (data: Uint8Array): string => Buffer.from(data).toString('base64');

/** B64(H(name:password)). [SEC 5.3] */
export function rawDigest(name: string, password: string): string {
  return base64(md5(`${name}:${password}`));
}

/** Data of an md5 Cred. [SEC 5.3] */
export function md5Proof(name: string, password: string, nonce: Uint8Array): string {
  return base64(md5(Buffer.concat([Buffer.from(`${rawDigest(name, password)}:`), nonce])));
}

export interface RawHeader {
  readonly sessionId: string;
  readonly msgId: number;
  readonly target: string;
  readonly source: string;
  readonly locName?: string;
  /** Data of an md5 Cred. */
  readonly proof?: string | undefined;
  readonly maxObjBytes?: number | undefined;
}

/** One message, byte for byte as the peers of the tests send it. */
export function rawMessage(header: RawHeader, body: string, final = true): string {
  const { sessionId, msgId, target, source, locName, proof, maxObjBytes } = header;
  const maxObjSize = maxObjBytes === undefined ? '' : `<MaxObjSize xmlns="syncml:metinf">${maxObjBytes}</MaxObjSize>`;
  const name = locName === undefined ? '' : `<LocName>${locName}</LocName>`;
  const cred =
    proof === undefined
      ? ''
      : `<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta><Data>${proof}</Data></Cred>`;
  return (
    `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>` +
    `<SessionID>${sessionId}</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>${target}</LocURI></Target>` +
    `<Source><LocURI>${source}</LocURI>${name}</Source>${cred}` +
    `<Meta><MaxMsgSize xmlns="syncml:metinf">16384</MaxMsgSize>${maxObjSize}</Meta></SyncHdr>` +
    `<SyncBody>${body}${final ? '<Final/>' : ''}</SyncBody></SyncML>`
  );
}

export function rawStatus(cmdId: number, msgRef: number, cmdRef: string, cmd: string, code: number): string {
  return `<Status><CmdID>${cmdId}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdRef}</CmdRef><Cmd>${cmd}</Cmd><Data>${code}</Data></Status>`;
}

/** Text of the first element of this name; undefined: there is none. */
export function textIn(xml: string, element: string): string | undefined {
  return new RegExp(`<${element}(?: [^>]*)?>([^<]*)</${element}>`).exec(xml)?.[1];
}

/** All elements of this name, as they stand. */
export function elementsIn(xml: string, element: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${element}(?: [^>]*)?>.*?</${element}>`, 'gs'))].map(([whole]) => whole);
}

/** Code of the Status for this command; `0` is the SyncHdr. */
export function statusIn(xml: string, cmdRef: string): number | undefined {
  const status = elementsIn(xml, 'Status').find((element) => textIn(element, 'CmdRef') === cmdRef);
  const code =
    status === undefined ? undefined : /<Data(?: [^>]*)?>(\d+)<\/Data>(?!.*<Data)/s.exec(withoutItems(status))?.[1];
  return code === undefined ? undefined : Number(code);
}

/** Octets of the NextNonce in a message. */
export function nextNonceIn(xml: string): Uint8Array | undefined {
  const text = textIn(xml, 'NextNonce');
  return text === undefined ? undefined : Buffer.from(text, 'base64');
}

/** What stands in a package #0, read by hand. [NOTI 6] */
export function readPackage0(datagram: Uint8Array): {
  readonly digest: string;
  readonly sessionId: string;
  readonly serverId: string;
  readonly vendor: string;
} {
  const bytes = Buffer.from(datagram);
  const length = bytes.readUInt8(23);
  return {
    digest: bytes.subarray(0, 16).toString('hex'),
    sessionId: bytes.readUInt16BE(21).toString(16).toUpperCase(),
    serverId: bytes.toString('utf8', 24, 24 + length),
    vendor: bytes.toString('utf8', 24 + length),
  };
}

/** A package #0 from a DM Server, made by hand. [NOTI 6] */
export function rawPackage0(serverId: string, password: string, nonce: Uint8Array, sessionId: number): Buffer {
  const header = Buffer.from([0x02, 0xd8, 0, 0, 0, sessionId >> 8, sessionId & 0xff, serverId.length]);
  const trigger = Buffer.concat([header, Buffer.from(serverId)]);
  return Buffer.concat([notificationDigest(serverId, password, nonce, trigger), trigger]);
}

/** The octets that a package #0 begins with. [NOTI 6] */
export function notificationDigest(serverId: string, password: string, nonce: Uint8Array, trigger: Uint8Array): Buffer {
  return md5(
    Buffer.concat([Buffer.from(`${rawDigest(serverId, password)}:`), nonce, Buffer.from(`:${base64(md5(trigger))}`)]),
  );
}

function withoutItems(status: string): string {
  return status.replace(/<Item>.*?<\/Item>/gs, '').replace(/<Chal>.*?<\/Chal>/gs, '');
}
