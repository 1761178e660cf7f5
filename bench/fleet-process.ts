import { z } from 'zod';
import { readAccounts } from '../src/device/accounts.ts';
import { RawFleet, type RawFleetSetup } from '../src/device/raw/raw-fleet.ts';
import { listenUdp } from '../src/transport/udp-listener.ts';
import { serveParent } from './process-side.ts';
import { UndiciFleet } from './undici-fleet.ts';

const orderSchema = z.object({
  client: z.enum(['raw', 'undici']),
  dmUrl: z.string(),
  accounts: z.string(),
  encoding: z.enum(['xml', 'wbxml']),
  connections: z.enum(['shared', 'per-session']),
  maxSessions: z.int(),
  udpPorts: z.array(z.int()),
  /** Each so manyth device is silent; 0: none. */
  silentEvery: z.int(),
});

serveParent(async (input) => {
  const order = orderSchema.parse(input);
  const setup: RawFleetSetup = {
    ...order,
    accounts: await readAccounts(order.accounts),
    isSilent: (index) => order.silentEvery > 0 && index % order.silentEvery === 0,
  };
  const fleet = order.client === 'raw' ? await RawFleet.create(setup) : new UndiciFleet(setup);
  const listeners = await Promise.all(
    order.udpPorts.map((port) => listenUdp({ host: '127.0.0.1', port, handle: (datagram) => fleet.receive(datagram) })),
  );
  return {
    ready: {},
    answers: { counts: () => fleet.counts(), pollAll: () => fleet.pollAll() },
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()));
      await fleet.close();
    },
  };
});
