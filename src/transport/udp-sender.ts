import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Trace } from './trace.ts';
import { hostAndPort } from './udp-address.ts';

/** Sends notifications as UDP datagrams. [NOTI 6] */
export interface UdpSender {
  /**
   * `sent` says that the datagram left this host, not that anybody got it; `refused`, that it cannot: no such host, no
   * route, too large. Never rejects.
   */
  send(host: string, port: number, bytes: Uint8Array): Promise<'sent' | 'refused'>;
  close(): Promise<void>;
}

/** Names that are remembered; beyond that the oldest is asked for again. */
const MAX_NAMES = 4096;

interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * Opens one socket for each address family, when it is first needed. A name is resolved once and then stays with its
 * address; a name that could not be resolved is asked for again the next time.
 */
export function openUdpSender(options: { readonly trace?: Trace | undefined } = {}): UdpSender {
  const sockets = new Map<4 | 6, Socket>();
  const names = new Map<string, Promise<ResolvedAddress>>();
  let closed = false;

  function socketFor(family: 4 | 6): Socket {
    const known = sockets.get(family);
    if (known !== undefined) return known;
    const socket = createSocket({
      type: `udp${family}`,
      // Only addresses get here; the default look-up would take a turn of the event loop for each datagram.
      lookup: (address, _options, callback) => callback(null, address, family),
    });
    // A port that nobody listens on may be reported later, without saying which one it was.
    socket.on('error', () => undefined);
    socket.unref();
    sockets.set(family, socket);
    return socket;
  }

  function resolveHost(host: string): ResolvedAddress | Promise<ResolvedAddress> {
    const family = isIP(host);
    if (family === 4 || family === 6) return { address: host, family };
    const known = names.get(host);
    if (known !== undefined) return known;
    const [oldest] = names.keys();
    if (oldest !== undefined && names.size >= MAX_NAMES) names.delete(oldest);
    const resolved = lookup(host).then(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }) as const);
    names.set(host, resolved);
    resolved.catch(() => names.delete(host));
    return resolved;
  }

  return {
    async send(host, port, bytes) {
      try {
        const { address, family } = await resolveHost(host);
        if (closed) return 'refused';
        options.trace?.record('out', hostAndPort(host, port), 'package0', bytes);
        await new Promise<void>((resolve, reject) =>
          socketFor(family).send(bytes, port, address, (error) => (error ? reject(error) : resolve())),
        );
        return 'sent';
      } catch {
        return 'refused';
      }
    },
    async close() {
      closed = true;
      await Promise.all(
        Array.from(sockets.values(), (socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
      );
      sockets.clear();
    },
  };
}
