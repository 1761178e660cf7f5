import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, type KeptLog, keptLog } from './gateway-fixture.ts';
import { NotificationSocket, packageOne, RawDevice } from './raw-device.ts';
import { RawDmServer, rawExec, rawGet, rawWrite } from './raw-dm-server.ts';
import {
  elementsIn,
  md5Proof,
  rawMessage,
  rawPackage0,
  rawStatus,
  readPackage0,
  statusIn,
  textIn,
} from './raw-syncml.ts';

const COMMANDS = '<Get><CmdID>7</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';
const DEVICE_ID = 'urn:dev:1';

let store: GatewayStore;
let log: KeptLog;
let dmServer: RawDmServer;
let socket: NotificationSocket;
let gateway: Gateway;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  log = keptLog();
  dmServer = await RawDmServer.open('srv', 'srv-secret');
  socket = await NotificationSocket.open();
  await store.devices.add([deviceAccount(DEVICE_ID, socket.address)]);
  gateway = await openGateway(gatewaySetup(store, log, dmServer));
});

afterEach(async () => {
  await gateway.close();
  await dmServer.close();
  socket.close();
  await store.close();
});

/** Lets the DM Server call the gateway, which comes with this SessionID. */
function callGateway(sessionNumber: number, nonce = dmServer.nonce): void {
  socket.send(gateway.notificationAddress!, rawPackage0('srv', 'srv-secret', nonce, sessionNumber));
}

function rawDevice(secret = `secret-of-${DEVICE_ID}`): RawDevice {
  return new RawDevice({ id: DEVICE_ID, dmUrl: gateway.dmUrl, user: DEVICE_ID, secret });
}

