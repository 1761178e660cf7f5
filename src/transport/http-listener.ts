import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAC_HEADER } from '../protocol/auth/mac-header.ts';
import { ByteBudget, type ByteShare } from './byte-budget.ts';
import type { DmRequest } from './client-session.ts';
import type { DmLoad, DmMeter } from './dm-meter.ts';
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
  /** Connections beyond it are closed at once, and idle ones to make room. Default 20,000. */
  readonly maxConnections?: number | undefined;
  /**
   * What all messages that are being read or handled hold together, at least one of `maxBodyBytes`. Those beyond it get
   * HTTP 503. Default 268,435,456.
   */
  readonly maxBytesInFlight?: number | undefined;
  readonly meter?: Pick<DmMeter, 'answered' | 'connectionRefused'> | undefined;
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
  readonly load: Omit<DmLoad, 'openSessions'>;
  /** Takes no new messages, lets those under way be answered, and ends every connection. */
  close(): Promise<void>;
}

/** What a message is reckoned at besides its body: its head, and what is made of it. */
const MESSAGE_BYTES = 4096;
/** How often idle connections are closed to make room, at most. */
const MAKE_ROOM_MS = 1000;
const NO_ROOM = refusal(503, 'too many messages at the same time', 1);

/** Opens a DM endpoint over HTTP/1.x. Rejects with `DmError` TRANSPORT_PORT_IN_USE or TRANSPORT_LISTEN. [HTTPBIND] */
export async function listenDm(options: DmListenOptions): Promise<DmListener> {
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000, keepAliveTimeoutMs = 15_000 } = options;
  const { maxBodyBytes, maxConnections = 20_000, maxBytesInFlight = 268_435_456 } = options;
  const budget = new ByteBudget(Math.max(maxBytesInFlight, MESSAGE_BYTES + maxBodyBytes));
  const server = createServer(
    {
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, Math.ceil(requestTimeoutMs / 2)),
    },
    (request, response) => void serve(options, server, budget, request, response),
  );
  server.timeout = options.socketTimeoutMs ?? 120_000;
  const connections = boundConnections(server, maxConnections, options.meter);
  await listening(server, options.host, options.port);
  server.on('error', (error) => options.onError?.(error));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${hostAndPort(options.host, port)}${options.path}`,
    port,
    get load() {
      return { connections: connections(), bytesInFlight: budget.takenBytes };
    },
    close: () => closeGracefully(server, options.closeTimeoutMs ?? 5000),
  };
}

/** Answers how to count the connections. */
function boundConnections(server: Server, maxConnections: number, meter: DmListenOptions['meter']): () => number {
  let open = 0;
  let madeRoomAt = -Infinity;
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => (open -= 1));
  });
  server.on('drop', () => {
    meter?.connectionRefused();
    const now = performance.now();
    if (now - madeRoomAt < MAKE_ROOM_MS) return;
    madeRoomAt = now;
    server.closeIdleConnections();
  });
  return () => open;
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
  budget: ByteBudget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const share = budget.share();
  let bytesIn = 0;
  const answerWith = (answer: HttpAnswer): void => {
    const httpStatus = answer.kind === 'message' ? 200 : answer.httpStatus;
    const bytesOut = send(response, answer);
    options.meter?.answered({ httpStatus, bytesIn, bytesOut });
  };
  try {
    const arrived = await messageOf(options, request, share);
    if (arrived === 'gone') return;
    bytesIn = arrived.kind === 'message' ? arrived.message.body.byteLength : 0;
    const answer = arrived.kind === 'message' ? await options.handle(arrived.message) : arrived;
    // An idle connection of a closing server would hold up its end.
    if (!server.listening) response.setHeader('Connection', 'close');
    answerWith(answer);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else answerWith(refusal(500, 'internal error'));
    options.onError?.(error);
  } finally {
    share.release();
  }
}

/** `gone`: the client went away. */
async function messageOf(
  options: DmListenOptions,
  request: IncomingMessage,
  share: ByteShare,
): Promise<{ readonly kind: 'message'; readonly message: DmRequest } | HttpRefusal | 'gone'> {
  const refused = checkHead(request, options.path);
  if (!share.take(MESSAGE_BYTES)) return NO_ROOM;
  const read = await readBody(request, options.maxBodyBytes, share);
  if (read.kind === 'gone') return 'gone';
  if (refused !== undefined) return refused;
  if (read.kind === 'no-room') return NO_ROOM;
  if (read.kind === 'too-large') return refusal(413, `a message may have at most ${options.maxBodyBytes} bytes`);
  const message: DmRequest = {
    url: request.url ?? options.path,
    contentType: request.headers['content-type'] ?? '',
    body: read.body,
    mac: singleHeader(request.headers[MAC_HEADER]),
    from: request.socket.remoteAddress,
  };
  return { kind: 'message', message };
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

/** Answers the size of the body in bytes. */
function send(response: ServerResponse, answer: HttpAnswer): number {
  if (answer.kind === 'message') {
    const { contentType, body, mac } = answer.response;
    response.writeHead(200, {
      'Content-Type': contentType,
      'Content-Length': body.byteLength,
      'Cache-Control': 'no-store',
      ...(mac === undefined ? {} : { [MAC_HEADER]: mac }),
    });
    response.end(body);
    return body.byteLength;
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
  return text.byteLength;
}
