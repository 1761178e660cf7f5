import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { NewDevice } from '../../src/store/devices.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, keptLog } from '../gateway/gateway-fixture.ts';
import { elementsIn, md5Proof, nextNonceIn, rawDigest, statusIn, textIn } from '../gateway/raw-syncml.ts';
import { exchangeBytes, post } from './raw-client.ts';

/** What real clients do, played byte by byte against a gateway: each test is one thing that was seen on the wire. */

const ID = 'urn:dev:1';
const SECRET = `secret-of-${ID}`;
const XML = { 'content-type': 'application/vnd.syncml.dm+xml' };

let store: GatewayStore;
let gateway: Gateway;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  await store.devices.add([deviceAccount(ID, undefined)]);
  // The inventory is known: a session brings the commands of runs and nothing else.
  const device = await store.devices.byDeviceId(ID);
  await store.devices.saveInventory(device!.key, { detailAt: Date.now() }, Date.now());
  gateway = await openGateway(gatewaySetup(store, keptLog()));
});

afterEach(async () => {
  await gateway.close();
  await store.close();
});

interface Header {
  readonly sessionId?: string;
  readonly msgId?: number;
  /** Data of an md5 Cred. */
  readonly proof?: string | undefined;
  readonly meta?: string;
  readonly locName?: string;
}

function message({ sessionId = '1', msgId = 1, proof, meta = '', locName = ID }: Header, body: string): string {
  const name = locName === '' ? '' : `<LocName>${locName}</LocName>`;
  const cred =
    proof === undefined
      ? ''
      : `<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta><Data>${proof}</Data></Cred>`;
  return (
    `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>` +
    `<SessionID>${sessionId}</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>${gateway.dmUrl}</LocURI></Target>` +
    `<Source><LocURI>${ID}</LocURI>${name}</Source>${cred}${meta}</SyncHdr><SyncBody>${body}</SyncBody></SyncML>`
  );
}

const alert = (cmdId: number, code = 1201): string => `<Alert><CmdID>${cmdId}</CmdID><Data>${code}</Data></Alert>`;
const leaf = (name: string, data: string): string =>
  `<Item><Source><LocURI>./DevInfo/${name}</LocURI></Source><Data>${data}</Data></Item>`;
const devInfo = (cmdId: number, items = leaf('DevId', ID) + leaf('Mod', 'M1')): string =>
  `<Replace><CmdID>${cmdId}</CmdID>${items}</Replace>`;
const PACKAGE_1 = `${alert(1)}${devInfo(2)}<Final/>`;
const proofFor = (nonce: Uint8Array = new Uint8Array()): string => md5Proof(ID, SECRET, nonce);

/** A run with one Get for the device. */
async function startRun(commands = ['./DevInfo/Mod']): Promise<void> {
  await store.groups.create('all');
  await store.groups.addMembers('all', [{ name: '1', deviceId: ID }]);
  await gateway.startRun({
    group: 'all',
    commands: [{ kind: 'Get', cmdId: '7', items: commands.map((locUri) => ({ target: { locUri } })) }],
    policy: gatewaySetup(store, keptLog()).fanOut.policy,
    correlator: undefined,
    idempotencyKey: undefined,
  });
}

const status = (cmdId: number, msgRef: number, cmdRef: string, cmd: string, code: number, more = ''): string =>
  `<Status><CmdID>${cmdId}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdRef}</CmdRef><Cmd>${cmd}</Cmd>${more}<Data>${code}</Data></Status>`;
const getIn = (text: string): string => textIn(elementsIn(text, 'Get')[0] ?? '', 'CmdID') ?? '';
const member = () => store.fanOut.member(1, 1);

