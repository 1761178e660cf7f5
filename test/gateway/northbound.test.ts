import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { gatewaySetup, keptLog } from './gateway-fixture.ts';
import { NotificationSocket } from './raw-device.ts';
import { RawDmServer, rawGet } from './raw-dm-server.ts';
import { elementsIn, rawPackage0, statusIn, textIn } from './raw-syncml.ts';

const RESET_NONCE = Buffer.from('0x00000000');

let store: GatewayStore;
let dmServer: RawDmServer;
let socket: NotificationSocket;
let gateway: Gateway;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  dmServer = await RawDmServer.open('srv', 'srv-secret');
  socket = await NotificationSocket.open();
  gateway = await openGateway(gatewaySetup(store, keptLog(), dmServer));
});

afterEach(async () => {
  await gateway.close();
  await dmServer.close();
  socket.close();
  await store.close();
});

function callGateway(sessionNumber: number, nonce = dmServer.nonce): void {
  socket.send(gateway.notificationAddress!, rawPackage0('srv', 'srv-secret', nonce, sessionNumber));
}

it('gateway: takes a notification under the reset nonce once, also after a restart', async () => {
  callGateway(1, RESET_NONCE);
  await dmServer.receive((body) => textIn(body, 'SessionID') === '1');
  await gateway.close();
  gateway = await openGateway(gatewaySetup(store, keptLog(), dmServer));
  callGateway(1, RESET_NONCE);
  callGateway(2, RESET_NONCE);
  await dmServer.receive((body) => textIn(body, 'SessionID') === '2');
  callGateway(3);
  await dmServer.receive((body) => textIn(body, 'SessionID') === '3');
  expect(dmServer.received.filter((body) => textIn(body, 'SessionID') === '1')).toEqual([]);
});

it('gateway: takes a notification under the reset nonce again whose session did not come about', async () => {
  dmServer.isDown = true;
  callGateway(1, RESET_NONCE);
  await dmServer.receive((body) => textIn(body, 'SessionID') === '1');
  // A session of its own tells when the one before has ended.
  callGateway(2, RESET_NONCE);
  await dmServer.receive((body) => textIn(body, 'SessionID') === '2');
  dmServer.isDown = false;
  callGateway(1, RESET_NONCE);
  await dmServer.receive((body) => textIn(body, 'SessionID') === '1');
});

it('gateway: sends a DM Server no value that is larger than its MaxObjSize, and says 413', async () => {
  await store.groups.create('a-group-with-a-long-name');
  await store.groups.create('short');
  dmServer.maxObjBytes = 20;
  const groups = './GwConfig/DeviceGroups';
  dmServer.command(rawGet(110, './DevInfo/DevId', groups) + rawGet(111, `${groups}?list=Struct`));
  callGateway(1);
  const answered = await dmServer.receive((body) => statusIn(body, '111') !== undefined);
  const codes = elementsIn(answered, 'Status')
    .filter((status) => textIn(status, 'CmdRef') === '110')
    .map((status) => [textIn(status, 'TargetRef'), textIn(status, 'Data')]);
  expect(codes).toEqual([
    ['./DevInfo/DevId', '200'],
    [groups, '413'],
  ]);
  expect(statusIn(answered, '111')).toBe(200);
  const results = elementsIn(answered, 'Results').join('');
  expect(results).toContain('<Data>gw-1</Data>');
  expect(results).toContain(`${groups}/a-group-with-a-long-name`);
});
