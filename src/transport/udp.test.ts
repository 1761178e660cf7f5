import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { formatUdpAddress, hostAndPort, parseUdpAddress } from './udp-address.ts';
import { listenUdp, type UdpListener, type UdpListenOptions } from './udp-listener.ts';
import { openUdpSender, type UdpSender } from './udp-sender.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((socket) => socket.close()));
});

function sender(): UdpSender {
  const opened = openUdpSender();
  open.push(opened);
  return opened;
}

async function listen(options: Partial<UdpListenOptions> = {}): Promise<UdpListener> {
  const listener = await listenUdp({ host: '127.0.0.1', port: 0, handle: () => undefined, ...options });
  open.push(listener);
  return listener;
}

/** Listens for `count` datagrams and answers them as text. */
async function collect(
  count: number,
  host = '127.0.0.1',
): Promise<{ listener: UdpListener; datagrams: Promise<string[]> }> {
  const texts: string[] = [];
  let resolve = (_texts: string[]): void => undefined;
  const datagrams = new Promise<string[]>((done) => (resolve = done));
  const listener = await listen({
    host,
    handle: (datagram) => {
      if (texts.push(Buffer.from(datagram).toString()) === count) resolve(texts);
    },
  });
  return { listener, datagrams };
}

describe('notification address', () => {
  it.each([
    ['udp://127.0.0.1:2948', '127.0.0.1', 2948],
    ['udp://meter-7.example:1', 'meter-7.example', 1],
    ['udp://[::1]:65535', '::1', 65535],
  ])('address: %s is read and written alike', (text, host, port) => {
    expect(parseUdpAddress(text)).toEqual({ host, port });
    expect(formatUdpAddress({ host, port })).toBe(text);
  });

  it.each([
    '',
    'udp://127.0.0.1',
    'udp://:2948',
    'udp://host:70000',
    'udp://host:1/path',
    'udp://user@host:1',
    'udp://host:1?x',
    'http://127.0.0.1:80',
    '127.0.0.1:2948',
  ])("address: '%s' is refused", (text) => {
    expect(() => parseUdpAddress(text)).toThrow(expect.objectContaining({ code: 'TRANSPORT_ADDRESS' }));
  });
});

describe('notifications over UDP', () => {
  it('sender: reaches a listener by address and by name', async () => {
    const { listener, datagrams } = await collect(2);
    const udp = sender();
    expect(await udp.send('127.0.0.1', listener.port, Buffer.from('a'))).toBe('sent');
    expect(await udp.send('localhost', listener.port, Buffer.from('b'))).toBe('sent');
    expect((await datagrams).sort()).toEqual(['a', 'b']);
  });

  it('sender: reaches a listener over IPv6', async ({ skip }) => {
    const collected = await collect(1, '::1').catch(() => undefined);
    if (collected === undefined) return skip('this host has no IPv6');
    expect(collected.listener.address).toBe(`udp://[::1]:${collected.listener.port}`);
    expect(await sender().send('::1', collected.listener.port, Buffer.from('a'))).toBe('sent');
    expect(await collected.datagrams).toEqual(['a']);
  });

  it('sender: a datagram that nobody waits for is sent and does no harm', async () => {
    const listener = await listen();
    const { port } = listener;
    await listener.close();
    open.length = 0;
    const udp = sender();
    for (let i = 0; i < 3; i++) expect(await udp.send('127.0.0.1', port, Buffer.from('a'))).toBe('sent');
  });

  it.each([
    ['a host that does not exist', 'nowhere.invalid', 2948, 10],
    ['a datagram that is too large', '127.0.0.1', 2948, 70_000],
    ['a port that is none', '127.0.0.1', 0, 10],
  ])('sender: refuses %s', async (_what, host, port, bytes) => {
    expect(await sender().send(host, port, new Uint8Array(bytes))).toBe('refused');
  });

  it('sender: refuses after it was closed', async () => {
    const udp = openUdpSender();
    await udp.send('127.0.0.1', 9, Buffer.from('a'));
    await udp.close();
    expect(await udp.send('127.0.0.1', 9, Buffer.from('a'))).toBe('refused');
  });

  it('listener: takes a burst of 2,000 datagrams in its buffer, or as many as the kernel grants', async () => {
    const { listener, datagrams } = await collect(250);
    const udp = sender();
    await Promise.all(Array.from({ length: 2000 }, () => udp.send('127.0.0.1', listener.port, new Uint8Array(60))));
    expect((await datagrams).length).toBeGreaterThanOrEqual(250);
  });

  it('listener: lives on when its handler cannot bear a datagram', async () => {
    const errors: unknown[] = [];
    let second = (): void => undefined;
    const reachedAgain = new Promise<void>((resolve) => (second = resolve));
    const listener = await listen({
      handle: (datagram) => {
        if (datagram.byteLength === 0) throw new Error('empty');
        second();
      },
      onError: (error) => errors.push(error),
    });
    const udp = sender();
    await udp.send('127.0.0.1', listener.port, new Uint8Array());
    await udp.send('127.0.0.1', listener.port, new Uint8Array(1));
    await reachedAgain;
    expect(errors).toHaveLength(1);
  });

  it('listener: says where a datagram came from', async () => {
    let from = '';
    let heard = (): void => undefined;
    const came = new Promise<void>((resolve) => (heard = resolve));
    const listener = await listen({
      handle: (_datagram, { host, port }) => {
        from = hostAndPort(host, port);
        heard();
      },
    });
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.send('a', listener.port, '127.0.0.1', () => resolve()));
    await came;
    expect(from).toBe(`127.0.0.1:${socket.address().port}`);
    socket.close();
  });

  it('listener: says that its port is in use', async () => {
    const { port } = await listen();
    await expect(listen({ port })).rejects.toMatchObject({ code: 'TRANSPORT_PORT_IN_USE' });
  });
});
