import type { AuthScheme } from '../../protocol/auth/principal.ts';
import { type Encoding, decodeMessage, type WireForm } from '../../protocol/codec.ts';
import { ALERT, STATUS } from '../../protocol/message/codes.ts';
import type { Answer, Cred, Meta, ResponseCommand, SyncHdr } from '../../protocol/message/message.ts';
import { DeviceTree } from '../device-tree.ts';
import { slot, WireTemplate } from './wire-template.ts';

const MAX_MSG_BYTES = 65_536;
const MAX_OBJ_BYTES = 1_048_576;
/** Command blocks whose answers are kept: those of the runs that are active. */
const MAX_ANSWERS = 64;
/** A DeviceID in two parts: the tree of a device makes other values of what follows the last colon. */
const DEVICE_ID = `${slot('family')}:${slot('serial')}`;
const FORMS = { xml: { encoding: 'xml' }, wbxml: { encoding: 'wbxml', version: 2 } } as const satisfies Record<
  Encoding,
  WireForm
>;

/** What the devices that share templates have in common. */
export interface RawKind {
  readonly encoding: Encoding;
  readonly scheme: AuthScheme;
  readonly serverScheme: AuthScheme;
  readonly serverId: string;
  readonly dmUrl: string;
}

/** The messages of all raw devices of a kind, encoded once. */
export interface RawMessages {
  readonly encoding: Encoding;
  /** Package 1 after a notification, and of a device that comes by itself. [DMPROTO 8.3] */
  readonly opening: Readonly<Record<1200 | 1201, WireTemplate>>;
  /**
   * Package 3 for a command block: what the tree of a simulated device answers, with the values of this device put in.
   * `body` is the whole message, of which the first device with such a block has its commands decoded and executed.
   * Undefined: there are no commands.
   */
  answersTo(block: string, body: string, isFirst: boolean): Promise<WireTemplate | undefined>;
}

/** Encodes what can be; `DeviceTree` says what a device is and answers. */
export async function createRawMessages(kind: RawKind): Promise<RawMessages> {
  const form = FORMS[kind.encoding];
  const devInfo = await new DeviceTree(DEVICE_ID).devInfo();
  const answers = new Map<string, Promise<WireTemplate | undefined>>();

  const opening = (code: 1200 | 1201): WireTemplate =>
    new WireTemplate(
      {
        hdr: header(kind, credOf(kind)),
        body: [
          { kind: 'Alert', cmdId: '1', code, items: [] },
          { kind: 'Replace', cmdId: '2', items: devInfo },
        ],
        final: true,
      },
      form,
    );

  async function answerTemplate(body: string, isFirst: boolean): Promise<WireTemplate | undefined> {
    const { message } = decodeMessage(Buffer.from(body, 'latin1'), kind.encoding);
    const commands = message.body.filter((command) => command.kind !== 'Status' && command.kind !== 'Results');
    if (commands.length === 0 || !message.final) return undefined;
    const said: Answer[] = [];
    const tree = new DeviceTree(DEVICE_ID);
    for await (const answer of tree.execute(kind.serverId, message.hdr.msgId, commands)) said.push(answer);
    const numbered = said.map((answer, index): ResponseCommand => ({
      ...answer,
      cmdId: String(index + 2),
      msgRef: slot('serverMsgId'),
    }));
    return new WireTemplate(
      { hdr: header(kind, undefined), body: [hdrStatus(kind, isFirst), ...numbered], final: true },
      form,
    );
  }

  return {
    encoding: kind.encoding,
    opening: { 1200: opening(ALERT.serverInitiatedMgmt), 1201: opening(ALERT.clientInitiatedMgmt) },
    answersTo(block, body, isFirst) {
      const key = `${isFirst ? 'first' : 'next'} ${block}`;
      const known = answers.get(key);
      if (known !== undefined) return known;
      const [oldest] = answers.keys();
      if (oldest !== undefined && answers.size >= MAX_ANSWERS) answers.delete(oldest);
      const made = answerTemplate(body, isFirst);
      answers.set(key, made);
      return made;
    },
  };
}

function header({ scheme, dmUrl }: RawKind, cred: Cred | undefined): SyncHdr {
  return {
    verDtd: '1.2',
    verProto: 'DM/1.2',
    sessionId: slot('sessionId'),
    msgId: slot('msgId'),
    target: { locUri: dmUrl },
    source: { locUri: DEVICE_ID, locName: scheme === 'none' ? undefined : slot('userName') },
    cred,
    meta: { maxMsgBytes: MAX_MSG_BYTES, maxObjBytes: MAX_OBJ_BYTES },
  };
}

function credOf({ scheme }: RawKind): Cred | undefined {
  if (scheme === 'none' || scheme === 'mac') return undefined;
  return { meta: { format: 'b64', type: `syncml:auth-${scheme}` }, data: slot('cred') };
}

/** For the SyncHdr of the server, with the nonce of its next proof where there is one. [SEC 5.3] */
function hdrStatus({ serverScheme }: RawKind, isFirst: boolean): ResponseCommand {
  const isProof = serverScheme === 'mac' || (isFirst && serverScheme !== 'none');
  const chal: Meta | undefined =
    isProof && serverScheme !== 'basic'
      ? {
          format: 'b64',
          type: serverScheme === 'mac' ? 'syncml:auth-MAC' : 'syncml:auth-md5',
          nextNonce: slot('nextNonce'),
        }
      : undefined;
  return {
    kind: 'Status',
    cmdId: '1',
    msgRef: slot('serverMsgId'),
    cmdRef: '0',
    cmd: 'SyncHdr',
    targetRefs: [],
    sourceRefs: [],
    chal,
    code: isProof && serverScheme !== 'mac' ? STATUS.authenticationAccepted : STATUS.ok,
    items: [],
  };
}
