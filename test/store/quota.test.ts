import { describe, expect, it } from 'vitest';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { newDevice } from './store-fixture.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MAX_BYTES = 400_000;
const inFolder = temporaryFolder();

/** Adds accounts until the store refuses one; answers how many it took. */
async function fill(store: GatewayStore, name = 'test'): Promise<number> {
  for (let taken = 0; taken < 10_000; taken += 50) {
    const devices = Array.from({ length: 50 }, (_, index) => newDevice(`urn:dev:${name}:${taken + index}`));
    const refused = await store.devices.add(devices).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refused === undefined) continue;
    expect(refused).toMatchObject({
      code: 'STORE_WRITE',
      message: 'the store could not be written: there is no space left',
    });
    return taken;
  }
  throw new Error('the store took everything');
}

describe('a store with a quota', () => {
  it('store: refuses what does not fit, goes on to answer, and has all that it took', async () => {
    const url = `sqlite:${inFolder('quota.db')}`;
    const store = await openGatewayStore(url, { maxBytes: MAX_BYTES });
    const taken = await fill(store);
    expect(taken).toBeGreaterThan(0);
    expect(await store.devices.count()).toBe(taken);
    await store.devices.saveNonces(1, { client: new Uint8Array([9]) });
    expect(await store.devices.byDeviceId('urn:dev:test:0')).toMatchObject({ client: { nonce: new Uint8Array([9]) } });
    await store.close();

    const again = await openGatewayStore(url, { maxBytes: 2 * MAX_BYTES });
    expect(await again.devices.count()).toBeGreaterThanOrEqual(taken);
    expect(await again.devices.byDeviceId(`urn:dev:test:${taken - 1}`)).toMatchObject({ key: taken });
    await again.devices.add([newDevice('urn:dev:test:one-more')]);
    expect(await again.devices.byDeviceId('urn:dev:test:one-more')).toBeDefined();
    await again.close();
  });

  it('store: takes writes again when there is space, without being opened anew', async () => {
    const store = await openGatewayStore('sqlite::memory:', { maxBytes: MAX_BYTES });
    const taken = await fill(store);
    for (let index = 0; index < 50; index += 1) await store.devices.remove(`urn:dev:test:${index}`);
    await store.devices.add([newDevice('urn:dev:test:one-more')]);
    expect(await store.devices.count()).toBe(taken - 49);
    await store.close();
  });

  it('store: says that it is of no use while its quota is used up', async () => {
    const store = await openGatewayStore('sqlite::memory:', { maxBytes: 3 * MAX_BYTES });
    await store.probe();
    const taken = await fill(store);
    await expect(store.probe()).rejects.toMatchObject({
      code: 'STORE_WRITE',
      message: expect.stringMatching(/hardly any space left: \d+ bytes of its quota/) as string,
    });
    await Promise.all(Array.from({ length: taken }, (_, index) => store.devices.remove(`urn:dev:test:${index}`)));
    await store.probe();
    await store.close();
  });

  it('store: opens a database that is larger than its quota', async () => {
    const url = `sqlite:${inFolder('larger.db')}`;
    const store = await openGatewayStore(url);
    await store.devices.add([newDevice('urn:dev:test:0')]);
    await store.close();
    const smaller = await openGatewayStore(url, { maxBytes: 1 });
    expect(await smaller.devices.count()).toBe(1);
    await fill(smaller, 'other');
    await smaller.close();
  });
});
