import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Enrolled } from '../../src/gateway/enrolment.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { readTnds } from '../../src/tree/tnds-reader.ts';
import { deviceAccount, gatewaySetup, type KeptLog, keptLog } from './gateway-fixture.ts';
import { NotificationSocket, packageOne, RawDevice } from './raw-device.ts';
import { treeFixture } from './tree-fixture.ts';
import { elementsIn, md5Proof, nextNonceIn, notificationDigest, rawStatus, statusIn, textIn } from './raw-syncml.ts';

const ID = 'urn:dev:1';
const DAY_MS = 86_400_000;

let store: GatewayStore;
let log: KeptLog;
let socket: NotificationSocket;
let gateway: Gateway;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  log = keptLog();
  socket = await NotificationSocket.open();
  await store.devices.add([deviceAccount(ID, socket.address)]);
  gateway = await openGateway(gatewaySetup(store, log));
});

afterEach(async () => {
  await gateway.close();
  socket.close();
  await store.close();
});

/** Name, secret and first nonce of one direction, as the w7 profile has them. */
function credential({ w7 }: Enrolled, level: 'APPSRV' | 'CLIENT') {
  const auth = elementsIn(w7, 'characteristic')
    .join('\n')
    .split('type="APPAUTH"')
    .find((part) => part.includes(`value="${level}"`))!;
  const value = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(auth)![1]!;
  return { name: value('AAUTHNAME'), secret: value('AAUTHSECRET'), nonce: Buffer.from(value('AAUTHDATA'), 'base64') };
}

function device(secret: string, user = ID): RawDevice {
  return new RawDevice({ id: ID, dmUrl: gateway.dmUrl, user, secret });
}

