import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from './clock.ts';
import { type HttpPush, openHttpPush } from './http-push.ts';
import { type NotificationSender, notificationsByScheme, udpNotifications } from './notification-sender.ts';
import { createSendQueue } from './send-queue.ts';

const BYTES = Buffer.from([0, 1, 255]);

describe('http push', () => {
  let server: Server;
  let url: string;
  let push: HttpPush;
  let respond: (request: IncomingMessage) => { status: number; headers?: Record<string, string> } | undefined;
  const received: { path: string | undefined; headers: IncomingMessage['headers']; body: Buffer }[] = [];

  beforeEach(async () => {
    received.length = 0;
    respond = () => ({ status: 202 });
    server = createServer((request, response) => {
      void buffer(request).then((body) => {
        received.push({ path: request.url, headers: request.headers, body });
        const answer = respond(request);
        if (answer) response.writeHead(answer.status, answer.headers).end('x'.repeat(100_000));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    push = openHttpPush({ connections: 2, timeoutMs: 300 });
  });

  afterEach(async () => {
    await push.close();
    server.closeAllConnections();
    server.close();
  });

  it('notification: is posted as it is, with the headers of a push', async () => {
    expect(await push.send(`${url}/push?to=1`, BYTES)).toBe('sent');
    expect(received).toMatchObject([
      {
        path: '/push?to=1',
        headers: {
          'content-type': 'application/vnd.syncml.notification',
          'x-wap-application-id': 'x-wap-application:syncml.dm',
        },
        body: BYTES,
      },
    ]);
  });

  it.each([301, 307, 400, 404, 500])(
    'notification: HTTP %i is a refusal, and no redirect is followed',
    async (status) => {
      respond = () => ({ status, headers: { location: `${url}/elsewhere` } });
      expect(await push.send(`${url}/push`, BYTES)).toBe('refused');
      expect(received).toHaveLength(1);
    },
  );

  it('notification: a push that is not answered in time, or whose receiver is busy or away, has failed', async () => {
    respond = () => undefined;
    await expect(push.send(`${url}/push`, BYTES)).rejects.toThrow();
    respond = () => ({ status: 503 });
    await expect(push.send(`${url}/push`, BYTES)).rejects.toThrow();
    await expect(push.send('http://127.0.0.1:1/push', BYTES)).rejects.toThrow();
    expect(await push.send('not a url', BYTES)).toBe('refused');
  });
});

describe('senders', () => {
  it('notification: goes to the sender for its scheme, and nowhere without one', async () => {
    const calls: string[] = [];
    const noted = (name: string): NotificationSender => ({
      send: (address) => {
        calls.push(`${name} ${address}`);
        return Promise.resolve('sent');
      },
    });
    const udp = udpNotifications({
      send: (host, port) => {
        calls.push(`udp ${host} ${port}`);
        return Promise.resolve('sent');
      },
    });
    const senders = notificationsByScheme({ 'udp:': udp, 'https:': noted('push') });
    expect(await senders.send('udp://10.0.0.7:2948', BYTES)).toBe('sent');
    expect(await senders.send('HTTPS://push.test/', BYTES)).toBe('sent');
    expect(await senders.send('sms:123', BYTES)).toBe('refused');
    expect(await senders.send('', BYTES)).toBe('refused');
    expect(calls).toEqual(['udp 10.0.0.7 2948', 'push HTTPS://push.test/']);
  });
});

describe('send queue', () => {
  /** A clock whose time goes on by hand. */
  function handClock(): Clock & { advance(ms: number): Promise<void> } {
    let now = 0;
    const timers = new Set<{ at: number; task: () => void }>();
    return {
      now: () => now,
      after(delayMs, task) {
        const timer = { at: now + delayMs, task };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
      async advance(ms) {
        now += ms;
        for (const timer of [...timers].filter(({ at }) => at <= now)) {
          timers.delete(timer);
          timer.task();
        }
        await settled();
      },
    };
  }

  async function settled(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }

  /** A sender whose notifications end when the test says so. */
  function heldSender() {
    const begun: string[] = [];
    const ends: ((how: 'sent' | 'refused' | Error) => void)[] = [];
    const sender: NotificationSender = {
      send: (address) => {
        begun.push(address);
        return new Promise((resolve, reject) =>
          ends.push((how) => (how instanceof Error ? reject(how) : resolve(how))),
        );
      },
    };
    return { sender, begun, ends };
  }

  it('notification: waits for its turn when too many are under way', async () => {
    const { sender, begun, ends } = heldSender();
    const queue = createSendQueue(sender, { concurrency: 2, perSecond: 0 });
    const sent = ['a', 'b', 'c', 'd'].map((address) => queue.send(address, BYTES));
    await settled();
    expect(begun).toEqual(['a', 'b']);
    ends[1]!('refused');
    await settled();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const n of [0, 2, 3]) {
      ends[n]!('sent');
      await settled();
    }
    expect(await Promise.all(sent)).toEqual(['sent', 'refused', 'sent', 'sent']);
  });

  it('notification: keeps the rate', async () => {
    const clock = handClock();
    const { sender, begun } = heldSender();
    const queue = createSendQueue(sender, { concurrency: 10, perSecond: 4, clock });
    for (const address of ['a', 'b', 'c']) void queue.send(address, BYTES);
    await settled();
    expect(begun).toEqual(['a']);
    await clock.advance(249);
    expect(begun).toEqual(['a']);
    await clock.advance(1);
    expect(begun).toEqual(['a', 'b']);
    await clock.advance(250);
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  it('notification: is tried again when its transport fails, and then given up', async () => {
    const clock = handClock();
    const { sender, begun, ends } = heldSender();
    const queue = createSendQueue(sender, { concurrency: 1, perSecond: 0, tries: 2, retryMs: 100, clock });
    const first = queue.send('a', BYTES);
    await settled();
    ends[0]!(new Error('lost'));
    await settled();
    expect(begun).toEqual(['a']);
    await clock.advance(100);
    expect(begun).toEqual(['a', 'a']);
    ends[1]!(new Error('lost'));
    expect(await first).toBe('refused');
  });

  it('notification: that still waits is refused when the queue closes', async () => {
    const { sender, begun, ends } = heldSender();
    const queue = createSendQueue(sender, { concurrency: 1, perSecond: 0 });
    const sent = ['a', 'b', 'c'].map((address) => queue.send(address, BYTES));
    await settled();
    await queue.close();
    ends[0]!('sent');
    expect(await Promise.all(sent)).toEqual(['sent', 'refused', 'refused']);
    expect(await queue.send('d', BYTES)).toBe('refused');
    expect(begun).toEqual(['a']);
  });
});
