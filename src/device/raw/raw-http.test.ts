import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RawConnections, readResponse } from './raw-http.ts';

describe('raw HTTP client', () => {
  it('reads an answer once it is whole', () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 5';
    const whole = `${head}\r\n\r\nhello`;
    expect(readResponse(whole)).toEqual({ httpStatus: 200, head, body: 'hello' });
    for (let length = 0; length < whole.length; length++) expect(readResponse(whole.slice(0, length))).toBeUndefined();
  });

  it('refuses what it does not know', () => {
    expect(readResponse('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')).toContain('Content-Length');
    expect(readResponse('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab')).toContain('more than one');
  });

  it('posts octets as they are, over a connection that the next session takes again', async () => {
    const sockets = new Set<unknown>();
    const server = createServer((request, response) => {
      sockets.add(request.socket);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat([
          Buffer.from(`${request.url ?? ''} ${String(request.headers['x-syncml-hmac'])} `),
          ...chunks,
        ]);
        response.writeHead(200, { 'Content-Length': body.length }).end(body);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const pool = new RawConnections({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, 'shared');
    for (const mac of ['first', 'second']) {
      const connection = pool.take();
      const { httpStatus, body } = await connection.post({ path: '/dm?s=1', contentType: 'x/y', body: '\xff\0é', mac });
      pool.give(connection);
      expect([httpStatus, body]).toEqual([200, `/dm?s=1 ${mac} \xff\0é`]);
    }
    expect(sockets.size).toBe(1);
    const cut = pool.take();
    server.closeAllConnections();
    await expect(cut.post({ path: '/', contentType: 'x/y', body: '' })).rejects.toMatchObject({ code: 'RAW_HTTP' });
    expect(cut.isUsable).toBe(false);
    pool.close();
    server.close();
  });
});
