import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createDmHttpClient, type DmHttpClient, type DmHttpClientOptions } from './http-client.ts';

const XML = 'application/vnd.syncml.dm+xml';
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/dm`;
}

function client(options: DmHttpClientOptions = {}): DmHttpClient {
  const created = createDmHttpClient(options);
  cleanups.push(() => created.close());
  return created;
}

function message(url: string, body = 'abc') {
  return { url, contentType: `${XML}; charset=utf-8`, body: Buffer.from(body) };
}

function answerWith(body: string, contentType = XML) {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'Content-Type': contentType }).end(body);
  };
}

describe('DM client over HTTP', () => {
  it('client: posts a message and answers with what came back', async () => {
    const seen: IncomingMessage[] = [];
    const url = await serve((request, response) => {
      seen.push(request);
      request.on('data', (chunk: Buffer) => {
        response.writeHead(200, { 'Content-Type': 'application/vnd.syncml.dm+wbxml' }).end(`got ${chunk.toString()}`);
      });
    });
    const answer = await client().exchange(message(`${url}?sid=7`));
    expect(answer.contentType).toBe('application/vnd.syncml.dm+wbxml');
    expect(Buffer.from(answer.body).toString()).toBe('got abc');
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/dm?sid=7' });
    expect(seen[0]?.headers).toMatchObject({
      'content-type': `${XML}; charset=utf-8`,
      accept: XML,
      'cache-control': 'no-store',
      'content-length': '3',
    });
  });

  it('client: says that nobody listens', async () => {
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(client().exchange(message(`http://127.0.0.1:${port}/dm`))).rejects.toMatchObject({
      code: 'TRANSPORT_REFUSED',
      message: `http://127.0.0.1:${port}: cannot connect (ECONNREFUSED)`,
    });
  });

  it('client: gives up when no answer comes in time', async () => {
    const url = await serve(() => undefined);
    await expect(client({ timeoutMs: 30 }).exchange(message(url))).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' });
  });

  it('client: gives up when the answer does not end in time', async () => {
    const url = await serve((_request, response) => response.writeHead(200, { 'Content-Type': XML }).write('ab'));
    await expect(client({ timeoutMs: 60 }).exchange(message(url))).rejects.toMatchObject({ code: 'TRANSPORT_TIMEOUT' });
  });

  it('client: gives up when its caller does', async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort());
    await expect(client().exchange({ ...message(url), signal: abort.signal })).rejects.toMatchObject({
      code: 'TRANSPORT_TIMEOUT',
    });
  });

  it('client: tells a lost answer from a refused connection', async () => {
    const url = await serve((request) => request.socket.destroy());
    await expect(client().exchange(message(url))).rejects.toMatchObject({ code: 'TRANSPORT_LOST' });
  });

  it('client: tells an answer that breaks off as lost', async () => {
    const url = await serve((request, response) => {
      response
        .writeHead(200, { 'Content-Type': XML, 'Content-Length': 10 })
        .write('abc', () => request.socket.destroy());
    });
    await expect(client().exchange(message(url))).rejects.toMatchObject({ code: 'TRANSPORT_LOST' });
  });

  it('client: takes an answer that is no HTTP as lost', async () => {
    const server = createTcpServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('SSH-2.0-x\r\n'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    await expect(client().exchange(message(`http://127.0.0.1:${port}/dm`))).rejects.toMatchObject({
      code: 'TRANSPORT_LOST',
    });
  });

  it('client: names the HTTP status and the reason of a refusal', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(400, { 'Content-Type': 'text/plain' }).end('XML_SYNTAX: no end tag\nat 1:7\n');
    });
    await expect(client().exchange(message(url))).rejects.toMatchObject({
      code: 'TRANSPORT_HTTP_STATUS',
      httpStatus: 400,
      message: `${new URL(url).origin}: HTTP 400: XML_SYNTAX: no end tag at 1:7`,
    });
  });

  it('client: follows no redirect', async () => {
    const target: string[] = [];
    const other = await serve((request, response) => {
      target.push(request.url ?? '');
      answerWith('x')(request, response);
    });
    const url = await serve((_request, response) => response.writeHead(307, { Location: other }).end());
    await expect(client().exchange(message(url))).rejects.toMatchObject({ httpStatus: 307 });
    expect(target).toEqual([]);
  });

  it.each(['text/html', ''])("client: refuses an answer with Content-Type '%s'", async (contentType) => {
    const url = await serve((_request, response) => {
      response.writeHead(200, contentType === '' ? {} : { 'Content-Type': contentType }).end('<html>');
    });
    await expect(client().exchange(message(url))).rejects.toMatchObject({ code: 'TRANSPORT_MEDIA_TYPE' });
  });

  it('client: reads no more than its limit', async () => {
    const url = await serve((request, response) => {
      request.resume();
      answerWith('a'.repeat(101))(request, response);
    });
    await expect(client({ maxBodyBytes: 100 }).exchange(message(url))).rejects.toMatchObject({
      code: 'TRANSPORT_TOO_LARGE',
    });
    expect((await client({ maxBodyBytes: 101 }).exchange(message(url))).body).toHaveLength(101);
  });

  it.each(['file:///etc/passwd', 'ftp://host/dm', './dm', 'http://'])('client: posts nothing to %s', async (url) => {
    await expect(client().exchange(message(url))).rejects.toMatchObject({ code: 'TRANSPORT_URL' });
  });

  it('client: is of no use after it was closed', async () => {
    const url = await serve(answerWith('x'));
    const closed = client();
    await closed.close();
    await expect(closed.exchange(message(url))).rejects.toMatchObject({ code: 'TRANSPORT_CLOSED' });
  });
});

describe('connections of a DM client', () => {
  async function portsSeen(mode: 'shared' | 'per-session'): Promise<(number | undefined)[]> {
    const ports: (number | undefined)[] = [];
    const url = await serve((request, response) => {
      ports.push(request.socket.remotePort);
      request.resume().on('end', () => answerWith('x')(request, response));
    });
    const http = client({ connections: 1 });
    for (let session = 0; session < 2; session++) {
      const connection = mode === 'per-session' ? http.connect() : http;
      await connection.exchange(message(url));
      await connection.exchange(message(url));
      if (mode === 'per-session') await connection.close();
    }
    return ports;
  }

  it('client: lets sessions share kept-alive connections', async () => {
    expect(new Set(await portsSeen('shared')).size).toBe(1);
  });

  it('client: gives each session a connection of its own where asked to', async () => {
    const [first, second, third, fourth] = await portsSeen('per-session');
    expect(second).toBe(first);
    expect(fourth).toBe(third);
    expect(third).not.toBe(first);
  });
});
