import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { serveParent } from './process-side.ts';

const STREAM_CHUNK_BYTES = 65_536;

const orderSchema = z.discriminatedUnion('kind', [
  /** Answers a POST to `/N` with so many octets as the N-th size says. */
  z.object({ kind: z.literal('exchange'), bytesDown: z.array(z.int()) }),
  /** Streams the octets of a file, which it holds in memory. */
  z.object({ kind: z.literal('stream'), file: z.string() }),
]);

/** The least that `node:http` takes for the work of a gateway: no look into the body, an answer that was ready before. */
function answerExchange(bodies: readonly Buffer[], request: IncomingMessage, response: ServerResponse): void {
  request.on('data', () => undefined);
  request.on('end', () => {
    const body = bodies[Number(request.url?.slice(1))] ?? Buffer.alloc(0);
    response.writeHead(200, {
      'Content-Type': 'application/vnd.syncml.dm+xml',
      'Content-Length': body.byteLength,
      'Cache-Control': 'no-store',
    });
    response.end(body);
  });
}

async function stream(content: Buffer, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  for (let at = 0; at < content.length; at += STREAM_CHUNK_BYTES) {
    if (!response.write(content.subarray(at, at + STREAM_CHUNK_BYTES))) await once(response, 'drain');
  }
  response.end();
}

serveParent(async (order) => {
  const wanted = orderSchema.parse(order);
  const bodies = wanted.kind === 'exchange' ? wanted.bytesDown.map((size) => Buffer.alloc(size, 'x')) : [];
  const content = wanted.kind === 'stream' ? readFileSync(wanted.file) : Buffer.alloc(0);
  const server = createServer((request, response) => {
    if (wanted.kind === 'exchange') answerExchange(bodies, request, response);
    else void stream(content, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ready: { port: (server.address() as AddressInfo).port },
    answers: {},
    close: () => {
      server.closeAllConnections();
      server.close();
      return Promise.resolve();
    },
  };
});
