import { connect, type Socket } from 'node:net';
import { DmError } from '../../protocol/errors.ts';

/** How long a connection may stand still while an answer is awaited. */
const SOCKET_TIMEOUT_MS = 30_000;
const END_OF_HEAD = '\r\n\r\n';

/** Where messages are posted. */
export interface RawServer {
  readonly host: string;
  readonly port: number;
}

/** A POST whose octets are ready; texts hold one octet in each character. */
export interface RawRequest {
  /** Path and query. */
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
  /** Value of the x-syncml-hmac header. */
  readonly mac?: string | undefined;
}

/** What was answered; texts hold one octet in each character. */
export interface RawResponse {
  readonly httpStatus: number;
  readonly head: string;
  readonly body: string;
}

interface Waiting {
  readonly resolve: (response: RawResponse) => void;
  readonly reject: (error: DmError) => void;
}

/**
 * A kept-alive HTTP/1.1 connection with one exchange at a time, for simulated load alone: it knows what our own listener
 * sends, an answer with a Content-Length, and nothing else of HTTP.
 */
export class RawConnection {
  readonly #socket: Socket;
  readonly #hostHeader: string;
  #received = '';
  #waiting: Waiting | undefined;
  #isUsable = true;

  constructor({ host, port }: RawServer) {
    this.#hostHeader = `${host}:${port}`;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setTimeout(SOCKET_TIMEOUT_MS);
    this.#socket.on('data', (chunk) => this.#take(chunk.toString('latin1')));
    this.#socket.on('error', (error) => this.#fail(`the connection failed: ${error.message}`));
    this.#socket.on('timeout', () => this.#fail('the server has been silent for too long'));
    this.#socket.on('close', () => this.#fail('the connection ended before the answer'));
  }

  /** False: it has ended, and carries nothing more. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Posts and resolves with the answer. Rejects with `DmError` RAW_HTTP; the connection is then of no more use. */
  post({ path, contentType, body, mac }: RawRequest): Promise<RawResponse> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const macLine = mac === undefined ? '' : `x-syncml-hmac: ${mac}\r\n`;
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\nHost: ${this.#hostHeader}\r\nContent-Type: ${contentType}\r\nAccept: ${contentType}\r\n` +
          `Cache-Control: no-store\r\n${macLine}Content-Length: ${body.length}\r\n\r\n${body}`,
        'latin1',
      );
    });
  }

  close(): void {
    this.#isUsable = false;
    this.#socket.end();
  }

  #take(text: string): void {
    this.#received = this.#received === '' ? text : this.#received + text;
    const response = readResponse(this.#received);
    if (response === undefined) return;
    this.#received = '';
    if (typeof response === 'string') {
      this.#fail(response);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(response);
  }

  #fail(reason: string): void {
    this.#isUsable = false;
    this.#socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new DmError('RAW_HTTP', reason));
  }
}

/** Undefined: it is not whole yet; a text: why it cannot be read. */
export function readResponse(received: string): RawResponse | string | undefined {
  const endOfHead = received.indexOf(END_OF_HEAD);
  if (endOfHead < 0) return undefined;
  const head = received.slice(0, endOfHead);
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (!head.startsWith('HTTP/1.1 ') || length === undefined) return 'the answer is not HTTP/1.1 with a Content-Length';
  const start = endOfHead + END_OF_HEAD.length;
  const end = start + Number(length);
  if (received.length < end) return undefined;
  if (received.length > end) return 'there is more than one answer';
  return { httpStatus: Number(head.slice(9, 12)), head, body: received.slice(start) };
}

/** Connections that sessions take and give back, as many as are taken at a time. */
export class RawConnections {
  readonly #server: RawServer;
  readonly #isShared: boolean;
  readonly #idle: RawConnection[] = [];

  /** `shared`: kept for the next session; `per-session`: closed when given back. */
  constructor(server: RawServer, connections: 'shared' | 'per-session') {
    this.#server = server;
    this.#isShared = connections === 'shared';
  }

  take(): RawConnection {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) if (idle.isUsable) return idle;
    return new RawConnection(this.#server);
  }

  give(connection: RawConnection): void {
    if (this.#isShared && connection.isUsable) this.#idle.push(connection);
    else connection.close();
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}