/** A run of the one device, started at the gateway. */
async function startRun(correlator?: string) {
  await store.groups.create('meters');
  await store.groups.addMembers('meters', [{ name: '1', deviceId: DEVICE_ID }]);
  return gateway.startRun({
    group: 'meters',
    commands: [{ kind: 'Get', cmdId: '7', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
    policy: gatewaySetup(store, log).fanOut.policy,
    correlator,
    idempotencyKey: undefined,
  });
}

/** The answer to the one Get that a message of the gateway holds. */
function answerTo(message: string, code = 200): string {
  const cmdId = textIn(elementsIn(message, 'Get')[0] ?? '', 'CmdID') ?? '';
  const msgRef = Number(textIn(message, 'MsgID'));
  const results =
    code === 200
      ? `<Results><CmdID>3</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>./DevInfo/Mod</LocURI></Source><Data>lock-step</Data></Item></Results>`
      : '';
  return rawStatus(1, msgRef, '0', 'SyncHdr', 212) + rawStatus(2, msgRef, cmdId, 'Get', code) + results;
}

/** One session in which the device answers its commands, and has no DevDetail. */
async function serveRun(device: RawDevice): Promise<string> {
  const commands = await device.open('A', 1201);
  const next = await device.send(answerTo(commands));
  expect(next).toContain('./DevDetail/FwV');
  const last = await device.send(answerTo(next, 404));
  expect(elementsIn(last, 'Get')).toEqual([]);
  return commands;
}

describe('gateway between a DM Server and a device', () => {
  it('gateway: carries a run through all seven steps', async () => {
    dmServer.command(
      rawWrite('Add', 100, './GwConfig/DeviceGroups/meters/Members/1/DeviceID', DEVICE_ID) +
        rawWrite('Replace', 101, './SCM/FanOut/ToBeFannedOut', COMMANDS, 'xml') +
        rawWrite('Replace', 102, './SCM/FanOut/TargetGroupRef', './GwConfig/DeviceGroups/meters'),
      rawExec(103, './SCM/FanOut/Start', 'corr-1'),
    );
    callGateway(0x1a2b);
    const package1 = await dmServer.receive((body) => body.includes('<Data>1200</Data>'));
    expect(textIn(package1, 'SessionID')).toBe('1A2B');
    expect(package1).toContain('<LocURI>./DevInfo/DevId</LocURI>');
    const written = await dmServer.receive((body) => statusIn(body, '100') !== undefined);
    expect(['100', '101', '102'].map((cmdRef) => statusIn(written, cmdRef))).toEqual([200, 200, 200]);
    const started = await dmServer.receive((body) => statusIn(body, '103') !== undefined);
    expect(statusIn(started, '103')).toBe(202);

    const notification = readPackage0(await socket.next());
    expect(notification.serverId).toBe('gw');
    const device = rawDevice();
    const commands = await device.open(notification.sessionId, 1200);
    expect(elementsIn(commands, 'Get')[0]).toContain('<LocURI>./DevInfo/Mod</LocURI>');
    dmServer.command(rawGet(110, './SCR/Results/Results1?list=StructData'));
    const detail = await device.send(answerTo(commands));
    await device.send(answerTo(detail, 404));

    const alerted = await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    const alert = elementsIn(alerted, 'Alert').find((element) => element.includes('1226')) ?? '';
    expect(alerted).toContain('<Data>1201</Data>');
    expect(textIn(alert, 'Correlator')).toBe('corr-1');
    expect(textIn(alert, 'LocURI')).toBe('./SCR/Results/Results1');
    expect(textIn(alert, 'Type')).toBe('urn:oma:at:oma-gwmo:completionstatus:1.0');
    expect(textIn(alert, 'Format')).toBe('int');
    expect(textIn(alert, 'Mark')).toBe('informational');
    expect(alert).toContain('<Data>200</Data>');
    const results = await dmServer.receive((body) => body.includes('<Results>'));
    expect(results).toContain('./SCR/Results/Results1/Results/1/DeResult');
    expect(results).toContain('succeeded');
    expect(await store.devices.byDeviceId(DEVICE_ID)).toMatchObject({ inventory: { man: 'raw', mod: 'lock-step' } });
  });

  it('gateway: ignores notifications that do not verify, and repeats of one that does', async () => {
    socket.send(gateway.notificationAddress!, Buffer.from('nonsense'));
    socket.send(gateway.notificationAddress!, rawPackage0('srv', 'wrong', dmServer.nonce, 1));
    socket.send(gateway.notificationAddress!, rawPackage0('another', 'srv-secret', dmServer.nonce, 2));
    callGateway(3);
    callGateway(3);
    await dmServer.receive((body) => textIn(body, 'SessionID') === '3');
    callGateway(4, Buffer.from('0x00000000'));
    await dmServer.receive((body) => textIn(body, 'SessionID') === '4');
    const begun = dmServer.received.filter((body) => textIn(body, 'MsgID') === '1');
    expect(begun).toEqual([]);
  });
});

describe('alerts of the gateway', () => {
  it('gateway: repeats an alert until the DM Server accepts it', async () => {
    const run = await startRun();
    dmServer.alertStatus = 500;
    await serveRun(rawDevice());
    await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    dmServer.alertStatus = 200;
    dmServer.received.length = 0;
    const accepted = await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    expect(accepted).not.toContain('<Correlator>');
    expect(accepted).toContain(`./SCR/Results/Results${run.number}`);
    await expect.poll(() => store.fanOut.nextAlertDueAt('srv'), { timeout: 10_000 }).toBeUndefined();
  });

  it('gateway: does not repeat an alert that the DM Server cannot take', async () => {
    await startRun();
    dmServer.alertStatus = 415;
    await serveRun(rawDevice());
    await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    await expect.poll(() => store.fanOut.nextAlertDueAt('srv'), { timeout: 10_000 }).toBeUndefined();
  });

  it('gateway: delivers after a restart what was left in the outbox', async () => {
    await startRun('corr-2');
    dmServer.isDown = true;
    await serveRun(rawDevice());
    await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    await gateway.close();
    dmServer.isDown = false;
    dmServer.received.length = 0;
    gateway = await openGateway(gatewaySetup(store, log, dmServer));
    const alerted = await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    expect(textIn(alerted, 'Correlator')).toBe('corr-2');
    await expect.poll(() => store.fanOut.nextAlertDueAt('srv'), { timeout: 10_000 }).toBeUndefined();
  });
});

describe('devices at the gateway', () => {
  it('gateway: lets a device with a wrong password in after no attempt and tells it nothing', async () => {
    await startRun();
    const device = rawDevice('guessed');
    device.begin('B');
    const first = await device.send(packageOne(1201, DEVICE_ID), { proof: true });
    expect(statusIn(first, '0')).toBe(401);
    expect(textIn(first, 'NextNonce')).toBeDefined();
    const second = await device.send(packageOne(1201, DEVICE_ID), { proof: true });
    expect(statusIn(second, '0')).toBe(401);
    expect(first + second).not.toContain('<Get>');
    await expect.poll(async () => (await store.fanOut.nextForDevice(1))?.lastContact).toBe('unauthorized');
    expect(await store.fanOut.member(1, 1)).toMatchObject({ outcome: 'pending' });
  });

  it.each([
    ['without proof', undefined],
    ['with a wrong proof', md5Proof('x', 'y', new Uint8Array())],
  ])('gateway: answers an unknown device like a known one %s', async (_, proof) => {
    const answers: string[] = [];
    for (const source of [DEVICE_ID, 'urn:dev:9']) {
      const device = new RawDevice({ id: source, dmUrl: gateway.dmUrl, user: source, secret: '' });
      for (const msgId of [1, 2]) {
        const header = { sessionId: 'C', msgId, target: gateway.dmUrl, source, locName: source, proof };
        const answer = await device.post(rawMessage(header, packageOne(1201, source)));
        answers.push(
          answer
            .replaceAll(source, 'DEVICE')
            .replace(/<NextNonce[^>]*>[^<]*/, '<NextNonce>')
            .replace(/<RespURI>[^<]*/, '<RespURI>'),
        );
      }
    }
    expect(statusIn(answers[0]!, '0')).toBe(proof === undefined ? 407 : 401);
    expect(answers.slice(2)).toEqual(answers.slice(0, 2));
  });

  it('gateway: tells a device with the DevId of another nothing', async () => {
    await startRun();
    const answer = await rawDevice().open('D', 1201, 'urn:dev:other');
    expect(elementsIn(answer, 'Get')).toEqual([]);
    expect(await store.fanOut.member(1, 1)).toMatchObject({ outcome: 'pending' });
    expect((await store.devices.byDeviceId(DEVICE_ID))?.inventory.man).toBeUndefined();
  });

  it.each([
    ['nothing', '', 400],
    ['text', 'hello', 400],
    ['another document', '<html></html>', 400],
    ['half a message', '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr>', 400],
  ])('gateway: refuses a body of %s and goes on', async (_, body, status) => {
    const response = await fetch(gateway.dmUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.syncml.dm+xml' },
      body,
    });
    expect(response.status).toBe(status);
    expect(elementsIn(await rawDevice().open('E', 1201), 'Get')).toHaveLength(1);
  });

  it('gateway: answers an alert of a device with 200', async () => {
    const device = rawDevice();
    const greeting = await device.open('F', 1201);
    const alert =
      '<Alert><CmdID>9</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">urn:x:test</Type><Format xmlns="syncml:metinf">chr</Format></Meta><Data>secret value</Data></Item></Alert>';
    const answer = await device.send(answerTo(greeting, 404) + alert);
    expect(statusIn(answer, '9')).toBe(200);
    expect(log.lines.filter((line) => line.includes('urn:x:test'))).toHaveLength(1);
    expect(log.lines.join('\n')).not.toContain('secret value');
  });
});

describe('opening and closing', () => {
  it('gateway: leaves nothing open when its port is taken', async () => {
    const setup = gatewaySetup(store, log);
    const { port } = new URL(gateway.dmUrl);
    const taken = { ...setup.southbound, listen: { host: '127.0.0.1', port: Number(port), path: '/dm' } };
    const udp = await NotificationSocket.open();
    const notifications = udp.address;
    udp.close();
    const failing = { ...setup, southbound: taken, northbound: { ...setup.northbound, notifications } };
    await expect(openGateway(failing)).rejects.toMatchObject({ code: 'TRANSPORT_PORT_IN_USE' });
    const other = await openGateway({ ...setup, northbound: { ...setup.northbound, notifications } });
    expect(other.notificationAddress).toBe(notifications);
    await other.close();
  });

  it('gateway: closes in bounded time while a DM Server does not answer, and twice', async () => {
    await gateway.close();
    await gateway.close();
    await expect(fetch(gateway.dmUrl, { method: 'POST' })).rejects.toThrow();
  });

  it('gateway: writes no secret, nonce or digest to its log', async () => {
    await startRun();
    await serveRun(rawDevice());
    await dmServer.receive((body) => body.includes('<Data>1226</Data>'));
    const text = log.lines.join('\n');
    expect(text).not.toMatch(/secret|digest|nonce/i);
  });
});
