import { describe, expect, it } from 'vitest';
import { Window } from './window.ts';

describe('window', () => {
  it('window: takes a slot with a turn and gives it back after 2 s of silence', () => {
    const window = new Window(2);
    window.take(1, 0);
    window.take(2, 500);
    expect([window.free(500), window.nextFreeAt()]).toEqual([0, 2_000]);
    expect([window.free(1_999), window.free(2_000), window.nextFreeAt()]).toEqual([0, 1, 2_500]);
  });

  it('window: keeps the slot of a device that gives signs of life until its session is closed', () => {
    const window = new Window(1);
    window.take(1, 0);
    window.keep(1, 1_999);
    window.keep(1, 3_500);
    expect(window.free(5_499)).toBe(0);
    window.giveBack(1);
    expect(window.free(5_499)).toBe(1);
  });

  it('window: gives the slot of a device back that fell silent in its session', () => {
    const window = new Window(1);
    window.take(1, 0);
    window.keep(1, 1_000);
    expect([window.free(2_999), window.nextFreeAt(), window.free(3_000)]).toEqual([0, 3_000, 1]);
    // Later signs of life are those of a device that holds nothing here.
    window.keep(1, 3_001);
    expect(window.free(3_001)).toBe(1);
  });

  it('window: counts no session of a device that has nothing to do with the run', () => {
    const window = new Window(1);
    window.keep(7, 0);
    expect(window.free(0)).toBe(1);
  });

  it('window: counts a device once whose turn comes while its session is open', () => {
    const window = new Window(2);
    window.take(1, 0);
    window.take(1, 0);
    expect(window.free(0)).toBe(1);
  });

  it('window: has no slot less than none when more devices come than it holds', () => {
    const window = new Window(1);
    for (const deviceKey of [1, 2, 3]) window.take(deviceKey, 0);
    expect(window.free(0)).toBe(0);
    window.giveBack(1);
    expect(window.free(0)).toBe(0);
  });

  it('window: keeps the slot of a device whose notification waits, and counts its silence from when that is out', () => {
    const window = new Window(2);
    window.hold(1);
    window.take(2, 0);
    expect([window.free(60_000), window.nextFreeAt()]).toEqual([1, undefined]);
    window.letGo(1, 60_000);
    expect([window.free(61_999), window.nextFreeAt(), window.free(62_000)]).toEqual([1, 62_000, 2]);
  });

  it('window: has no slot for a device that came and went before its notification was said to be out', () => {
    const window = new Window(1);
    window.hold(1);
    window.take(1, 0);
    window.giveBack(1);
    window.letGo(1, 10);
    expect(window.free(10)).toBe(1);
  });
});
