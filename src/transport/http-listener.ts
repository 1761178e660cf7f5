import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAC_HEADER } from '../protocol/auth/mac-header.ts';
import type { DmRequest } from './client-session.ts';
import { type HttpAnswer, type HttpRefusal, refusal } from './http-answer.ts';
import { listenError } from './listen-error.ts';
import { encodingOf } from './media-type.ts';
import { readBody } from './request-body.ts';
import { hostAndPort } from './udp-address.ts';

/** Where DM messages are taken in, and by whom. */
export interface DmListenOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The only path that is answered; a query behind it is the caller's. */
  readonly path: string;
  readonly maxBodyBytes: number;
  /** How long the head of a request may take. Default 10,000. */
  readonly headersTimeoutMs?: number | undefined;
  /** How long a whole request may take to arrive. Default 30,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long an idle connection is kept for the next message. Default 15,000. */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** How long a connection may stand still while we answer. Default 120,000. */
  readonly socketTimeoutMs?: number | undefined;
  /** How long `close` waits for answers under way. Default 5,000. */
  readonly closeTimeoutMs?: number | undefined;
  /** Answers one message. A rejection is a defect: it becomes HTTP 500 and goes to `onError`. */
  handle(request: DmRequest): Promise<HttpAnswer>;
  onError?: ((error: unknown) => void) | undefined;
}

/** A DM endpoint that accepts messages. */
export interface DmListener {
  /** URL to post to. */
  readonly url: string;
  readonly port: number;
  /** Takes no new messages, lets those under way be answered, and ends every connection. */
  close(): Promise<void>;
}

/** Opens a DM endpoint over HTTP/1.x. Rejects with `DmError` TRANSPORT_PORT_IN_USE or TRANSPORT_LISTEN. [HTTPBIND] */
export async function listenDm(options: DmListenOptions): Promise<DmListener> {
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000, keepAliveTimeoutMs = 15_000 } = options;
  const server = createServer(
    {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, Math.ceil(requestTimeoutMs / 2)),
    },
    (request, response) => void serve(options, server, request, response),
  );
  server.timeout = options.socketTimeoutMs ?? 120_000;
  await listening(server, options.host, options.port);
  server.on('error', (error) => options.onError?.(error));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${hostAndPort(options.host, port)}${options.path}`,
    port,
    close: () => closeGracefully(server, options.closeTimeoutMs ?? 5000),
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, hostAndPort(host, port)));
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function closeGracefully(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function serve(
  options: DmListenOptions,
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const answer = await answerTo(options, request);
    // An idle connection of a closing server would hold up its end.
    if (!server.listening) response.setHeader('Connection', 'close');
    if (answer !== undefined) send(response, answer);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else send(response, refusal(500, 'internal error'));
    options.onError?.(error);
  }
}

/** Undefined: the client went away. */
async function answerTo(options: DmListenOptions, request: IncomingMessage): Promise<HttpAnswer | undefined> {
  const refused = checkHead(request, options.path);
  const read = await readBody(request, options.maxBodyBytes);
  if (read.kind === 'gone') return undefined;
  if (refused !== undefined) return refused;
  if (read.kind === 'too-large') return refusal(413, `a message may have at most ${options.maxBodyBytes} bytes`);
  return options.handle({
    url: request.url ?? options.path,
    contentType: request.headers['content-type'] ?? '',
    body: read.body,
    mac: singleHeader(request.headers[MAC_HEADER]),
    from: request.socket.remoteAddress,
  });
}

function singleHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function checkHead({ url, method, headers }: IncomingMessage, path: string): HttpRefusal | undefined {
  if (pathOf(url ?? '') !== path) return refusal(404, 'no DM endpoint here');
  if (method !== 'POST') return refusal(405, 'a DM message is sent by POST');
  if (encodingOf(headers['content-type'] ?? '') === undefined) {
    return refusal(415, 'Content-Type must be application/vnd.syncml.dm+xml or application/vnd.syncml.dm+wbxml');
  }
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity') {
    return refusal(415, 'a DM message has no Content-Encoding');
  }
  return undefined;
}

/** The path of a request target, which a proxy may have left in absolute form. [HTTPBIND] */
function pathOf(target: string): string {
  if (/^https?:\/\//i.test(target)) return URL.canParse(target) ? new URL(target).pathname : '';
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function send(response: ServerResponse, answer: HttpAnswer): void {
  if (answer.kind === 'message') {
    const { contentType, body, mac } = answer.response;
    response.writeHead(200, {
      'Content-Type': contentType,
      'Content-Length': body.byteLength,
      'Cache-Control': 'no-store',
      ...(mac === undefined ? {} : { [MAC_HEADER]: mac }),
    });
    response.end(body);
    return;
  }
  const text = Buffer.from(`${answer.reason}\n`);
  response.writeHead(answer.httpStatus, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': text.byteLength,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(answer.httpStatus === 405 ? { Allow: 'POST' } : {}),
    ...(answer.httpStatus === 413 ? { Connection: 'close' } : {}),
    ...(answer.retryAfterS === undefined ? {} : { 'Retry-After': answer.retryAfterS }),
  });
  response.end(text);
}
