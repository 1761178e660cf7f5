import type { IncomingMessage } from 'node:http';
import type { ByteShare } from './byte-budget.ts';

/** What came of reading a request; `no-room`: others hold too much; `gone`: the client went away or was too slow. */
export type RequestBody =
  | { readonly kind: 'complete'; readonly body: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'no-room' }
  | { readonly kind: 'gone' };

/** How much beyond its limit a body is still read away, so that the client gets to see why it was refused. */
const DRAIN_BYTES = 1024 * 1024;

/** Reads the body of a request and holds at most `maxBytes` of it in memory, each of them taken into `share`. */
export function readBody(request: IncomingMessage, maxBytes: number, share: ByteShare): Promise<RequestBody> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let received = 0;
    let hasRoom = true;
    request.on('data', (chunk: Buffer) => {
      received += chunk.byteLength;
      if (hasRoom && received <= maxBytes) {
        hasRoom = share.take(chunk.byteLength);
        if (hasRoom) {
          chunks.push(chunk);
          return;
        }
        resolve({ kind: 'no-room' });
      }
      chunks = [];
      if (received > maxBytes + DRAIN_BYTES) {
        request.pause();
        resolve({ kind: 'too-large' });
      }
    });
    request.on('end', () => {
      const [first] = chunks;
      if (received > maxBytes) resolve({ kind: 'too-large' });
      else resolve({ kind: 'complete', body: chunks.length === 1 && first ? first : Buffer.concat(chunks) });
    });
    request.on('error', () => resolve({ kind: 'gone' }));
    request.on('close', () => resolve({ kind: 'gone' }));
  });
}
