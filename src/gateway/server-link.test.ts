import { describe, expect, it } from 'vitest';
import type { ClientSessionOutcome } from '../transport/client-session.ts';
import { createServerLink, type SessionReason } from './server-link.ts';

/** A link whose sessions end when the test says so. */
function linkWith(options: { pollIntervalMs?: number; alertDueAt?: number | undefined } = {}) {
  let now = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  const sessions: { reason: SessionReason; end: (outcome: ClientSessionOutcome | Error) => void }[] = [];
  const state = { alertDueAt: options.alertDueAt };
  const link = createServerLink({
    serverId: 'srv',
    pollIntervalMs: options.pollIntervalMs ?? 0,
    clock: {
      now: () => now,
      after(delayMs, callback) {
        const timer = { at: now + delayMs, callback };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    retryMs: 1_000,
    session: (reason) =>
      new Promise((resolve, reject) => {
        sessions.push({ reason, end: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)) });
      }),
    nextAlertDueAt: () => Promise.resolve(state.alertDueAt),
  });
  /** Lets everything settle that needs no time. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    link,
    sessions,
    state,
    settle,
    pass: async (ms: number) => {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.callback();
      }
      await settle();
    },
    timers,
  };
}

const COMPLETED: ClientSessionOutcome = { kind: 'completed' };

describe('link to a DM Server', () => {
  it('gateway: opens one session for a notification and its repeats', async () => {
    const { link, sessions, settle } = linkWith();
    link.open();
    link.notified('1A');
    link.notified('1A');
    await settle();
    sessions[0]?.end(COMPLETED);
    await settle();
    link.notified('1A');
    await settle();
    expect(sessions.map(({ reason }) => reason)).toEqual([{ kind: 'notified', sessionId: '1A' }]);
  });

  it('gateway: a notification that arrives while a session is open starts another after it', async () => {
    const { link, sessions, settle } = linkWith();
    link.open();
    link.notified('1');
    await settle();
    link.notified('2');
    await settle();
    expect(sessions).toHaveLength(1);
    sessions[0]?.end(COMPLETED);
    await settle();
    expect(sessions.map(({ reason }) => reason)).toEqual([
      { kind: 'notified', sessionId: '1' },
      { kind: 'notified', sessionId: '2' },
    ]);
  });

  it('gateway: takes the same session id again when the server could not be reached', async () => {
    const { link, sessions, settle } = linkWith();
    link.open();
    link.notified('1');
    await settle();
    sessions[0]?.end({ kind: 'unreachable', reason: 'refused' });
    await settle();
    link.notified('1');
    await settle();
    expect(sessions).toHaveLength(2);
  });

  it('gateway: polls at once and then by the interval', async () => {
    const { link, sessions, settle, pass } = linkWith({ pollIntervalMs: 60_000 });
    link.open();
    await settle();
    sessions[0]?.end(COMPLETED);
    await pass(59_999);
    expect(sessions).toHaveLength(1);
    await pass(1);
    expect(sessions.map(({ reason }) => reason.kind)).toEqual(['poll', 'poll']);
  });

  it('gateway: opens a session for an alert when it is due, and not before', async () => {
    const fixture = linkWith({ alertDueAt: 5_000 });
    fixture.link.open();
    await fixture.settle();
    await fixture.pass(4_999);
    expect(fixture.sessions).toHaveLength(0);
    await fixture.pass(1);
    expect(fixture.sessions.map(({ reason }) => reason.kind)).toEqual(['alert']);
  });

  it('gateway: looks again for an alert that came up while a session was open', async () => {
    const { link, sessions, settle, state } = linkWith();
    link.open();
    link.notified('1');
    await settle();
    state.alertDueAt = 0;
    link.alertReady();
    sessions[0]?.end(COMPLETED);
    await settle();
    expect(sessions.map(({ reason }) => reason.kind)).toEqual(['notified', 'alert']);
  });

  it('gateway: rests after a session that broke off, instead of opening one after the other', async () => {
    const { link, sessions, settle, pass } = linkWith({ alertDueAt: 0 });
    link.open();
    await settle();
    sessions[0]?.end(new Error('store is full'));
    await settle();
    expect(sessions).toHaveLength(1);
    await pass(1_000);
    expect(sessions).toHaveLength(2);
  });

  it('gateway: closing waits for the open session, starts no other and leaves no timer', async () => {
    const { link, sessions, settle, timers } = linkWith({ pollIntervalMs: 60_000 });
    link.open();
    await settle();
    link.notified('1');
    const closed = link.close();
    sessions[0]?.end(COMPLETED);
    await closed;
    await settle();
    expect(sessions).toHaveLength(1);
    expect(timers.size).toBe(0);
  });
});
