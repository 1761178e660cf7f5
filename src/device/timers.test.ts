import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/fanout/fake-clock.ts';
import { Timers } from './timers.ts';

describe('timers', () => {
  it('timers: go off in time, once, unless they are called off', async () => {
    const clock = new FakeClock();
    const timers = new Timers(clock);
    const told: string[] = [];
    timers.after(20, () => told.push('second'));
    timers.after(10, () => told.push('first'));
    timers.after(10, () => told.push('never'))();
    void timers.wait(15).then(() => told.push('between'));
    await clock.advance(19);
    expect(told).toEqual(['first', 'between']);
    await clock.advance(100);
    expect(told).toEqual(['first', 'between', 'second']);
  });

  it('timers: end together: what was due is forgotten, who waits waits no longer', async () => {
    const clock = new FakeClock();
    const timers = new Timers(clock);
    const told: string[] = [];
    timers.after(10, () => told.push('never'));
    const waiting = timers.wait(10_000);
    timers.end();
    await waiting;
    await timers.wait(10_000);
    timers.after(1, () => told.push('never'));
    await clock.advance(20_000);
    expect(told).toEqual([]);
  });
});
