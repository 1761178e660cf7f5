import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device, type SessionReport } from '../../src/device/device.ts';
import type { AccountLine } from '../../src/store/account-line.ts';
import { createDmHttpClient, type DmHttpClient } from '../../src/transport/http-client.ts';
import { elementsIn, md5Proof, statusIn, textIn } from '../gateway/raw-syncml.ts';

/** Flows of the protocol, played byte by byte by a DM server against our client. [DMPROTO 8, SEC 5, DMPROTO 6.4] */

const ID = 'urn:dev:1';
const ACCOUNT: AccountLine = {
  deviceId: ID,
  scheme: 'md5',
  userName: 'm1',
  secret: 'device-secret',
  clientNonce: Buffer.from('old-client').toString('base64'),
  serverScheme: 'md5',
  serverId: 'srv',
  serverSecret: 'server-secret',
  serverNonce: Buffer.from('old-server').toString('base64'),
  notificationVersion: 11,
};
const NEXT = Buffer.from('next-nonce');
const NEXT_NONCE = NEXT.toString('base64');

let http: DmHttpClient;
let server: Server;
let received: string[];
let script: ((body: string, url: string) => string)[];

beforeEach(async () => {
  received = [];
  script = [];
  http = createDmHttpClient({ timeoutMs: 5000 });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      received.push(body);
      const answer = script.shift()?.(body, request.url ?? '');
      response.writeHead(answer === undefined ? 503 : 200, { 'content-type': 'application/vnd.syncml.dm+xml' });
      response.end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  await http.close();
  server.closeAllConnections();
  server.close();
});

const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function run(account: Partial<AccountLine> = {}): Promise<SessionReport> {
  const surroundings = {
    dmUrl: `${origin()}/dm`,
    connect: () => ({ exchange: http.exchange, close: () => Promise.resolve() }),
  };
  const device = new Device(surroundings, { account: { ...ACCOUNT, ...account }, encoding: 'xml' });
  return device.runSession(1201, 'A1');
}

const cred = (nonce: string | Uint8Array): string =>
  `<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta><Data>${md5Proof('srv', 'server-secret', Buffer.from(nonce))}</Data></Cred>`;
const chal = (type = 'syncml:auth-md5'): string =>
  `<Chal><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">${type}</Type><NextNonce xmlns="syncml:metinf">${NEXT_NONCE}</NextNonce></Meta></Chal>`;

interface Answer {
  readonly hdr?: number;
  readonly more?: string;
  readonly cred?: string;
  readonly respUri?: string;
  readonly final?: boolean;
}

/** A message of the server: a Status for the SyncHdr of what it answers, and these commands. */
function answer(
  msgId: number,
  commands = '',
  { hdr = 212, more = '', cred: proof = '', respUri, final = true }: Answer = {},
) {
  return (body: string): string =>
    `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>A1</SessionID>` +
    `<MsgID>${msgId}</MsgID><Target><LocURI>${ID}</LocURI></Target><Source><LocURI>srv</LocURI></Source>` +
    `${respUri === undefined ? '' : `<RespURI>${respUri}</RespURI>`}${proof}</SyncHdr><SyncBody>` +
    `<Status><CmdID>1</CmdID><MsgRef>${textIn(body, 'MsgID') ?? ''}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>${more}<Data>${hdr}</Data></Status>` +
    `${commands}${final ? '<Final/>' : ''}</SyncBody></SyncML>`;
}

const get = (cmdId: number, locUri: string): string =>
  `<Get><CmdID>${cmdId}</CmdID><Item><Target><LocURI>${locUri}</LocURI></Target></Item></Get>`;
const replace = (
  cmdId: number,
  data: string,
  size?: number,
  moreData = false,
  locUri = './Vendor/Demo/Label',
): string =>
  `<Replace><CmdID>${cmdId}</CmdID><Item><Target><LocURI>${locUri}</LocURI></Target>` +
  `<Meta><Format xmlns="syncml:metinf">chr</Format>${size === undefined ? '' : `<Size xmlns="syncml:metinf">${size}</Size>`}</Meta>` +
  `<Data>${data}</Data>${moreData ? '<MoreData/>' : ''}</Item></Replace>`;
const proven = { cred: cred('old-server') };

