import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { listenError } from './listen-error.ts';
import type { Trace } from './trace.ts';
import { formatUdpAddress, hostAndPort, type UdpAddress } from './udp-address.ts';

/** Where notifications arrive, and who takes them in. */
export interface UdpListenOptions extends UdpAddress {
  /**
   * Asked of the kernel, which may grant less: a default buffer holds fewer than 300 datagrams and loses the rest of a
   * burst. Default 4 MiB.
   */
  readonly receiveBufferBytes?: number | undefined;
  /** Takes in one datagram, which anyone may have sent. What it throws goes to `onError` and ends nothing. */
  handle(datagram: Uint8Array, from: UdpAddress): void;
  onError?: ((error: unknown) => void) | undefined;
  readonly trace?: Trace | undefined;
}

/** A socket that notifications arrive at. */
export interface UdpListener extends UdpAddress {
  /** `udp://host:port`, with the port that was taken. */
  readonly address: string;
  close(): Promise<void>;
}

/** Opens a UDP socket for notifications. Rejects with `DmError` TRANSPORT_PORT_IN_USE or TRANSPORT_LISTEN. [NOTI 6] */
export async function listenUdp(options: UdpListenOptions): Promise<UdpListener> {
  const { host, trace } = options;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  await bound(socket, options);
  requestReceiveBuffer(socket, options.receiveBufferBytes ?? 4 * 1024 * 1024);
  socket.on('error', (error) => options.onError?.(error));
  socket.on('message', (datagram: Buffer, remote: RemoteInfo) => {
    const from = { host: remote.address, port: remote.port };
    trace?.record('in', hostAndPort(from.host, from.port), 'package0', datagram);
    try {
      options.handle(datagram, from);
    } catch (error) {
      options.onError?.(error);
    }
  });
  const { port } = socket.address();
  return {
    host,
    port,
    address: formatUdpAddress({ host, port }),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function bound(socket: Socket, { host, port }: UdpAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close();
      reject(listenError(error, hostAndPort(host, port)));
    };
    socket.once('error', onError);
    socket.bind(port, host, () => {
      socket.off('error', onError);
      resolve();
    });
  });
}

/** A smaller buffer than wanted loses datagrams under load, which the sender's re-sends make up for. */
function requestReceiveBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    return;
  }
}
