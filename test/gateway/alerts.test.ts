import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, type Policy } from '../../src/fanout/policy.ts';
import type { DmServerAccount, Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, type KeptLog, keptLog } from './gateway-fixture.ts';
import { NotificationSocket, RawDevice } from './raw-device.ts';
import { RawDmServer, rawExec, rawGet } from './raw-dm-server.ts';
import { elementsIn, rawPackage0, rawStatus, statusIn, textIn } from './raw-syncml.ts';

const ONE = 'urn:dev:1';
const TWO = 'urn:dev:2';
const isGeneric = (body: string) => body.includes('<Data>1226</Data>');
const genericAlert = (body: string) => elementsIn(body, 'Alert').find(isGeneric) ?? '';

let store: GatewayStore;
let log: KeptLog;
let dmServer: RawDmServer;
let socket: NotificationSocket;
let gateway: Gateway | undefined;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  log = keptLog();
  dmServer = await RawDmServer.open('srv', 'srv-secret');
  socket = await NotificationSocket.open();
  await store.devices.add([ONE, TWO].map((id) => deviceAccount(id, undefined)));
  await store.groups.create('meters', {
    members: [ONE, TWO].map((deviceId, at) => ({ name: String(at + 1), deviceId })),
  });
});

afterEach(async () => {
  await gateway?.close();
  await dmServer.close();
  socket.close();
  await store.close();
});

async function open(options: Partial<DmServerAccount> = {}, maxObjBytes = 1_048_576): Promise<Gateway> {
  const setup = gatewaySetup(store, log, dmServer);
  const servers = setup.servers.map((server) => ({ ...server, ...options }));
  gateway = await openGateway({ ...setup, servers, northbound: { ...setup.northbound, maxObjBytes } });
  return gateway;
}