describe('packages', () => {
  it('client: sends package 1 with its alert, DevInfo and the proof for the nonce it has', async () => {
    script = [answer(1, '', proven)];
    expect((await run()).outcome).toEqual({ kind: 'completed' });
    expect(received).toHaveLength(1);
    expect(textIn(received[0]!, 'SessionID')).toBe('A1');
    expect(elementsIn(received[0]!, 'Alert')[0]).toContain('<Data>1201</Data>');
    for (const name of ['DevId', 'Man', 'Mod', 'DmV', 'Lang']) expect(received[0]).toContain(`./DevInfo/${name}<`);
    expect(received[0]).toContain(md5Proof('m1', 'device-secret', Buffer.from('old-client')));
    expect(received[0]).toContain('<Final/>');
  });

  it('client: answers package 2 and goes on as long as there are commands', async () => {
    script = [
      answer(1, get(2, './DevInfo/DevId'), proven),
      answer(2, get(2, './Nothing'), { hdr: 200 }),
      answer(3, '', { hdr: 200 }),
    ];
    expect((await run()).outcome).toEqual({ kind: 'completed' });
    expect(statusIn(received[1]!, '2')).toBe(200);
    expect(elementsIn(received[1]!, 'Results')[0]).toContain(`<Data>${ID}</Data>`);
    expect(statusIn(received[2]!, '2')).toBe(404);
    expect(received).toHaveLength(3);
  });

  it('client: asks for the rest of a package, and says Final with its last answer', async () => {
    script = [
      answer(1, get(2, './DevInfo/Mod'), { ...proven, final: false }),
      answer(2, get(2, './DevInfo/Man'), { hdr: 200 }),
      answer(3, '', { hdr: 200 }),
    ];
    await run();
    expect(received[1]).toContain('<Data>1222</Data>');
    expect(received[1]).not.toContain('<Final/>');
    expect(received[2]).toContain('<Final/>');
  });

  it('client: says nothing to an abort', async () => {
    script = [answer(1, '<Alert><CmdID>2</CmdID><Data>1223</Data></Alert>', proven)];
    expect((await run()).outcome).toEqual({ kind: 'aborted' });
    expect(received).toHaveLength(1);
  });

  it('client: posts to the RespURI', async () => {
    const urls: string[] = [];
    const noting = (step: (body: string) => string) => (body: string, url: string) => {
      urls.push(url);
      return step(body);
    };
    const respUri = `${origin()}/dm?sid=7`;
    script = [noting(answer(1, get(2, './DevInfo/Mod'), { ...proven, respUri })), noting(answer(2, '', { hdr: 200 }))];
    await run();
    expect(urls).toEqual(['/dm', '/dm?sid=7']);
  });
});

describe('Atomic', () => {
  it('client: executes an Atomic as a whole whose answers fit in no message, and spreads them over several', async () => {
    const adds = Array.from(
      { length: 20 },
      (_, at) =>
        `<Add><CmdID>${at + 3}</CmdID><Item><Target><LocURI>./Vendor/Demo/Own${at}</LocURI></Target><Data>x</Data></Item></Add>`,
    );
    const atomic = `<Atomic><CmdID>2</CmdID>${adds.join('')}</Atomic>`;
    const maxMsgSize = '<Meta><MaxMsgSize xmlns="syncml:metinf">1500</MaxMsgSize></Meta>';
    const goOn = (msgId: number) => answer(msgId, '', { hdr: 200, final: msgId > 9 });
    script = [answer(1, atomic, { cred: cred('old-server') + maxMsgSize })];
    for (let msgId = 2; msgId <= 10; msgId += 1) script.push(goOn(msgId));
    await run();
    expect(statusIn(received[1]!, '2')).toBe(200);
    const answers = received.slice(1);
    expect(answers.filter((body) => body.includes('<Cmd>Add</Cmd>')).length).toBeGreaterThan(1);
    for (const body of answers) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1500);
    const codes = adds.map((_, at) => answers.flatMap((body) => statusIn(body, String(at + 3)) ?? [])[0]);
    expect(codes).toEqual(adds.map(() => 200));
  });
});

