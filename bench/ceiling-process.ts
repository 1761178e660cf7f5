import { z } from 'zod';
import { RawConnections } from '../src/device/raw/raw-http.ts';
import { WorkQueue } from '../src/device/work-queue.ts';
import { createDmHttpClient } from '../src/transport/http-client.ts';
import { SHARED_CONNECTIONS } from './fleet-limits.ts';
import { serveParent } from './process-side.ts';

const orderSchema = z.object({
  port: z.int(),
  client: z.enum(['raw', 'undici']),
  connections: z.enum(['shared', 'per-session']),
  maxSessions: z.int(),
  devices: z.int(),
  bytesUp: z.array(z.int()),
});
type Order = z.infer<typeof orderSchema>;

const CONTENT_TYPE = 'application/vnd.syncml.dm+xml';
const HOST = '127.0.0.1';

/** All exchanges of one device; rejects when one fails. */
interface Client {
  session(): Promise<void>;
  close(): Promise<void>;
}

function rawClient({ port, connections, bytesUp }: Order): Client {
  const pool = new RawConnections({ host: HOST, port }, connections);
  const requests = bytesUp.map((size, index) => ({
    path: `/${index}`,
    contentType: CONTENT_TYPE,
    body: 'x'.repeat(size),
  }));
  return {
    async session() {
      const connection = pool.take();
      for (const request of requests) await connection.post(request);
      pool.give(connection);
    },
    close() {
      pool.close();
      return Promise.resolve();
    },
  };
}

function undiciClient({ port, connections, bytesUp }: Order): Client {
  const client = createDmHttpClient({ connections: SHARED_CONNECTIONS });
  const requests = bytesUp.map((size, index) => ({
    url: `http://${HOST}:${port}/${index}`,
    contentType: CONTENT_TYPE,
    body: Buffer.alloc(size, 'x'),
  }));
  return {
    async session() {
      const connection = connections === 'shared' ? client : client.connect();
      for (const request of requests) await connection.exchange(request);
      if (connection !== client) await connection.close();
    },
    close: () => client.close(),
  };
}

serveParent((input) => {
  const order = orderSchema.parse(input);
  const client = order.client === 'raw' ? rawClient(order) : undiciClient(order);
  const run = async (): Promise<{ elapsedMs: number; failures: number }> => {
    let failures = 0;
    const queue = new WorkQueue<void>(order.maxSessions, () => client.session().catch(() => void (failures += 1)));
    const begin = performance.now();
    for (let device = 0; device < order.devices; device++) queue.push();
    await queue.idle();
    return { elapsedMs: performance.now() - begin, failures };
  };
  return Promise.resolve({ ready: {}, answers: { run }, close: () => client.close() });
});
