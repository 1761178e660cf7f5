/** Host, port and path of a `listen` URL; a port that is left out is 80. */
export function listenAddress(url: string): { host: string; port: number; path: string } {
  const { hostname, port, pathname } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : Number(port), path: pathname };
}