function start(policy: Partial<Policy> = {}) {
  return gateway!.startRun({
    group: 'meters',
    commands: [{ kind: 'Get', cmdId: '7', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
    policy: { ...DEFAULT_POLICY, ...policy },
    correlator: 'corr-1',
    idempotencyKey: undefined,
  });
}

function rawDevice(id: string): RawDevice {
  return new RawDevice({ id, dmUrl: gateway!.dmUrl, user: id, secret: `secret-of-${id}` });
}

/** The answer to the Get that a message of the gateway holds; undefined: it holds none. */
function answerTo(message: string, value: string): string | undefined {
  const cmdId = textIn(elementsIn(message, 'Get')[0] ?? '', 'CmdID');
  if (cmdId === undefined) return undefined;
  const msgRef = Number(textIn(message, 'MsgID'));
  return (
    rawStatus(1, msgRef, '0', 'SyncHdr', 212) +
    rawStatus(2, msgRef, cmdId, 'Get', 200) +
    `<Results><CmdID>3</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>./DevInfo/Mod</LocURI></Source><Data>${value}</Data></Item></Results>`
  );
}

async function serve(id: string, value = 'A'): Promise<void> {
  const device = rawDevice(id);
  let message = await device.open('A', 1201);
  for (let answer = answerTo(message, value); answer !== undefined; answer = answerTo(message, value)) {
    message = await device.send(answer);
  }
}

let sessions = 0;
async function session(lastCmdId: string, ...packages: readonly string[]): Promise<string> {
  dmServer.command(...packages);
  socket.send(gateway!.notificationAddress!, rawPackage0('srv', 'srv-secret', dmServer.nonce, ++sessions));
  return dmServer.receive((body) => statusIn(body, lastCmdId) !== undefined);
}

describe('alerts of runs', () => {
  it('gateway: tells of the quorum and then of the end', async () => {
    await open();
    await start({ quorum: 50 });
    await serve(ONE);
    const first = genericAlert(await dmServer.receive(isGeneric));
    expect(first).toContain('<Data>101</Data>');
    expect(textIn(first, 'Mark')).toBe('informational');
    await serve(TWO);
    const last = genericAlert(await dmServer.receive(isGeneric));
    expect(last).toContain('<Data>200</Data>');
    expect(textIn(last, 'LocURI')).toBe('./SCR/Results/Results1');
    expect(textIn(last, 'Correlator')).toBe('corr-1');
  });

  it('gateway: cancels a run that the DM Server wants to end, and tells so', async () => {
    await open();
    await start();
    const steered = await session('105', rawExec(105, './SCM/FanOut/Ext/Runs/1/Cancel'));
    expect(statusIn(steered, '105')).toBe(200);
    const alert = genericAlert(isGeneric(steered) ? steered : await dmServer.receive(isGeneric));
    expect(alert).toContain('<Data>551</Data>');
    expect(textIn(alert, 'Mark')).toBe('warning');
    const counts = await session('110', rawGet(110, './SCR/Results/Results1/Ext/Summary/Cancelled'));
    expect(elementsIn(counts, 'Results')[0]).toContain('<Data>2</Data>');
  });

  it('gateway: brings the results with the alert, as a large object where they do not fit in a message', async () => {
    await open({ alerts: 'aggregation' });
    await start();
    await serve(ONE, 'x'.repeat(30_000));
    await serve(TWO, 'y');
    const first = genericAlert(await dmServer.receive(isGeneric));
    expect(first).toContain('urn:oma:at:oma-gwmo:resultaggregation:1.0');
    expect(first).toContain('<MoreData');
    const size = Number(textIn(first, 'Size'));
    expect(size).toBeGreaterThan(30_000);
  });

  it('gateway: leaves the results out where they are larger than an object may be', async () => {
    await open({ alerts: 'aggregation' }, 2_000);
    await start();
    await serve(ONE, 'x'.repeat(3_000));
    await serve(TWO, 'y');
    const alert = genericAlert(await dmServer.receive(isGeneric));
    expect(alert).toContain('urn:oma:at:oma-gwmo:completionstatus:1.0');
    expect(log.lines.join('\n')).toContain('results are too large for an alert');
  });
});

describe('alerts of devices', () => {
  const ALERT =
    '<Alert><CmdID>8</CmdID><Data>1226</Data><Correlator>c-7</Correlator><Item><Source><LocURI>./Sensor/Door</LocURI></Source>' +
    '<Meta><Type xmlns="syncml:metinf">x:door</Type><Format xmlns="syncml:metinf">chr</Format><Mark xmlns="syncml:metinf">critical</Mark></Meta><Data>open</Data></Item></Alert>';
  const EVENT =
    '<Alert><CmdID>9</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">x:tick</Type></Meta><Data>1</Data></Item></Alert>';

  /** The device says this once it has proved itself. */
  async function say(body: string): Promise<string> {
    const device = rawDevice(ONE);
    const opened = await device.open('A', 1201);
    const answered = answerTo(opened, 'A') ?? '';
    return device.send(answered + body);
  }

  it('gateway: keeps what a device says before it acknowledges it, and tells nobody who did not ask', async () => {
    await open();
    const reply = await say(ALERT + EVENT);
    expect([statusIn(reply, '8'), statusIn(reply, '9')]).toEqual([200, 200]);
    const kept = await store.deviceAlerts.list(undefined, 10);
    expect(kept.map(({ deviceId }) => deviceId)).toEqual([ONE, ONE]);
    expect(kept[1]?.alert).toContain('x:door');
    expect(await store.deviceAlerts.nextDueAt('srv')).toBeUndefined();
  });

  it('gateway: refuses an alert that is larger than it keeps', async () => {
    await open();
    const reply = await say(ALERT.replace('>open<', `>${'x'.repeat(20_000)}<`));
    expect(statusIn(reply, '8')).toBe(413);
    expect(await store.deviceAlerts.list(undefined, 10)).toEqual([]);
  });

  it('gateway: passes alerts on to a DM Server that wants them, until it accepts them', async () => {
    dmServer.alertStatus = 500;
    await open({ deviceAlerts: 'all' });
    await say(ALERT);
    const passed = genericAlert(await dmServer.receive(isGeneric));
    expect(passed).toContain('<LocURI>./GwDeviceInventory/1</LocURI>');
    expect(passed).toContain('<LocName>./Sensor/Door</LocName>');
    expect(textIn(passed, 'Type')).toBe('x:door');
    expect(textIn(passed, 'Mark')).toBe('critical');
    expect(textIn(passed, 'Correlator')).toBe('c-7');
    expect(passed).toContain('<Data>open</Data>');
    dmServer.alertStatus = 200;
    await dmServer.receive(isGeneric);
    await session('110', rawGet(110, './GwDeviceInventory/1/DeviceID'));
    expect(await store.deviceAlerts.nextDueAt('srv')).toBeUndefined();
    expect(await store.deviceAlerts.list(undefined, 10)).toHaveLength(1);
  });

  it('gateway: keeps an alert to itself that only a gateway can say', async () => {
    await open({ deviceAlerts: 'all' });
    await say(ALERT.replace('x:door', 'urn:oma:at:oma-gwmo:completionstatus:1.0'));
    expect(await store.deviceAlerts.list(undefined, 10)).toHaveLength(1);
    expect(await store.deviceAlerts.nextDueAt('srv')).toBeUndefined();
  });
});

describe('alerts of the inventory', () => {
  const types = async () =>
    (await store.deviceAlerts.list(undefined, 10)).map(({ alert }) => textIn(alert, 'Type')?.split(':').at(-2));

  it('gateway: tells a DM Server that wants it which device came for the first time, and which was decommissioned', async () => {
    await open({ inventoryAlerts: 'all' });
    await rawDevice(ONE).open('A', 1201);
    const attached = genericAlert(await dmServer.receive(isGeneric));
    expect(textIn(attached, 'Type')).toBe('urn:oma:at:oma-gwmo:deviceattached:1.0');
    expect(attached).toContain('<LocURI>./GwDeviceInventory/1</LocURI>');
    expect(attached).toContain(`<Data>${ONE}</Data>`);
    await rawDevice(ONE).open('B', 1201);
    await gateway!.enrolment.remove(ONE, { purge: false });
    const isDetached = (body: string) => body.includes('devicedetached');
    expect(genericAlert(await dmServer.receive(isDetached))).toContain(`<Data>${ONE}</Data>`);
    await gateway!.enrolment.remove(ONE, { purge: true });
    await gateway!.enrolment.remove(TWO, { purge: true });
    expect(await types()).toEqual(['devicedetached', 'deviceattached']);
  });

  it('gateway: tells nobody who did not ask', async () => {
    await open({ deviceAlerts: 'all' });
    await rawDevice(ONE).open('A', 1201);
    await gateway!.enrolment.remove(ONE, { purge: false });
    expect(await types()).toEqual([]);
  });
});

describe('decommissioning', () => {
  it('gateway: gives a session nothing new once its device is decommissioned', async () => {
    await open();
    const device = rawDevice(ONE);
    const opened = await device.open('A', 1201);
    await start();
    await gateway!.enrolment.remove(ONE, { purge: false });
    const next = await device.send(answerTo(opened, 'A') ?? rawStatus(1, 1, '0', 'SyncHdr', 212));
    expect(elementsIn(next, 'Get')).toEqual([]);
    expect((await store.fanOut.members(1, 0, 10)).map(({ outcome }) => outcome)).toEqual(['unreachable', 'pending']);
  });
});

describe('audit', () => {
  it('gateway: keeps who started, steered and decommissioned', async () => {
    await open();
    await start();
    await session('105', rawExec(105, './SCM/FanOut/Ext/Runs/1/Pause'));
    await gateway!.resumeRun(1);
    await gateway!.enrolment.remove(ONE, { purge: true });
    const entries = (await store.audit.list(undefined, 10)).toReversed();
    expect(entries.map(({ actor, action, subject }) => [actor, action, subject])).toEqual([
      ['api', 'run.start', 'run 1'],
      ['srv', 'run.pause', 'run 1'],
      ['api', 'run.resume', 'run 1'],
      ['api', 'device.purge', ONE],
    ]);
  });
});
