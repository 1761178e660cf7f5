import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, type KeptLog, keptLog } from './gateway-fixture.ts';
import { packageOne, RawDevice } from './raw-device.ts';
import { elementsIn, statusIn } from './raw-syncml.ts';

const ID = 'urn:dev:1';
let store: GatewayStore;
let log: KeptLog;
let gateway: Gateway | undefined;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  log = keptLog();
});

afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await store.close();
});

async function open(loopbackWithoutProof: boolean): Promise<RawDevice> {
  const setup = gatewaySetup(store, log);
  gateway = await openGateway({ ...setup, southbound: { ...setup.southbound, loopbackWithoutProof } });
  return new RawDevice({ id: ID, dmUrl: gateway.dmUrl, user: ID, secret: `secret-of-${ID}` });
}

describe('devices with scheme none', () => {
  beforeEach(async () => {
    const account = deviceAccount(ID, undefined);
    await store.devices.add([{ ...account, client: { ...account.client, scheme: 'none' } }]);
  });

  it('gateway: believes one on this host where the setting says so', async () => {
    const device = await open(true);
    device.begin('A');
    expect(statusIn(await device.send(packageOne(1201, ID)), '0')).toBe(200);
  });

  it('gateway: answers one like a device nobody knows without the setting, and warns once', async () => {
    const device = await open(false);
    for (const sessionId of ['A', 'B']) {
      device.begin(sessionId);
      expect(statusIn(await device.send(packageOne(1201, ID)), '0')).toBe(407);
      expect(statusIn(await device.send(packageOne(1201, ID), { proof: true }), '0')).toBe(401);
    }
    expect(log.lines.filter((line) => line.includes('loopbackWithoutProof'))).toHaveLength(1);
    expect((await store.devices.byDeviceId(ID))?.lastSeenAt).toBeUndefined();
  });
});

it('gateway: keeps to the limits of an account where the device tells none', async () => {
  await store.devices.add([{ ...deviceAccount(ID, undefined), maxObjBytes: 1_000 }]);
  await store.groups.create('meters');
  await store.groups.addMembers('meters', [{ name: '1', deviceId: ID }]);
  const device = await open(false);
  const start = (size: number) =>
    gateway!.startRun({
      group: 'meters',
      commands: [{ kind: 'Replace', cmdId: '1', items: [{ target: { locUri: './A' }, data: 'x'.repeat(size) }] }],
      policy: gatewaySetup(store, log).fanOut.policy,
      correlator: undefined,
      idempotencyKey: undefined,
    });
  const tooLarge = await start(1_001);
  await start(999);
  const commands = await device.open('A', 1201);
  expect(elementsIn(commands, 'Replace')).toHaveLength(1);
  expect(commands).not.toContain('x'.repeat(1_001));
  const [member] = await store.fanOut.members(tooLarge.number, 0, 1);
  expect(member).toMatchObject({ outcome: 'failed' });
  expect(member?.deResult).toContain('413');
});