describe('authentication', () => {
  it.each([401, 407])(
    'client: repeats package 1 under the challenge of a %i, as the next message of the session',
    async (code) => {
      script = [answer(1, '', { hdr: code, more: chal() }), answer(2, '', proven)];
      expect((await run()).outcome).toEqual({ kind: 'completed' });
      expect(textIn(received[1]!, 'MsgID')).toBe('2');
      expect(received[1]).toContain(md5Proof('m1', 'device-secret', NEXT));
      expect(received[1]).toContain('./DevInfo/DevId');
      expect(statusIn(received[1]!, '0')).toBeDefined();
    },
  );

  it('client: gives up at the second refusal', async () => {
    script = [answer(1, '', { hdr: 407, more: chal() }), answer(2, '', { hdr: 401, more: chal() })];
    expect((await run()).outcome).toEqual({ kind: 'refused', status: 401 });
    expect(received).toHaveLength(2);
  });

  it('client: does not fall back to a scheme it was not set to', async () => {
    script = [answer(1, '', { hdr: 401, more: chal('syncml:auth-basic') })];
    expect((await run()).outcome).toEqual({ kind: 'refused', status: 401 });
    expect(received.join('')).not.toContain(Buffer.from('m1:device-secret').toString('base64'));
  });

  it('client: challenges a server without proof, command by command, and executes when it proves itself', async () => {
    let nonce = '';
    script = [
      answer(1, replace(2, 'unproven')),
      (body) => {
        nonce = textIn(body, 'NextNonce') ?? '';
        return answer(2, get(2, './Vendor/Demo/Label'), { hdr: 200, cred: cred(Buffer.from(nonce, 'base64')) })(body);
      },
      answer(3, '', { hdr: 200 }),
    ];
    expect((await run()).outcome).toEqual({ kind: 'completed' });
    expect([statusIn(received[1]!, '0'), statusIn(received[1]!, '2')]).toEqual([407, 407]);
    expect(statusIn(received[2]!, '0')).toBe(212);
    expect(received[2]).not.toContain('unproven');
  });

  it('client: gives up on a server that proves itself wrongly twice', async () => {
    script = [
      answer(1, get(2, './DevInfo/Mod'), { cred: cred('wrong') }),
      answer(2, get(2, './DevInfo/Mod'), { cred: cred('wrong') }),
    ];
    expect((await run()).outcome).toEqual({ kind: 'distrusted' });
    expect(statusIn(received[1]!, '2')).toBe(401);
    expect(received).toHaveLength(2);
  });

  it('client: needs no proof after the first in a session', async () => {
    script = [
      answer(1, get(2, './DevInfo/Mod'), proven),
      answer(2, get(2, './DevInfo/Man'), { hdr: 200 }),
      answer(3, '', { hdr: 200 }),
    ];
    await run();
    expect([statusIn(received[1]!, '0'), statusIn(received[2]!, '0')]).toEqual([212, 200]);
  });
});

describe('large objects', () => {
  it('client: takes an object in chunks, each with 213, and writes it when it is whole', async () => {
    script = [
      answer(1, replace(2, 'abc', 9, true), { ...proven, final: false }),
      answer(2, replace(2, 'def', undefined, true), { hdr: 200, final: false }),
      answer(3, replace(2, 'ghi') + get(3, './Vendor/Demo/Label'), { hdr: 200 }),
      answer(4, '', { hdr: 200 }),
    ];
    await run();
    expect([1, 2].map((at) => statusIn(received[at]!, '2'))).toEqual([213, 213]);
    expect(received[1]).toContain('<Data>1222</Data>');
    expect(statusIn(received[3]!, '2')).toBe(200);
    expect(elementsIn(received[3]!, 'Results')[0]).toContain('<Data>abcdefghi</Data>');
  });

  it.each([
    ['of another size than announced', [replace(2, 'abc', 9, true), replace(2, 'def')], [213, 424]],
    ['that does not say its size', [replace(2, 'abc', undefined, true), replace(2, 'def')], [411, 411]],
    ['that is larger than it takes', [replace(2, 'abc', 99_999_999, true), replace(2, 'def')], [413, 413]],
  ])('client: refuses an object %s, and leaves the node as it was', async (_, [first = '', second = ''], codes) => {
    script = [
      answer(1, first, { ...proven, final: false }),
      answer(2, second + get(3, './Vendor/Demo/Label'), { hdr: 200 }),
      answer(3, '', { hdr: 200 }),
    ];
    await run();
    expect([1, 2].map((at) => statusIn(received[at]!, '2'))).toEqual(codes);
    expect(elementsIn(received[2]!, 'Results')[0]).not.toContain('abc');
  });

  it('client: says 1225 when another command breaks an object off', async () => {
    script = [
      answer(1, replace(2, 'abc', 9, true), { ...proven, final: false }),
      answer(2, get(3, './DevInfo/Mod'), { hdr: 200 }),
      answer(3, '', { hdr: 200 }),
    ];
    await run();
    const alert = elementsIn(received[2]!, 'Alert').find((element) => element.includes('1225'));
    expect(alert).toContain('./Vendor/Demo/Label');
    expect(statusIn(received[2]!, '3')).toBe(200);
  });
});
