import { describe, expect, it } from 'vitest';
import { Window } from './window.ts';

describe('window', () => {
  it('window: takes a slot with a turn and gives it back after 2 s of silence', () => {
    const window = new Window(2);
    window.turnGiven(1, 0);
    window.turnGiven(2, 500);
    expect([window.free(500), window.nextFreeAt()]).toEqual([0, 2_000]);
    expect([window.free(1_999), window.free(2_000), window.nextFreeAt()]).toEqual([0, 1, 2_500]);
  });

  it('window: keeps the slot of a device that came until its session is closed', () => {
    const window = new Window(1);
    window.turnGiven(1, 0);
    window.sessionOpened(1, 1_999);
    expect(window.free(60_000)).toBe(0);
    window.sessionClosed(1);
    expect(window.free(60_000)).toBe(1);
  });

  it('window: counts no session of a device that has nothing to do with the run', () => {
    const window = new Window(1);
    window.sessionOpened(7, 0);
    expect(window.free(0)).toBe(1);
  });

  it('window: counts a device once whose turn comes while its session is open', () => {
    const window = new Window(2);
    window.sessionUsed(1);
    window.turnGiven(1, 0);
    expect(window.free(0)).toBe(1);
  });

  it('window: has no slot less than none when more devices come than it holds', () => {
    const window = new Window(1);
    for (const deviceKey of [1, 2, 3]) window.sessionUsed(deviceKey);
    expect(window.free(0)).toBe(0);
    window.sessionClosed(1);
    expect(window.free(0)).toBe(0);
  });

  it('window: gives the slot of a refused notification back at once', () => {
    const window = new Window(1);
    window.turnGiven(1, 0);
    window.turnReturned(1);
    expect(window.free(0)).toBe(1);
  });
});
