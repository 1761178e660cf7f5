import { isIPv6 } from 'node:net';
import { DmError } from '../protocol/errors.ts';

/** Where notifications are sent to or arrive. */
export interface UdpAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `udp://host:port`; throws `DmError` TRANSPORT_ADDRESS. Port 0 is for listening only: it takes a free one. */
export function parseUdpAddress(text: string): UdpAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'udp:' || url.hostname === '' || url.port === '' || url.href !== `udp://${url.host}`) {
    throw new DmError('TRANSPORT_ADDRESS', `'${text}' is no notification address; it must be udp://HOST:PORT`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

/** Writes an address the way `parseUdpAddress` reads it. */
export function formatUdpAddress({ host, port }: UdpAddress): string {
  return `udp://${hostAndPort(host, port)}`;
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostAndPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
