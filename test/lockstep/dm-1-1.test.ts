import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts';
import type { RequestCommand } from '../../src/protocol/message/message.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, keptLog } from '../gateway/gateway-fixture.ts';
import { elementsIn, md5Proof, nextNonceIn, statusIn, textIn } from '../gateway/raw-syncml.ts';
import { post } from './raw-client.ts';

/** A device that speaks DM 1.1, byte by byte against a gateway. [DMPROTO 5] */

const ID = 'urn:dev:1';
const COMMANDS: readonly RequestCommand[] = [
  { kind: 'Exec', cmdId: '1', correlator: 'corr', items: [{ target: { locUri: './Do' } }] },
  { kind: 'Get', cmdId: '2', items: [{ target: { locUri: './DevInfo/Mod' } }] },
];

let store: GatewayStore;
let gateway: Gateway;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  await store.devices.add([deviceAccount(ID, undefined)]);
  // The inventory is known: a session brings the commands of runs and nothing else.
  const device = await store.devices.byDeviceId(ID);
  await store.devices.saveInventory(device!.key, { detailAt: Date.now() }, Date.now());
  const setup = gatewaySetup(store, keptLog());
  gateway = await openGateway(setup);
  await store.groups.create('all');
  await store.groups.addMembers('all', [{ name: '1', deviceId: ID }]);
  await gateway.startRun({
    group: 'all',
    commands: COMMANDS,
    policy: setup.fanOut.policy,
    correlator: undefined,
    idempotencyKey: undefined,
  });
});

afterEach(async () => {
  await gateway.close();
  await store.close();
});

function message(msgId: number, body: string, proof?: string): string {
  const cred =
    proof === undefined
      ? ''
      : `<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta><Data>${proof}</Data></Cred>`;
  return (
    `<SyncML xmlns="SYNCML:SYNCML1.1"><SyncHdr><VerDTD>1.1</VerDTD><VerProto>DM/1.1</VerProto>` +
    `<SessionID>1</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>${gateway.dmUrl}</LocURI></Target>` +
    `<Source><LocURI>${ID}</LocURI><LocName>${ID}</LocName></Source>${cred}` +
    `<Meta><MaxMsgSize xmlns="syncml:metinf">4096</MaxMsgSize></Meta></SyncHdr><SyncBody>${body}</SyncBody></SyncML>`
  );
}

const PACKAGE_1 =
  '<Alert><CmdID>1</CmdID><Data>1201</Data></Alert>' +
  `<Replace><CmdID>2</CmdID><Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>${ID}</Data></Item>` +
  '<Item><Source><LocURI>./DevInfo/DmV</LocURI></Source><Data>1.1.2</Data></Item></Replace><Final/>';
const proofFor = (nonce: Uint8Array): string => md5Proof(ID, `secret-of-${ID}`, nonce);
const status = (cmdId: number, cmdRef: string, cmd: string, code: number): string =>
  `<Status><CmdID>${cmdId}</CmdID><MsgRef>2</MsgRef><CmdRef>${cmdRef}</CmdRef><Cmd>${cmd}</Cmd><Data>${code}</Data></Status>`;

describe('a device of DM 1.1', () => {
  it('gateway: serves it from the challenge to the end in its own version', async () => {
    const challenged = await post(gateway.dmUrl, message(1, PACKAGE_1));
    expect(challenged.text).toContain('<SyncML xmlns="SYNCML:SYNCML1.1"><SyncHdr><VerDTD>1.1</VerDTD>');
    expect(challenged.text).toContain('<VerProto>DM/1.1</VerProto>');
    expect(['0', '1', '2'].map((cmdRef) => statusIn(challenged.text, cmdRef))).toEqual([407, 407, 407]);

    const proof = proofFor(nextNonceIn(challenged.text)!);
    const commanded = await post(gateway.dmUrl, message(2, PACKAGE_1, proof));
    expect(commanded.text).toContain('<SyncML xmlns="SYNCML:SYNCML1.1"><SyncHdr><VerDTD>1.1</VerDTD>');
    expect(['0', '1', '2'].map((cmdRef) => statusIn(commanded.text, cmdRef))).toEqual([212, 200, 200]);
    const [exec, get] = [elementsIn(commanded.text, 'Exec')[0]!, elementsIn(commanded.text, 'Get')[0]!];
    expect(exec).toContain('./Do');
    expect(commanded.text).not.toContain('Correlator');

    const [execId, getId] = [textIn(exec, 'CmdID')!, textIn(get, 'CmdID')!];
    const chunk = (cmdId: number, meta: string, data: string, more: string): string =>
      `<Results><CmdID>${cmdId}</CmdID><MsgRef>2</MsgRef><CmdRef>${getId}</CmdRef><Item><Source><LocURI>./DevInfo/Mod</LocURI></Source>${meta}<Data>${data}</Data>${more}</Item></Results>`;
    const size = '<Meta><Size xmlns="syncml:metinf">8</Size></Meta>';
    const answers = status(1, '0', 'SyncHdr', 200) + status(2, execId, 'Exec', 200) + status(3, getId, 'Get', 200);
    const more = await post(gateway.dmUrl, message(3, answers + chunk(4, size, 'Model', '<MoreData/>')));
    expect(more.text).toContain('<VerDTD>1.1</VerDTD><VerProto>DM/1.1</VerProto>');
    expect(statusIn(more.text, '4')).toBe(213);
    expect(more.text).toContain('<Data>1222</Data>');
    const rest = status(1, '0', 'SyncHdr', 200).replace('<MsgRef>2<', '<MsgRef>3<') + chunk(2, '', ' of', '');
    const last = await post(gateway.dmUrl, message(4, `${rest}<Final/>`));
    expect(last.text).toContain('<VerDTD>1.1</VerDTD><VerProto>DM/1.1</VerProto>');
    const member = await store.fanOut.member(1, 1);
    expect(member?.deResult).toContain('<Data>Model of</Data>');
    expect(member?.deResult).not.toContain('SYNCML1.1');
    expect(member?.outcome).toBe('succeeded');
  });

  it('gateway: answers its WBXML under the public identifier of SyncML 1.1', async () => {
    const headers = { 'content-type': 'application/vnd.syncml.dm+wbxml' };
    const form = { encoding: 'wbxml', version: 2 } as const;
    const toWbxml = (xml: string): Uint8Array => encodeMessage(decodeMessage(Buffer.from(xml), 'xml').message, form);
    const request = toWbxml(message(1, PACKAGE_1, proofFor(new Uint8Array())));
    expect(Buffer.from(request.subarray(0, 5)).toString('hex')).toBe('029f536a00');
    const answer = await post(gateway.dmUrl, request, headers);
    expect(answer.body.subarray(0, 5).toString('hex')).toBe('029f536a00');
    const { hdr, body } = decodeMessage(answer.body, 'wbxml').message;
    expect(hdr).toMatchObject({ verDtd: '1.1', verProto: 'DM/1.1' });
    expect(body.map(({ kind }) => kind)).toEqual(['Status', 'Status', 'Status', 'Exec', 'Get']);
  });
});
