import { describe, expect, it } from 'vitest';
import { createGatewayWaker } from './gateway-waker.ts';

const RETRY = { firstMs: 100, maxMs: 500 };

/** A waker whose time the test owns: `sent` holds when which attempt went out. */
function waker(isNotifiable = true) {
  let now = 0;
  const timers = new Map<() => void, number>();
  const sent: (readonly [atMs: number, attempt: number])[] = [];
  const made = createGatewayWaker(isNotifiable, RETRY, {
    notify: (attempt) => {
      sent.push([now, attempt]);
      return Promise.resolve();
    },
    after: (delayMs, callback) => {
      const timer = (): void => callback();
      timers.set(timer, now + delayMs);
      return () => timers.delete(timer);
    },
  });
  function advance(ms: number): void {
    const end = now + ms;
    for (;;) {
      const [next] = [...timers].filter(([, at]) => at <= end).sort(([, left], [, right]) => left - right);
      if (!next) break;
      const [timer, at] = next;
      timers.delete(timer);
      now = at;
      timer();
    }
    now = end;
  }
  return { waker: made, sent, advance, timers };
}

describe('gateway waker', () => {
  it('server: notifies at once, then with back-off up to the maximum', () => {
    const { waker: link, sent, advance } = waker();
    link.wake();
    advance(1900);
    expect(sent).toEqual([
      [0, 1],
      [100, 2],
      [300, 3],
      [700, 4],
      [1200, 5],
      [1700, 6],
    ]);
  });

  it('server: notifies once for several orders', () => {
    const { waker: link, sent } = waker();
    link.wake();
    link.wake();
    expect(sent).toEqual([[0, 1]]);
  });

  it('server: stops as soon as the gateway has opened a session', () => {
    const { waker: link, sent, advance, timers } = waker();
    link.wake();
    advance(100);
    link.sessionOpened();
    link.wake();
    advance(10_000);
    link.sessionEnded(false);
    expect(sent).toHaveLength(2);
    expect(timers.size).toBe(0);
  });

  it('server: asks for another session when one ended with work left', () => {
    const { waker: link, sent } = waker();
    link.sessionOpened();
    link.sessionEnded(true);
    expect(sent).toEqual([[0, 1]]);
  });

  it('server: waits for the last of several sessions', () => {
    const { waker: link, sent } = waker();
    link.sessionOpened();
    link.sessionOpened();
    link.sessionEnded(true);
    expect(sent).toEqual([]);
    link.sessionEnded(true);
    expect(sent).toHaveLength(1);
  });

  it('server: asks more and more slowly while every session leaves work behind', () => {
    const { waker: link, sent, advance } = waker();
    const session = (workLeft: boolean): void => {
      link.sessionOpened();
      link.sessionEnded(workLeft);
    };
    for (let count = 0; count < 3; count++) {
      session(true);
      while (sent.length <= count) advance(1);
    }
    expect(sent).toEqual([
      [0, 1],
      [100, 1],
      [300, 1],
    ]);
    session(false);
    session(true);
    expect(sent.at(-1)).toEqual([300, 1]);
    expect(sent).toHaveLength(4);
  });

  it('server: never notifies a gateway that polls', () => {
    const { waker: link, sent, timers } = waker(false);
    link.wake();
    link.sessionOpened();
    link.sessionEnded(true);
    expect(sent).toEqual([]);
    expect(timers.size).toBe(0);
  });

  it('server: notifies nobody after it was closed, not for a session that ends then either', () => {
    const { waker: link, sent, advance, timers } = waker();
    link.wake();
    link.close();
    advance(10_000);
    link.sessionOpened();
    link.sessionEnded(true);
    link.wake();
    expect(sent).toHaveLength(1);
    expect(timers.size).toBe(0);
  });
});
