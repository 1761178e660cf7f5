import { request } from 'node:http';
import { connect } from 'node:net';

/** What came back for one POST. */
export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly mac: string | undefined;
  readonly body: Buffer;
  /** The body as text. */
  readonly text: string;
}

/** Posts these bytes with these headers, and nothing else. */
export function post(
  url: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/vnd.syncml.dm+xml' },
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const received = Buffer.concat(chunks);
        const mac = answer.headers['x-syncml-hmac'];
        resolve({
          status: answer.statusCode ?? 0,
          contentType: answer.headers['content-type'] ?? '',
          mac: typeof mac === 'string' ? mac : undefined,
          body: received,
          text: received.toString(),
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Writes these bytes to a connection of its own and answers all that comes until the peer closes it. */
export function exchangeBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => resolve(Buffer.concat(chunks).toString()));
    socket.on('error', reject);
  });
}