describe('HTTP as clients speak it', () => {
  it.each([
    'application/vnd.syncml.dm+xml',
    'application/vnd.syncml.dm+xml; charset=UTF-8',
    'application/vnd.syncml.dm+xml;charset="utf-8";verproto="DM/1.2"',
    'application/vnd.syncml+xml',
    'Application/VND.SyncML.DM+XML',
  ])('gateway: answers %s in the media type of the request', async (contentType) => {
    const answer = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1), {
      'CONTENT-type': contentType,
    });
    expect(answer.status).toBe(200);
    expect(answer.contentType).toBe(contentType.split(';')[0]?.toLowerCase());
    expect(statusIn(answer.text, '0')).toBe(212);
  });

  it('gateway: pays no heed to an Accept that names what the client does not speak', async () => {
    const headers = { ...XML, accept: 'application/vnd.syncml.dm+wbxml, text/html;q=0.1' };
    const answer = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1), headers);
    expect(answer.contentType).toBe('application/vnd.syncml.dm+xml');
  });

  it('gateway: serves a client that speaks HTTP/1.0, without keep-alive, User-Agent or charset', async () => {
    await startRun();
    const say = (body: string): Promise<string> =>
      exchangeBytes(
        gateway.dmUrl,
        `POST /dm HTTP/1.0\r\nContent-Type: application/vnd.syncml.dm+xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    const first = await say(message({ proof: proofFor() }, PACKAGE_1));
    expect(first).toMatch(/^HTTP\/1\.[01] 200 /);
    const cmdId = getIn(first);
    const answers = status(1, 1, '0', 'SyncHdr', 200) + status(2, 1, cmdId, 'Get', 404);
    const second = await say(message({ msgId: 2 }, `${answers}<Final/>`));
    expect(statusIn(second, '0')).toBe(200);
    expect(await member()).toMatchObject({ outcome: 'failed' });
  });

  it('gateway: keeps nothing open for a client that simply does not post again', async () => {
    await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1));
    expect(gateway.load.openSessions).toBe(0);
  });
});

describe('headers and package 1', () => {
  it.each(['CE98', '1', '0', 'session-4711', '00'])('gateway: echoes the SessionID %s', async (sessionId) => {
    const { text } = await post(gateway.dmUrl, message({ sessionId, proof: proofFor() }, PACKAGE_1));
    expect(textIn(text, 'SessionID')).toBe(sessionId);
  });

  it.each([
    [
      'MaxMsgSize and MaxObjSize',
      '<Meta><MaxMsgSize xmlns="syncml:metinf">16384</MaxMsgSize><MaxObjSize xmlns="syncml:metinf">65536</MaxObjSize></Meta>',
    ],
    ['MaxMsgSize alone', '<Meta xmlns="syncml:metinf"><MaxMsgSize>122880</MaxMsgSize></Meta>'],
    ['neither', ''],
  ])('gateway: serves a client that tells %s', async (_, meta) => {
    await startRun();
    const { text } = await post(gateway.dmUrl, message({ meta, proof: proofFor() }, PACKAGE_1));
    expect(elementsIn(text, 'Get')).toHaveLength(1);
  });

  it('gateway: takes DevInfo with interior nodes, empty values and more leaves than the five', async () => {
    const items =
      '<Item><Source><LocURI>./DevInfo</LocURI></Source><Meta><Format xmlns="syncml:metinf">node</Format></Meta></Item>' +
      leaf('DevId', ID) +
      leaf('Man', '') +
      leaf('Mod', 'M1') +
      '<Item><Source><LocURI>./DevInfo/Ext/Battery</LocURI></Source><Data>83</Data></Item>';
    const { text } = await post(
      gateway.dmUrl,
      message({ proof: proofFor() }, `${alert(1)}${devInfo(2, items)}<Final/>`),
    );
    expect(statusIn(text, '2')).toBe(200);
    expect((await store.devices.byDeviceId(ID))?.inventory).toMatchObject({ man: '', mod: 'M1' });
  });

  it('gateway: takes Windows package 1: alerts before the Replace, first CmdID 2', async () => {
    const event =
      '<Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert>';
    const { text } = await post(
      gateway.dmUrl,
      message({ proof: proofFor() }, `${alert(2)}${event}${devInfo(4)}<Final/>`),
    );
    expect(['0', '2', '3', '4'].map((cmdRef) => statusIn(text, cmdRef))).toEqual([212, 200, 200, 200]);
  });

  it('gateway: answers an unenrolment in package 1', async () => {
    const unenrol =
      '<Alert><CmdID>3</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type><Format xmlns="syncml:metinf">int</Format></Meta><Data>1</Data></Item></Alert>';
    const { text } = await post(
      gateway.dmUrl,
      message({ proof: proofFor() }, `${alert(2)}${unenrol}${devInfo(4)}<Final/>`),
    );
    expect(statusIn(text, '3')).toBe(200);
  });

  it('gateway: reads elements in another order than that of the DTD', async () => {
    const body = message({ proof: proofFor() }, PACKAGE_1)
      .replace('<CmdID>1</CmdID><Data>1201</Data>', '<Data>1201</Data><CmdID>1</CmdID>')
      .replace('<VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>', '<VerProto>DM/1.2</VerProto><VerDTD>1.2</VerDTD>');
    expect(statusIn((await post(gateway.dmUrl, body)).text, '1')).toBe(200);
  });
});

describe('authentication as clients do it', () => {
  it('gateway: takes the empty nonce of a first message, and asks for the new one after that', async () => {
    const first = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1));
    expect(statusIn(first.text, '0')).toBe(212);
    const nonce = nextNonceIn(first.text)!;
    const stale = await post(gateway.dmUrl, message({ sessionId: '2', proof: proofFor() }, PACKAGE_1));
    expect(statusIn(stale.text, '0')).toBe(401);
    const again = await post(gateway.dmUrl, message({ sessionId: '3', proof: proofFor(nonce) }, PACKAGE_1));
    expect(statusIn(again.text, '0')).toBe(212);
  });

  it('gateway: gives nonces that every client digests: their length modulo 3 is never 2', async () => {
    const { text } = await post(gateway.dmUrl, message({}, PACKAGE_1));
    expect(nextNonceIn(text)!.length % 3).not.toBe(2);
    expect(nextNonceIn(text)!.length).toBeGreaterThanOrEqual(16);
  });

  it('gateway: answers each command of an unproven client with 407, as libdmclient needs it', async () => {
    const { text } = await post(gateway.dmUrl, message({}, PACKAGE_1));
    expect(['0', '1', '2'].map((cmdRef) => statusIn(text, cmdRef))).toEqual([407, 407, 407]);
  });

  it('gateway: lets a client repeat the whole package as MsgID 2 with its proof, as Windows does', async () => {
    await startRun();
    const challenged = await post(gateway.dmUrl, message({}, PACKAGE_1));
    const proof = proofFor(nextNonceIn(challenged.text));
    const { text } = await post(gateway.dmUrl, message({ msgId: 2, proof }, PACKAGE_1));
    expect(['0', '1', '2'].map((cmdRef) => statusIn(text, cmdRef))).toEqual([212, 200, 200]);
    expect(elementsIn(text, 'Get')).toHaveLength(1);
  });

  it('gateway: serves a client that sends its credentials in every message', async () => {
    await startRun();
    const first = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1));
    const answers = status(1, 1, '0', 'SyncHdr', 200) + status(2, 1, getIn(first.text), 'Get', 200);
    const proof = proofFor(nextNonceIn(first.text));
    const second = await post(gateway.dmUrl, message({ msgId: 2, proof }, `${answers}<Final/>`));
    expect(statusIn(second.text, '0')).toBe(200);
    expect(await member()).toMatchObject({ outcome: 'succeeded' });
  });

  it('gateway: proves itself in every message to a client that challenges every message', async () => {
    await startRun();
    const chal =
      '<Chal><Meta><Type xmlns="syncml:metinf">syncml:auth-md5</Type><Format xmlns="syncml:metinf">b64</Format><NextNonce xmlns="syncml:metinf">bmV4dA==</NextNonce></Meta></Chal>';
    const first = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1));
    const answers = status(1, 1, '0', 'SyncHdr', 200, chal) + status(2, 1, getIn(first.text), 'Get', 200);
    const second = await post(gateway.dmUrl, message({ msgId: 2 }, `${answers}<Final/>`));
    expect(elementsIn(second.text, 'Cred')[0]).toContain(md5Proof('gw', 'gw-secret', Buffer.from('next')));
  });

  it('gateway: sends its commands again when the client challenges it, and proves itself by its ServerID', async () => {
    await startRun();
    const chal =
      '<Chal><Meta><Type xmlns="syncml:metinf">syncml:auth-md5</Type><Format xmlns="syncml:metinf">b64</Format><NextNonce xmlns="syncml:metinf">bmV4dA==</NextNonce></Meta></Chal>';
    const first = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1));
    const refusal = status(1, 1, '0', 'SyncHdr', 407, chal) + status(2, 1, getIn(first.text), 'Get', 407);
    const second = await post(gateway.dmUrl, message({ msgId: 2 }, `${refusal}<Final/>`));
    expect(elementsIn(second.text, 'Cred')[0]).toContain(md5Proof('gw', 'gw-secret', Buffer.from('next')));
    expect(elementsIn(second.text, 'Get')).toHaveLength(1);
    const answers = status(1, 2, '0', 'SyncHdr', 212) + status(2, 2, getIn(second.text), 'Get', 200);
    await post(gateway.dmUrl, message({ msgId: 3 }, `${answers}<Final/>`));
    expect(await member()).toMatchObject({ outcome: 'succeeded' });
  });

  it('gateway: takes an empty NextNonce for the empty nonce', async () => {
    await startRun();
    const chal =
      '<Chal><Meta><Type xmlns="syncml:metinf">syncml:auth-md5</Type><Format xmlns="syncml:metinf">b64</Format><NextNonce xmlns="syncml:metinf"></NextNonce></Meta></Chal>';
    const first = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1));
    const refusal = status(1, 1, '0', 'SyncHdr', 401, chal) + status(2, 1, getIn(first.text), 'Get', 401);
    const second = await post(gateway.dmUrl, message({ msgId: 2 }, `${refusal}<Final/>`));
    expect(elementsIn(second.text, 'Cred')[0]).toContain(md5Proof('gw', 'gw-secret', new Uint8Array()));
  });

  it('gateway: takes a MAC over the body, from the first message to the last', async () => {
    const account: NewDevice = { ...deviceAccount('urn:dev:mac', undefined) };
    await store.devices.add([{ ...account, client: { ...account.client, scheme: 'mac' } }]);
    const sign = (body: string, nonce: Uint8Array): string => {
      const md5 = (data: string | Uint8Array): Buffer => createHash('md5').update(data).digest();
      const digest = rawDigest('urn:dev:mac', 'secret-of-urn:dev:mac');
      const proof = Buffer.concat([Buffer.from(`${digest}:`), nonce, Buffer.from(`:${md5(body).toString('base64')}`)]);
      return `algorithm=MD5, username="urn:dev:mac", mac=${md5(proof).toString('base64')}`;
    };
    const body = message({ locName: 'urn:dev:mac' }, PACKAGE_1.replaceAll(ID, 'urn:dev:mac')).replace(
      `<Source><LocURI>${ID}`,
      '<Source><LocURI>urn:dev:mac',
    );
    const answer = await post(gateway.dmUrl, body, { ...XML, 'x-syncml-hmac': sign(body, new Uint8Array()) });
    expect(statusIn(answer.text, '0')).toBe(200);
    expect(answer.text).toContain('syncml:auth-MAC');
    expect(nextNonceIn(answer.text)).toHaveLength(16);
  });
});

describe('WBXML as clients write it', () => {
  it.each([1, 2, 3])('gateway: answers WBXML 1.%i with the same version', async (version) => {
    // Package 1 without credentials: SyncML, SyncHdr, one Alert 1201.
    const body = Buffer.from(
      `0${version}a4016a006d6c7103312e3200017203444d2f312e320001650331000` +
        `15b03310001` +
        `6e570367770001016757037` +
        `5726e3a6465763a310001010` +
        `16b464b033100014f03313230310001011201` +
        `01`,
      'hex',
    );
    const answer = await post(gateway.dmUrl, body, { 'content-type': 'application/vnd.syncml.dm+wbxml' });
    expect(answer.status).toBe(200);
    expect(answer.contentType).toBe('application/vnd.syncml.dm+wbxml');
    expect(answer.body.subarray(0, 5).toString('hex')).toBe(`0${version}a4016a00`);
  });
});

describe('answers as clients give them', () => {
  async function beginRun(locUris?: string[]): Promise<{ cmdId: string }> {
    await startRun(locUris);
    const { text } = await post(gateway.dmUrl, message({ proof: proofFor() }, PACKAGE_1));
    return { cmdId: getIn(text) };
  }
  const answerWith = (body: string) => post(gateway.dmUrl, message({ msgId: 2 }, `${body}<Final/>`));

  it('gateway: takes a Status of the SyncHdr without CmdRef, as hs20-osu-client sends it', async () => {
    const { cmdId } = await beginRun();
    const hdr = '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><Cmd>SyncHdr</Cmd><Data>212</Data></Status>';
    await answerWith(hdr + status(2, 1, cmdId, 'Get', 200));
    expect(await member()).toMatchObject({ outcome: 'succeeded' });
  });

  it('gateway: takes one Status per Item with TargetRef, as Windows sends them', async () => {
    const { cmdId } = await beginRun(['./DevInfo/Man', './DevInfo/Mod']);
    const perItem = ['Man', 'Mod'].map((name, index) =>
      status(2 + index, 1, cmdId, 'Get', index === 0 ? 200 : 404, `<TargetRef>./DevInfo/${name}</TargetRef>`),
    );
    await answerWith(status(1, 1, '0', 'SyncHdr', 200) + perItem.join(''));
    const settled = await member();
    expect(settled).toMatchObject({ outcome: 'failed' });
    expect(elementsIn(settled?.deResult ?? '', 'TargetRef')).toEqual([
      '<TargetRef>./DevInfo/Man</TargetRef>',
      '<TargetRef>./DevInfo/Mod</TargetRef>',
    ]);
  });

  it('gateway: takes all Results after all Status, with Size and without Format, as the Motorola engine sends them', async () => {
    const { cmdId } = await beginRun(['./DevInfo/Man', './DevInfo/Mod']);
    const results = ['Man', 'Mod'].map(
      (name, index) =>
        `<Results><CmdID>${5 + index}</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>./DevInfo/${name}</LocURI></Source><Meta><Size xmlns="syncml:metinf">2</Size></Meta><Data>${name.slice(0, 2)}</Data></Item></Results>`,
    );
    await answerWith(status(1, 1, '0', 'SyncHdr', 200) + status(2, 1, cmdId, 'Get', 200) + results.join(''));
    const settled = await member();
    expect(settled).toMatchObject({ outcome: 'succeeded' });
    expect(elementsIn(settled?.deResult ?? '', 'Results')).toHaveLength(2);
  });

  it('gateway: takes a Format in capitals, and a stray NUL at the end of a child list', async () => {
    const { cmdId } = await beginRun(['./DevInfo']);
    const results = `<Results><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>./DevInfo</LocURI></Source><Meta><Format xmlns="syncml:metinf">Node</Format></Meta><Data>Man/Mod\0</Data></Item></Results>`;
    await answerWith(status(1, 1, '0', 'SyncHdr', 200) + status(2, 1, cmdId, 'Get', 200) + results);
    const settled = await member();
    expect(settled?.deResult).toContain('<Data>Man/Mod</Data>');
  });

  it('gateway: records what a client that aborts has done, and says no more', async () => {
    const { cmdId } = await beginRun();
    const { text } = await answerWith(status(1, 1, '0', 'SyncHdr', 200) + alert(2, 1223));
    expect(statusIn(text, '2')).toBe(200);
    expect(elementsIn(text, 'Get')).toEqual([]);
    expect(cmdId).not.toBe('');
    expect(gateway.load.openSessions).toBe(0);
  });

  it('gateway: asks a client on that has not finished, and takes what it says then', async () => {
    const { cmdId } = await beginRun();
    const first = await post(
      gateway.dmUrl,
      message({ msgId: 2 }, status(1, 1, '0', 'SyncHdr', 200) + status(2, 1, cmdId, 'Get', 200)),
    );
    expect(first.text).toContain('<Data>1222</Data>');
    expect(first.text).not.toContain('<Final');
    const results = `<Results><CmdID>2</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>./DevInfo/Mod</LocURI></Source><Data>M1</Data></Item></Results>`;
    await post(gateway.dmUrl, message({ msgId: 3 }, `${status(1, 2, '0', 'SyncHdr', 200)}${results}<Final/>`));
    const settled = await member();
    expect(settled).toMatchObject({ outcome: 'succeeded' });
    expect(settled?.deResult).toContain('<Data>M1</Data>');
  });

  it('gateway: puts the chunks of a large value together, and answers each with 213', async () => {
    const { cmdId } = await beginRun();
    const chunk = (data: string, meta: string, more: string): string =>
      `<Results><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>./DevInfo/Mod</LocURI></Source>${meta}<Data>${data}</Data>${more}</Item></Results>`;
    const size = '<Meta><Size xmlns="syncml:metinf">8</Size></Meta>';
    const first = await post(
      gateway.dmUrl,
      message(
        { msgId: 2 },
        status(1, 1, '0', 'SyncHdr', 200) + status(2, 1, cmdId, 'Get', 200) + chunk('abcd', size, '<MoreData/>'),
      ),
    );
    expect(statusIn(first.text, '3')).toBe(213);
    expect(first.text).toContain('<Data>1222</Data>');
    const rest = `${status(1, 2, '0', 'SyncHdr', 200)}${chunk('efgh', '', '')}<Final/>`;
    await post(gateway.dmUrl, message({ msgId: 3 }, rest));
    expect((await member())?.deResult).toContain('<Data>abcdefgh</Data>');
  });
});
