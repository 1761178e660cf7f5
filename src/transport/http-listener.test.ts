import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { DmRequest } from './client-session.ts';
import { refusal } from './http-answer.ts';
import { type DmListener, type DmListenOptions, listenDm } from './http-listener.ts';

const XML = 'application/vnd.syncml.dm+xml';
const open: DmListener[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

/** An endpoint that sends every body back, in its media type. */
async function listenEchoing(options: Partial<DmListenOptions> = {}): Promise<DmListener> {
  const listener = await listenDm({
    host: '127.0.0.1',
    port: 0,
    path: '/dm',
    maxBodyBytes: 1000,
    handle: ({ contentType, body }) => Promise.resolve({ kind: 'message', response: { contentType, body } }),
    ...options,
  });
  open.push(listener);
  return listener;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** A peer that writes bytes as they are and collects what comes until the connection ends, or until `enough`. */
function exchangeRaw(
  listener: DmListener,
  sent: string,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(listener.port, '127.0.0.1', () => socket.write(sent));
    sockets.push(socket);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (enough(text)) resolve(text);
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

function post(
  listener: DmListener,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(listener.url, { method: 'POST', body, headers: { 'content-type': XML, ...headers } });
}

describe('DM endpoint', () => {
  it.each([
    XML,
    'application/vnd.syncml.dm+wbxml',
    'application/vnd.syncml+xml',
    'application/vnd.syncml+wbxml; charset=utf-8',
    'Application/VND.SyncML.DM+XML ;verproto="DM/1.2"',
  ])('endpoint: takes a message in as %s', async (contentType) => {
    const response = await post(await listenEchoing(), 'abc', { 'content-type': contentType });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(contentType);
    expect(response.headers.get('content-length')).toBe('3');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toBe('abc');
  });

  it.each(['text/xml', 'application/json', 'application/vnd.syncml.dm+xmlish', ''])(
    "endpoint: refuses the media type '%s' with 415",
    async (contentType) => {
      const response = await post(await listenEchoing(), 'abc', { 'content-type': contentType });
      expect(response.status).toBe(415);
    },
  );

  it('endpoint: refuses a compressed body with 415', async () => {
    expect((await post(await listenEchoing(), 'abc', { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it('endpoint: answers another method with 405 and says which one is allowed', async () => {
    const response = await fetch((await listenEchoing()).url);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  it('endpoint: answers another path with 404, and takes a query as part of its own', async () => {
    const seen: string[] = [];
    const listener = await listenEchoing({
      handle: ({ url, contentType, body }: DmRequest) => {
        seen.push(url);
        return Promise.resolve({ kind: 'message', response: { contentType, body } });
      },
    });
    expect((await fetch(`${listener.url}/x`, { method: 'POST' })).status).toBe(404);
    const response = await fetch(`${listener.url}?sid=7`, {
      method: 'POST',
      body: 'a',
      headers: { 'content-type': XML },
    });
    expect(response.status).toBe(200);
    expect(seen).toEqual(['/dm?sid=7']);
  });

  it('endpoint: takes a body of exactly its limit and refuses one byte more with 413', async () => {
    const listener = await listenEchoing();
    expect((await post(listener, 'a'.repeat(1000))).status).toBe(200);
    const response = await post(listener, 'a'.repeat(1001));
    expect(response.status).toBe(413);
    expect(await response.text()).toBe('a message may have at most 1000 bytes\n');
  });

  it('endpoint: stops reading a huge body without a length', async () => {
    const listener = await listenEchoing();
    const chunk = `${(64 * 1024).toString(16)}\r\n${'a'.repeat(64 * 1024)}\r\n`;
    const head = `POST /dm HTTP/1.1\r\nHost: x\r\nContent-Type: ${XML}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await exchangeRaw(listener, head + chunk.repeat(17), (text) => text.includes('\r\n\r\n'));
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });

  it('endpoint: takes a chunked body in', async () => {
    const head = `POST /dm HTTP/1.1\r\nHost: x\r\nContent-Type: ${XML}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await exchangeRaw(await listenEchoing(), `${head}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`, (text) =>
      text.endsWith('abc'),
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });

  it('endpoint: serves an HTTP/1.0 client with header names in odd case, and ends its connection', async () => {
    const answer = await exchangeRaw(
      await listenEchoing(),
      `POST /dm HTTP/1.0\r\ncONTENT-tYPE: ${XML}\r\nCONTENT-LENGTH: 3\r\n\r\nabc`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(answer).toMatch(/Content-Length: 3\r\n/);
    expect(answer).toMatch(/\r\n\r\nabc$/);
  });

  it('endpoint: answers several messages on one connection', async () => {
    const one = `POST /dm HTTP/1.1\r\nHost: x\r\nContent-Type: ${XML}\r\nContent-Length: 3\r\n\r\n`;
    const answer = await exchangeRaw(await listenEchoing(), `${one}abc${one}def`, (text) => text.endsWith('def'));
    expect(answer.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
  });

  it('endpoint: takes a request target in absolute form', async () => {
    const answer = await exchangeRaw(
      await listenEchoing(),
      `POST http://gateway.example/dm?x HTTP/1.0\r\nContent-Type: ${XML}\r\nContent-Length: 1\r\n\r\na`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });

  it('endpoint: gives up a body that does not arrive in time', async () => {
    const handled: string[] = [];
    const listener = await listenEchoing({
      requestTimeoutMs: 60,
      handle: ({ url }) => {
        handled.push(url);
        return Promise.resolve(refusal(500, ''));
      },
    });
    const answer = await exchangeRaw(
      listener,
      `POST /dm HTTP/1.1\r\nHost: x\r\nContent-Type: ${XML}\r\nContent-Length: 9\r\n\r\nabc`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(handled).toEqual([]);
  });

  it('endpoint: answers what is no HTTP with 400 and lives on', async () => {
    const listener = await listenEchoing();
    expect(await exchangeRaw(listener, '\x00\x01garbage\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect((await post(listener, 'abc')).status).toBe(200);
  });

  it('endpoint: lives on when a client vanishes in the middle of its body', async () => {
    const listener = await listenEchoing();
    await new Promise<void>((resolve) => {
      const request = httpRequest(listener.url, {
        method: 'POST',
        headers: { 'content-type': XML, 'content-length': 9 },
      });
      request.on('error', () => resolve());
      request.write('abc', () => request.destroy(new Error('vanished')));
    });
    expect((await post(listener, 'abc')).status).toBe(200);
  });

  it('endpoint: turns a defect into 500 without saying what it was', async () => {
    const errors: unknown[] = [];
    const listener = await listenEchoing({
      handle: () => Promise.reject(new Error('database password is hunter2')),
      onError: (error) => errors.push(error),
    });
    const response = await post(listener, 'abc');
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('internal error\n');
    expect(errors).toHaveLength(1);
  });

  it('endpoint: says when to come again where the handler does', async () => {
    const listener = await listenEchoing({ handle: () => Promise.resolve(refusal(503, 'too many sessions', 5)) });
    const response = await post(listener, 'abc');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.text()).toBe('too many sessions\n');
  });

  it('endpoint: says that its port is in use', async () => {
    const { port } = await listenEchoing();
    await expect(listenEchoing({ port })).rejects.toMatchObject({
      code: 'TRANSPORT_PORT_IN_USE',
      message: `127.0.0.1:${port} is in use by another program`,
    });
  });

  it('endpoint: says that it cannot listen on an address of somebody else', async () => {
    await expect(listenEchoing({ host: '203.0.113.1' })).rejects.toMatchObject({ code: 'TRANSPORT_LISTEN' });
  });

  it('endpoint: answers what is under way before it closes', async () => {
    const started = deferred();
    const released = deferred();
    const listener = await listenEchoing({
      handle: async ({ contentType, body }) => {
        started.resolve();
        await released.promise;
        return { kind: 'message', response: { contentType, body } };
      },
    });
    const answer = post(listener, 'abc');
    await started.promise;
    const closed = listener.close();
    released.resolve();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(response.headers.get('connection')).toBe('close');
    await closed;
  });

  it('endpoint: ends idle connections when it closes', async () => {
    const listener = await listenEchoing();
    const message = `POST /dm HTTP/1.1\r\nHost: x\r\nContent-Type: ${XML}\r\nContent-Length: 3\r\n\r\nabc`;
    await exchangeRaw(listener, message, (text) => text.endsWith('abc'));
    const ended = new Promise((resolve) => sockets[0]?.on('close', resolve));
    await listener.close();
    await ended;
  });

  it('endpoint: does not wait for ever for a connection that never says anything', async () => {
    const listener = await listenEchoing({ closeTimeoutMs: 20 });
    const silent = exchangeRaw(listener, '');
    await post(listener, 'abc');
    await listener.close();
    expect(await silent).toBe('');
  });
});

describe('DM endpoint with more clients than it can serve', () => {
  /** The head of a message and the first bytes of its body, of which `bodyBytes` are announced. */
  function beginning(bodyBytes: number, sentBytes: number): string {
    const head = `POST /dm HTTP/1.1\r\nHost: x\r\nContent-Type: ${XML}\r\nContent-Length: ${bodyBytes}\r\n\r\n`;
    return head + 'a'.repeat(sentBytes);
  }

  function opened(listener: DmListener): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(listener.port, '127.0.0.1', () => resolve(socket));
      sockets.push(socket);
      socket.once('error', reject);
    });
  }

  function nextData(socket: Socket): Promise<string> {
    return new Promise((resolve) => socket.once('data', (chunk) => resolve(chunk.toString('latin1'))));
  }

  it('endpoint: answers 503 when messages that are not complete hold all it may hold, and serves those who come again', async () => {
    const statuses: number[] = [];
    const listener = await listenEchoing({
      maxBodyBytes: 10_000,
      maxBytesInFlight: 50_000,
      meter: { answered: ({ httpStatus }) => statuses.push(httpStatus), connectionRefused: () => undefined },
    });
    const slow = await Promise.all(Array.from({ length: 12 }, () => opened(listener)));
    const refused: string[] = [];
    const served: string[] = [];
    for (const socket of slow) {
      socket.on('data', (chunk) => {
        const text = chunk.toString('latin1');
        (text.startsWith('HTTP/1.1 503 ') ? refused : served).push(text);
      });
      socket.write(beginning(9_000, 8_999));
    }
    // Each holds 4,096 bytes for itself and 8,999 of its body: there is room for three.
    await expect.poll(() => refused.length).toBe(9);
    expect(refused.every((text) => text.includes('Retry-After: 1\r\n'))).toBe(true);
    expect(listener.load).toEqual({ connections: 12, bytesInFlight: 3 * (4_096 + 8_999) });
    for (const socket of slow) socket.write('a');
    await expect.poll(() => served.length).toBe(3);
    expect(listener.load.bytesInFlight).toBe(0);
    expect((await Promise.all(slow.map(() => post(listener, 'again')))).map(({ status }) => status)).toEqual(
      Array<number>(12).fill(200),
    );
    expect(statuses.filter((status) => status === 503)).toHaveLength(9);
    expect(statuses.filter((status) => status === 200)).toHaveLength(15);
  });

  it('endpoint: reckons with messages without a body too', async () => {
    const { promise, resolve } = deferred();
    const listener = await listenEchoing({
      maxBytesInFlight: 5 * 4_096,
      maxBodyBytes: 100,
      handle: async ({ contentType, body }) => {
        await promise;
        return { kind: 'message', response: { contentType, body } };
      },
    });
    const socket = await opened(listener);
    const answer = nextData(await opened(listener));
    socket.write(beginning(0, 0).repeat(5));
    await expect.poll(() => listener.load.bytesInFlight).toBe(5 * 4_096);
    sockets[1]?.write(beginning(0, 0));
    expect(await answer).toMatch(/^HTTP\/1.1 503 /);
    const served = nextData(socket);
    resolve();
    expect(await served).toMatch(/^HTTP\/1.1 200 /);
  });

  it('endpoint: closes connections beyond its limit, and idle ones to make room', async () => {
    let turnedAway = 0;
    const listener = await listenEchoing({
      maxConnections: 3,
      meter: { answered: () => undefined, connectionRefused: () => (turnedAway += 1) },
    });
    const first = await Promise.all(Array.from({ length: 3 }, () => opened(listener)));
    const [idle] = first;
    const answered = nextData(idle!);
    idle!.write(beginning(1, 1));
    expect(await answered).toMatch(/^HTTP\/1.1 200 /);
    const idleIsClosed = new Promise((resolve) => idle!.once('close', resolve));
    const refused = await opened(listener);
    await new Promise((resolve) => refused.once('close', resolve));
    expect(turnedAway).toBe(1);
    await idleIsClosed;
    expect(listener.load.connections).toBe(2);
    const again = await opened(listener);
    const served = nextData(again);
    again.write(beginning(1, 1));
    expect(await served).toMatch(/^HTTP\/1.1 200 /);
  });
});
