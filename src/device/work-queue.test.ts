import { describe, expect, it } from 'vitest';
import { WorkQueue } from './work-queue.ts';

/** Something that is waited for, and who makes it happen. */
function signal(): { readonly given: Promise<void>; give(): void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
}

describe('work queue', () => {
  it('queue: works in order of arrival, never on more items than its limit', async () => {
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    const queue = new WorkQueue<number>(3, async (item) => {
      begun.push(item);
      most = Math.max(most, (running += 1));
      await Promise.resolve();
      running -= 1;
    });
    const items = Array.from({ length: 5000 }, (_, index) => index);
    for (const item of items) queue.push(item);
    await queue.idle();
    expect(begun).toEqual(items);
    expect(most).toBe(3);
  });

  it('queue: forgets what waits and lets what runs come to its end', async () => {
    const ended: string[] = [];
    const gate = signal();
    const queue = new WorkQueue<string>(1, async (item) => {
      await gate.given;
      ended.push(item);
    });
    for (const item of ['a', 'b', 'c']) queue.push(item);
    expect(queue.drop()).toBe(2);
    gate.give();
    await queue.idle();
    expect(ended).toEqual(['a']);
    await queue.idle();
  });

  it('queue: gives the place of an item that waits outside to another, and takes it back before new ones', async () => {
    const told: string[] = [];
    let running = 0;
    const opened = signal();
    const event = signal();
    const queue: WorkQueue<string> = new WorkQueue(1, async (item) => {
      running += 1;
      told.push(`${item} begins`);
      if (item === 'slow') {
        running -= 1;
        await queue.waitOutside(event.given);
        running += 1;
      } else if (item === 'next') {
        await opened.given;
      }
      expect(running).toBe(1);
      running -= 1;
      told.push(`${item} ends`);
    });
    for (const item of ['slow', 'next', 'last']) queue.push(item);
    event.give();
    await new Promise((resolve) => void setImmediate(resolve));
    expect(told).toEqual(['slow begins', 'next begins']);
    opened.give();
    await queue.idle();
    expect(told).toEqual(['slow begins', 'next begins', 'next ends', 'slow ends', 'last begins', 'last ends']);
  });

  it('queue: is not idle while an item waits outside', async () => {
    const event = signal();
    const queue: WorkQueue<string> = new WorkQueue(1, () => queue.waitOutside(event.given));
    let isIdle = false;
    queue.push('a');
    const idle = queue.idle().then(() => (isIdle = true));
    await new Promise((resolve) => void setImmediate(resolve));
    expect(isIdle).toBe(false);
    event.give();
    await idle;
  });
});
