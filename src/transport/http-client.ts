import { Client, type Dispatcher, Pool } from 'undici';
import { MAC_HEADER } from '../protocol/auth/mac-header.ts';
import { DEFAULT_LIMITS } from '../protocol/codec.ts';
import type { DmRequest, DmResponse } from './client-session.ts';
import { oneLine } from './http-answer.ts';
import { encodingOf, mediaTypeOf } from './media-type.ts';
import { systemCode, TransportError } from './transport-error.ts';
import type { Trace } from './trace.ts';

/** How a DM client reaches its servers. */
export interface DmHttpClientOptions {
  /** Most connections to one server at a time; further exchanges wait. Default 8. */
  readonly connections?: number | undefined;
  /** Bound on one exchange, waiting for a connection included. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Largest answer that is read. Default: that of `DEFAULT_LIMITS`. */
  readonly maxBodyBytes?: number | undefined;
  readonly trace?: Trace | undefined;
}

/** Posts one message and answers what came back; rejects with `TransportError`. Redirects are not followed. [HTTPBIND] */
export type Exchange = (request: DmRequest) => Promise<DmResponse>;

/** What one session posts through. */
export interface DmConnection {
  readonly exchange: Exchange;
  /** Waits for the exchanges under way; later ones reject with TRANSPORT_CLOSED. */
  close(): Promise<void>;
}

/** HTTP towards DM servers, over kept-alive connections that all sessions share. */
export interface DmHttpClient extends DmConnection {
  /** A TCP connection for one session alone, opened by its first message. */
  connect(): DmConnection;
}

/** A peer may name further URLs in RespURI; the pools it can make us keep are bounded. */
const MAX_ORIGINS = 64;

/** A DM client's side of HTTP, with one pool of connections for each server. [HTTPBIND] */
export function createDmHttpClient(options: DmHttpClientOptions = {}): DmHttpClient {
  const shared = openConnections(options, (origin) => new Pool(origin, { connections: options.connections ?? 8 }));
  return {
    ...shared,
    connect: () => openConnections(options, (origin) => new Client(origin)),
  };
}

function openConnections(options: DmHttpClientOptions, open: (origin: string) => Dispatcher): DmConnection {
  const dispatchers = new Map<string, Dispatcher>();
  let closed = false;

  function dispatcherFor(origin: string): Dispatcher {
    const known = dispatchers.get(origin);
    if (known !== undefined) return known;
    const [oldest] = dispatchers;
    if (oldest !== undefined && dispatchers.size >= MAX_ORIGINS) {
      dispatchers.delete(oldest[0]);
      void oldest[1].close();
    }
    const dispatcher = open(origin);
    dispatchers.set(origin, dispatcher);
    return dispatcher;
  }

  return {
    async exchange(request) {
      const url = postableUrl(request.url);
      if (closed) throw new TransportError('TRANSPORT_CLOSED', `${url.origin}: this client is closed`);
      return post(dispatcherFor(url.origin), url, request, options);
    },
    async close() {
      closed = true;
      await Promise.all(Array.from(dispatchers.values(), (dispatcher) => dispatcher.close()));
    },
  };
}

function postableUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new TransportError('TRANSPORT_URL', `'${oneLine(text)}' is no http or https URL`);
  }
  return url;
}

async function post(
  dispatcher: Dispatcher,
  url: URL,
  { contentType, body, mac, signal }: DmRequest,
  { timeoutMs = 30_000, maxBodyBytes = DEFAULT_LIMITS.maxBytes, trace }: DmHttpClientOptions,
): Promise<DmResponse> {
  const encoding = encodingOf(contentType);
  if (trace && encoding) trace.record('out', url.host, encoding, body);
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await dispatcher.request({
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: {
        'content-type': contentType,
        accept: mediaTypeOf(contentType),
        'cache-control': 'no-store',
        ...(mac === undefined ? {} : { [MAC_HEADER]: mac }),
      },
      body,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      // The signal bounds the whole exchange, in finer steps than these timers.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const response = await readAnswer(url, answer, maxBodyBytes);
    const answered = encodingOf(response.contentType);
    if (trace && answered) trace.record('in', url.host, answered, response.body);
    return response;
  } catch (error) {
    throw error instanceof TransportError ? error : transportError(url, error, timeoutMs);
  }
}

async function readAnswer(
  url: URL,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBodyBytes: number,
): Promise<DmResponse> {
  const contentType = String(headers['content-type'] ?? '');
  if (statusCode !== 200) {
    const reason = contentType.startsWith('text/plain') ? await readStart(body) : '';
    await body.dump();
    const said = reason === '' ? '' : `: ${reason}`;
    throw new TransportError('TRANSPORT_HTTP_STATUS', `${url.origin}: HTTP ${statusCode}${said}`, {
      httpStatus: statusCode,
    });
  }
  if (encodingOf(contentType) === undefined) {
    await body.dump();
    throw new TransportError(
      'TRANSPORT_MEDIA_TYPE',
      `${url.origin}: answered with ${contentType === '' ? 'no Content-Type' : `'${oneLine(contentType, 80)}'`}, not with a DM message`,
    );
  }
  const mac = headers[MAC_HEADER];
  return {
    contentType,
    body: await readAll(url, body, maxBodyBytes),
    mac: typeof mac === 'string' ? mac : undefined,
  };
}

async function readAll(url: URL, body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    received += chunk.byteLength;
    // Leaving the loop destroys the body and with it the connection.
    if (received > maxBytes) {
      throw new TransportError('TRANSPORT_TOO_LARGE', `${url.origin}: an answer may have at most ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const [first] = chunks;
  return chunks.length === 1 && first ? first : Buffer.concat(chunks);
}

/** The reason of a refusal is told in its first chunk, if at all. */
async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  for await (const chunk of body as AsyncIterable<Buffer>) return oneLine(chunk.toString('utf8'), 200);
  return '';
}

const LOST = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);
const TIMED_OUT = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT']);
const CLOSED = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

function transportError(url: URL, error: unknown, timeoutMs: number): TransportError {
  const code = systemCode(error);
  const options = { cause: error };
  if (error instanceof Error && (error.name === 'TimeoutError' || (code !== undefined && TIMED_OUT.has(code)))) {
    return new TransportError('TRANSPORT_TIMEOUT', `${url.origin}: no answer in ${timeoutMs} ms`, options);
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return new TransportError('TRANSPORT_TIMEOUT', `${url.origin}: given up`, options);
  }
  if (code !== undefined && CLOSED.has(code)) {
    return new TransportError('TRANSPORT_CLOSED', `${url.origin}: this client is closed`, options);
  }
  if (code === undefined || LOST.has(code) || code.startsWith('HPE_')) {
    return new TransportError('TRANSPORT_LOST', `${url.origin}: the connection ended before the answer`, options);
  }
  return new TransportError('TRANSPORT_REFUSED', `${url.origin}: cannot connect (${code})`, options);
}
