import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { openGateway } from '../../src/gateway/open.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, keptLog } from './gateway-fixture.ts';
import { notificationDigest, readPackage0 } from './raw-syncml.ts';

it('gateway: notifies a device over HTTP whose account says so', async () => {
  const pushed: Buffer[] = [];
  const receiver = createServer((request, response) => {
    void buffer(request).then((body) => {
      pushed.push(body);
      response.writeHead(204).end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const store = await openGatewayStore('sqlite::memory:');
  const { port } = receiver.address() as AddressInfo;
  await store.devices.add([deviceAccount('urn:dev:1', `http://127.0.0.1:${port}/push`)]);
  await store.groups.create('meters');
  await store.groups.addMembers('meters', [{ name: '1', deviceId: 'urn:dev:1' }]);
  const setup = gatewaySetup(store, keptLog());
  const gateway = await openGateway(setup);
  try {
    await gateway.startRun({
      group: 'meters',
      commands: [{ kind: 'Get', cmdId: '7', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
      policy: setup.fanOut.policy,
      correlator: undefined,
      idempotencyKey: undefined,
    });
    await expect.poll(() => pushed.length).toBe(1);
    const [package0] = pushed;
    expect(readPackage0(package0!).serverId).toBe('gw');
    const trigger = package0!.subarray(16);
    expect(package0!.subarray(0, 16)).toEqual(notificationDigest('gw', 'gw-secret', new Uint8Array(), trigger));
  } finally {
    await gateway.close();
    receiver.closeAllConnections();
    receiver.close();
    await store.close();
  }
});
