import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewSecrets } from '../../src/store/devices.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { ending, newDevice, newRun, terms } from './store-fixture.ts';

const ID = 'urn:dev:test:1';
let store: GatewayStore;

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  await store.devices.add([newDevice(ID)]);
});

afterEach(() => store.close());

/** Secrets and nonces that show where they come from. */
function secrets(n: number): NewSecrets {
  return {
    client: { digest: `client-${n}`, password: undefined, nonce: new Uint8Array([n, 1]) },
    server: { digest: `server-${n}`, password: `plain-${n}`, nonce: new Uint8Array([n, 2]) },
  };
}

describe('secrets of device accounts', () => {
  it('store: keeps the secrets before a rotation, with their nonces, until the new ones are used', async () => {
    await store.devices.saveNonces(1, { server: new Uint8Array([9]) });
    expect(await store.devices.rotateSecrets(ID, secrets(1), { now: 10, until: 20 })).toBe(true);
    const { client, server } = newDevice(ID);
    expect(await store.devices.byDeviceId(ID)).toMatchObject({
      client: { name: ID, ...secrets(1).client },
      server: { name: 'gw', ...secrets(1).server },
      previousServerNonce: new Uint8Array(),
      former: { client, server: { ...server, nonce: new Uint8Array([9]) }, until: 20 },
    });
    await store.devices.noteSecretUsed(1, client.digest);
    expect((await store.devices.byKey(1))?.former).toBeDefined();
    await store.devices.noteSecretUsed(1, 'client-1');
    expect((await store.devices.byKey(1))?.former).toBeUndefined();
  });

  it('store: keeps in a second rotation the secrets that a device may still have', async () => {
    await store.devices.rotateSecrets(ID, secrets(1), { now: 10, until: 20 });
    await store.devices.rotateSecrets(ID, secrets(2), { now: 15, until: 40 });
    expect(await store.devices.byKey(1)).toMatchObject({
      client: { digest: 'client-2' },
      former: { client: { digest: newDevice(ID).client.digest }, until: 40 },
    });
    await store.devices.rotateSecrets(ID, secrets(3), { now: 40, until: 50 });
    expect((await store.devices.byKey(1))?.former).toMatchObject({
      client: { digest: 'client-2', nonce: new Uint8Array([2, 1]) },
      server: { digest: 'server-2', password: 'plain-2' },
    });
  });

  it('store: gives nonces to the secrets they belong to', async () => {
    await store.devices.rotateSecrets(ID, secrets(1), { now: 10, until: 20 });
    const former = newDevice(ID).client.digest;
    await store.devices.saveNonces(1, { client: new Uint8Array([5]), server: new Uint8Array([6]) }, former);
    await store.devices.saveNonces(1, { server: new Uint8Array([7]) }, 'client-1');
    await store.devices.saveNonces(1, { client: new Uint8Array([8]) }, 'nobody');
    expect(await store.devices.byKey(1)).toMatchObject({
      client: { nonce: new Uint8Array([1, 1]) },
      server: { nonce: new Uint8Array([7]) },
      previousServerNonce: new Uint8Array([1, 2]),
      former: { client: { nonce: new Uint8Array([5]) }, server: { nonce: new Uint8Array([6]) } },
    });
  });

  it('store: forgets with a move all that was of the hardware before', async () => {
    await store.devices.saveInventory(1, { man: 'maker', mod: 'one', fwV: '1', detailAt: 3 }, 4);
    await store.devices.saveNonces(1, { server: new Uint8Array([9]) });
    await store.devices.rotateSecrets(ID, secrets(1), { now: 10, until: 20 });
    await store.devices.decommission(ID, 15);
    expect(await store.devices.rotateSecrets(ID, secrets(2), { now: 16, until: 20 })).toBe(false);
    expect(await store.devices.moveDevice(ID, secrets(3))).toBe(true);
    expect(await store.devices.byKey(1)).toEqual({
      ...newDevice(ID),
      key: 1,
      client: { ...newDevice(ID).client, ...secrets(3).client },
      server: { ...newDevice(ID).server, ...secrets(3).server },
      previousServerNonce: new Uint8Array(),
      inventory: {},
    });
    expect(await store.devices.moveDevice('urn:dev:none', secrets(3))).toBe(false);
    expect(await store.devices.decommission('urn:dev:none', 1)).toBe(false);
  });

  it('store: takes a decommissioned device into a run as one without an account', async () => {
    await store.groups.create('all');
    await store.groups.addMembers('all', [{ name: '1', deviceId: ID }]);
    await store.devices.decommission(ID, 15);
    await store.fanOut.createRun(newRun(), terms({ maxActiveRuns: 1 }));
    const move = await store.fanOut.claimDue(
      1,
      newRun().startedAt,
      { by: 'dueAt', limit: 9, maxTurns: 9 },
      (target) => {
        expect(target.deviceKey).toBeUndefined();
        return { kind: 'settle', ...ending('unreachable', '503') };
      },
    );
    expect(move.settled).toEqual(['unreachable']);
  });

  it('store: keeps the limits of a device', async () => {
    await store.devices.add([{ ...newDevice('urn:dev:test:2'), maxMsgBytes: 2048, maxObjBytes: 4096 }]);
    expect(await store.devices.byKey(2)).toMatchObject({ maxMsgBytes: 2048, maxObjBytes: 4096 });
  });
});
