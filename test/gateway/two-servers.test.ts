import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, keptLog } from './gateway-fixture.ts';
import { NotificationSocket, RawDevice } from './raw-device.ts';
import { RawDmServer, rawExec, rawGet, rawWrite } from './raw-dm-server.ts';
import { elementsIn, rawPackage0, rawStatus, statusIn, textIn } from './raw-syncml.ts';

const DEVICE_ID = 'urn:dev:1';
const GROUP = './GwConfig/DeviceGroups/meters';
const COMMANDS = '<Get><CmdID>7</CmdID><Item><Target><LocURI>./DevInfo/Mod</LocURI></Target></Item></Get>';

let store: GatewayStore;
let socket: NotificationSocket;
let first: RawDmServer;
let second: RawDmServer;
let gateway: Gateway;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  socket = await NotificationSocket.open();
  await store.devices.add([deviceAccount(DEVICE_ID, socket.address)]);
  await store.groups.create('meters');
  await store.groups.addMembers('meters', [{ name: '1', deviceId: DEVICE_ID }]);
  first = await RawDmServer.open('first', 'srv-secret');
  second = await RawDmServer.open('second', 'srv-secret');
  const servers = [first, second].flatMap((server) => gatewaySetup(store, keptLog(), server).servers);
  gateway = await openGateway({ ...gatewaySetup(store, keptLog()), servers });
});

afterEach(async () => {
  await gateway.close();
  await Promise.all([first.close(), second.close()]);
  socket.close();
  await store.close();
});

let sessions = 0;
/** A session in which the server sends these packages; answers what came for the last command. */
async function session(server: RawDmServer, lastCmdId: string, ...packages: readonly string[]): Promise<string> {
  server.command(...packages);
  const datagram = rawPackage0(server.id, 'srv-secret', server.nonce, ++sessions);
  socket.send(gateway.notificationAddress!, datagram);
  return server.receive((body) => statusIn(body, lastCmdId) !== undefined);
}

function start(server: RawDmServer, correlator: string): Promise<string> {
  const writes =
    rawWrite('Replace', 101, './SCM/FanOut/ToBeFannedOut', COMMANDS, 'xml') +
    rawWrite('Replace', 102, './SCM/FanOut/TargetGroupRef', GROUP);
  return session(server, '103', writes, rawExec(103, './SCM/FanOut/Start', correlator));
}

/** The device answers what it is given, until it is given nothing. */
async function serveRuns(): Promise<void> {
  const device = new RawDevice({
    id: DEVICE_ID,
    dmUrl: gateway.dmUrl,
    user: DEVICE_ID,
    secret: `secret-of-${DEVICE_ID}`,
  });
  let message = await device.open('A', 1201);
  for (;;) {
    const cmdId = textIn(elementsIn(message, 'Get')[0] ?? '', 'CmdID');
    if (cmdId === undefined) return;
    const msgRef = Number(textIn(message, 'MsgID'));
    const statuses = rawStatus(1, msgRef, '0', 'SyncHdr', 212) + rawStatus(2, msgRef, cmdId, 'Get', 200);
    message = await device.send(statuses);
  }
}

const isAlert = (body: string) => body.includes('<Data>1226</Data>');

it('gateway: alerts each DM Server of its own runs, and gives the results of a run to no other', async () => {
  expect(statusIn(await start(first, 'of-first'), '103')).toBe(202);
  expect(statusIn(await start(second, 'of-second'), '103')).toBe(202);
  await serveRuns();
  for (const [server, run] of [[first, 1] as const, [second, 2] as const]) {
    const alert = await server.receive(isAlert);
    expect(textIn(alert, 'Correlator')).toBe(`of-${server.id}`);
    expect(alert).toContain(`./SCR/Results/Results${run}<`);
    expect(server.received.filter(isAlert)).toEqual([]);
  }

  const outcome = (run: number) => `./SCR/Results/Results${run}/Results/1/Ext/Outcome`;
  const gets = rawGet(110, outcome(1)) + rawGet(111, outcome(2)) + rawGet(112, './SCR/Results?list=StructData');
  const toFirst = await session(first, '112', gets);
  expect([statusIn(toFirst, '110'), statusIn(toFirst, '111')]).toEqual([200, 425]);
  const toSecond = await session(second, '112', gets);
  expect([statusIn(toSecond, '110'), statusIn(toSecond, '111')]).toEqual([425, 200]);
  expect(elementsIn(toSecond, 'Results').join('')).not.toContain('Results1/Results/1/DeviceID');

  const deletes = (uri: string) =>
    `<Delete><CmdID>120</CmdID><Item><Target><LocURI>${uri}</LocURI></Target></Item></Delete>`;
  expect(statusIn(await session(second, '120', deletes('./SCR/Results/Results1')), '120')).toBe(425);
  expect(statusIn(await session(first, '120', deletes('./SCR/Results/Results1')), '120')).toBe(200);
});

it('gateway: lets a DM Server share the results of its run by their ACL', async () => {
  await start(first, 'shared');
  await serveRuns();
  await first.receive(isAlert);
  const root = './SCR/Results/Results1';
  expect(statusIn(await session(second, '110', rawGet(110, `${root}/Ext/Summary/State`)), '110')).toBe(425);
  const shared = rawWrite('Replace', 105, `${root}?prop=ACL`, 'Get=first+second&Replace=first');
  expect(statusIn(await session(first, '105', shared), '105')).toBe(200);
  expect(statusIn(await session(second, '110', rawGet(110, `${root}/Ext/Summary/State`)), '110')).toBe(200);
});
