import type { IncomingMessage } from 'node:http';
import { DmError } from '../protocol/errors.ts';

/** Names that always mean this machine, wherever it listens. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const HTTP_PORT = 80;

/**
 * Lets pass what is addressed to this API and does not come from a page of another site. A browser on this machine can
 * be made to send requests here by any page: with the page's name as Origin, or, where the page had its own name point
 * to this address, with that name as Host. `listenName` is the host part of the configured address. Throws `DmError`
 * API_FOREIGN_HOST, API_FOREIGN_ORIGIN.
 */
export function checkOwnSite({ headers, socket }: IncomingMessage, listenName: string): void {
  const { host = '', origin } = headers;
  const { localAddress, localPort } = socket;
  const names = new Set([
    listenName,
    ...LOOPBACK_NAMES,
    ...(localAddress === undefined ? [] : [literal(localAddress)]),
  ]);
  const own = [...names].flatMap((name) => [`${name}:${localPort}`, ...(localPort === HTTP_PORT ? [name] : [])]);
  if (!own.includes(host.toLowerCase())) {
    throw new DmError('API_FOREIGN_HOST', `the Host header is not one of ${own.join(', ')}`);
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw new DmError(
      'API_FOREIGN_ORIGIN',
      `the Origin header is not http://${host}: requests of other sites are refused`,
    );
  }
}

/** An address as it stands in a URL. */
function literal(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return plain.includes(':') ? `[${plain}]` : plain;
}