async function startRun(policy = {}) {
  await store.groups.create('meters');
  await store.groups.addMembers('meters', [{ name: '1', deviceId: ID }]);
  return gateway.startRun({
    group: 'meters',
    commands: [{ kind: 'Get', cmdId: '7', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
    policy: { ...gatewaySetup(store, log).fanOut.policy, ...policy },
    correlator: undefined,
    idempotencyKey: undefined,
  });
}

/** The Cred of the gateway in a message. */
function proofIn(message: string): string | undefined {
  const cred = elementsIn(message, 'Cred')[0];
  return cred && textIn(cred, 'Data');
}

describe('enrolment', () => {
  it('gateway: lets a device in that was made with its w7 profile, in step from the first message', async () => {
    const other = 'urn:dev:2';
    const create = { scheme: 'md5', serverScheme: 'md5', notificationVersion: 11 } as const;
    const made = await gateway.enrolment.bootstrap(other, { graceMs: DAY_MS, create, gatewayUrl: 'http://gw.test/dm' });
    const client = credential(made, 'APPSRV');
    expect(client.name).toBe('urn-dev-2');
    expect(made.w7).toContain('<parm name="ADDR" value="http://gw.test/dm"/>');
    expect(made.w7).toContain('<parm name="PORTNBR" value="80"/>');
    const raw = new RawDevice({ id: other, dmUrl: gateway.dmUrl, user: client.name, secret: client.secret });
    raw.nonce = client.nonce;
    raw.begin('1');
    const answer = await raw.send(packageOne(1201, other), { proof: true });
    expect(statusIn(answer, '0')).toBe(212);
    const server = credential(made, 'CLIENT');
    expect(proofIn(answer)).toBe(md5Proof('gw-1', server.secret, server.nonce));
    await expect(gateway.enrolment.bootstrap(other, { graceMs: 0, create })).rejects.toMatchObject({
      code: 'DEVICE_EXISTS',
    });
  });

  it('gateway: says in DMAcc what it says in the w7 profile', async () => {
    const { dmAcc, ...enrolled } = await gateway.enrolment.rotate(ID, { graceMs: DAY_MS });
    const value = (name: string, at = 0) =>
      [...dmAcc.matchAll(new RegExp(`<NodeName>${name}</NodeName>.*?<Value>([^<]*)</Value>`, 'gs'))][at]?.[1];
    expect(value('AppID')).toBe('w7');
    expect(value('ServerID')).toBe('gw');
    expect(value('Addr')).toBe(gateway.dmUrl);
    expect(dmAcc).toContain('<DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName>');
    expect(dmAcc).toContain('<Path>./DMAcc</Path>');
    for (const [at, [level, w7Level]] of [['CLCRED', 'APPSRV'] as const, ['SRVCRED', 'CLIENT'] as const].entries()) {
      const { name, secret, nonce } = credential({ dmAcc, ...enrolled }, w7Level);
      expect(value('AAuthLevel', at)).toBe(level);
      expect(value('AAuthType', at)).toBe('DIGEST');
      expect([value('AAuthName', at), value('AAuthSecret', at)]).toEqual([name, secret]);
      expect(value('AAuthData', at)).toBe(nonce.toString('base64'));
    }
  });

  it('gateway: writes DMAcc so that a tree can take it in', async () => {
    const { dmAcc } = await gateway.enrolment.rotate(ID, { graceMs: DAY_MS });
    const nodes = readTnds(dmAcc, undefined);
    expect(nodes.map(({ path }) => path.slice(0, 2).join('/')).every((path) => path === 'DMAcc/gateway')).toBe(true);
    const node = (...names: string[]) => nodes.find(({ path }) => path.slice(2).join('/') === names.join('/'))?.value;
    expect(node()).toMatchObject({ format: 'node', type: 'urn:oma:mo:oma-dm-dmacc:1.0' });
    expect(node('AppAddr', '1', 'Addr')).toMatchObject({ format: 'chr', data: gateway.dmUrl });
    expect(node('AppAuth', '2', 'AAuthData')?.data).toHaveLength(16);
  });

  it('gateway: keeps of new secrets only digests, and logs nothing of them', async () => {
    const made = await gateway.enrolment.rotate(ID, { graceMs: DAY_MS });
    const kept = JSON.stringify([await store.devices.byDeviceId(ID), log.lines]);
    for (const level of ['APPSRV', 'CLIENT'] as const) expect(kept).not.toContain(credential(made, level).secret);
    expect(log.lines.join('\n')).toContain('secrets of a device were rotated');
  });

  it('gateway: proves itself to a device with the secret that belongs to the one it used', async () => {
    const made = await gateway.enrolment.rotate(ID, { graceMs: DAY_MS });
    await startRun();
    const old = device(`secret-of-${ID}`);
    const first = await old.open('A', 1201);
    expect(statusIn(first, '0')).toBe(212);
    expect(proofIn(first)).toBe(md5Proof('gw', 'gw-secret', new Uint8Array()));
    // The nonce of the old secret moved on, the one of the new did not.
    const again = await old.open('B', 1201);
    expect(old.msgId).toBe(1);
    expect(statusIn(again, '0')).toBe(212);

    const client = credential(made, 'APPSRV');
    const renewed = device(client.secret);
    renewed.nonce = client.nonce;
    const second = await renewed.open('C', 1201);
    expect(renewed.msgId).toBe(1);
    const server = credential(made, 'CLIENT');
    expect(proofIn(second)).toBe(md5Proof('gw', server.secret, server.nonce));

    expect(statusIn(await old.open('D', 1201), '0')).toBe(401);
    expect((await store.devices.byDeviceId(ID))?.former).toBeUndefined();
  });

  it('gateway: takes the former secret also after a challenge, and no longer than its grace', async () => {
    await gateway.enrolment.rotate(ID, { graceMs: DAY_MS });
    const old = device(`secret-of-${ID}`);
    old.nonce = Buffer.from('out of step');
    expect(statusIn(await old.open('A', 1201), '0')).toBe(212);
    expect(old.msgId).toBe(2);
    await gateway.enrolment.rotate(ID, { graceMs: 0 });
    expect(statusIn(await old.open('B', 1201), '0')).toBe(401);
  });

  it('gateway: signs notifications from the second attempt on with the former secret too', async () => {
    const made = await gateway.enrolment.rotate(ID, { graceMs: DAY_MS });
    const { secret, nonce } = credential(made, 'CLIENT');
    await startRun({ attempts: 2, backoffMs: 1_000 });
    const isSigned = (datagram: Buffer, by: string, under: Uint8Array) =>
      datagram.subarray(0, 16).equals(notificationDigest('gw', by, under, datagram.subarray(16)));
    expect(isSigned(await socket.next(), secret, nonce)).toBe(true);
    const repeats: Buffer[] = [];
    for (let n = 0; n < 7; n++) repeats.push(await socket.next());
    expect(repeats.some((datagram) => isSigned(datagram, secret, nonce))).toBe(true);
    expect(repeats.some((datagram) => isSigned(datagram, 'gw-secret', new Uint8Array()))).toBe(true);
  });

  it('gateway: forgets with a move what the hardware before had', async () => {
    await device(`secret-of-${ID}`).open('A', 1201);
    expect((await store.devices.byDeviceId(ID))?.inventory.mod).toBe('lock-step');
    const made = await gateway.enrolment.bootstrap(ID, { graceMs: DAY_MS, move: true });
    expect(made.graceUntil).toBeUndefined();
    expect((await store.devices.byDeviceId(ID))?.inventory).toEqual({});
    expect(statusIn(await device(`secret-of-${ID}`).open('B', 1201), '0')).toBe(401);
    expect(statusIn(await device(credential(made, 'APPSRV').secret).open('C', 1201), '0')).toBe(212);
  });
});

describe('decommissioning', () => {
  it('gateway: settles what waits for the device as unreachable, in runs under way and in later ones', async () => {
    const running = await startRun();
    await socket.next();
    expect(await gateway.enrolment.remove(ID, { purge: false })).toBe(1);
    expect(await store.fanOut.run(running.number)).toMatchObject({ state: 'complete', counts: { unreachable: 1 } });
    const [member] = await store.fanOut.members(running.number, 0, 10);
    expect(member?.deResult).toContain('503');
    const later = await startRun();
    await expect.poll(async () => (await store.fanOut.run(later.number))?.counts.unreachable).toBe(1);
    await expect(gateway.enrolment.rotate(ID, { graceMs: 0 })).rejects.toMatchObject({ code: 'DEVICE_DECOMMISSIONED' });
  });

  it('gateway: answers it as it answers a device nobody knows', async () => {
    await gateway.enrolment.remove(ID, { purge: false });
    const answers: string[][] = [];
    for (const id of [ID, 'urn:dev:nobody']) {
      const raw = new RawDevice({ id, dmUrl: gateway.dmUrl, user: id, secret: `secret-of-${id}` });
      raw.begin('A');
      const bare = await raw.send(packageOne(1201, id));
      expect(nextNonceIn(bare)).toHaveLength(16);
      const proven = await raw.send(rawStatus(9, 1, '0', 'SyncHdr', 212) + packageOne(1201, id), { proof: true });
      answers.push([bare, proven].map((xml) => comparable(xml, id)));
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(statusIn(answers[0]![1]!, '0')).toBe(401);
  });

  it('gateway: takes it out of the device inventory', async () => {
    const tree = await treeFixture();
    expect((await tree.get('./GwDeviceInventory')).items[0]?.data).toBe('1/2');
    await tree.store.devices.decommission(ID, 1);
    expect((await tree.get('./GwDeviceInventory')).items[0]?.data).toBe('2');
    expect((await tree.get('./GwDeviceInventory/1/DeviceID')).code).toBe(404);
    await tree.close();
  });

  it('gateway: forgets a purged device altogether', async () => {
    await gateway.enrolment.remove(ID, { purge: true });
    expect(await store.devices.byDeviceId(ID)).toBeUndefined();
    await expect(gateway.enrolment.remove(ID, { purge: true })).rejects.toMatchObject({ code: 'DEVICE_UNKNOWN' });
  });
});

/** An answer without what differs from session to session. */
function comparable(xml: string, id: string): string {
  return xml
    .replaceAll(id, 'ID')
    .replace(/<NextNonce[^>]*>[^<]*</g, '<NextNonce><')
    .replace(/<RespURI>[^<]*</g, '<RespURI><');
}
