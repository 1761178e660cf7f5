import { describe, expect, it } from 'vitest';
import { WorkQueue } from './work-queue.ts';

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
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const queue = new WorkQueue<string>(1, async (item) => {
      await gate;
      ended.push(item);
    });
    for (const item of ['a', 'b', 'c']) queue.push(item);
    expect(queue.drop()).toBe(2);
    open();
    await queue.idle();
    expect(ended).toEqual(['a']);
    await queue.idle();
  });
});
