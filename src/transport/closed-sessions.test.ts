import { expect, it } from 'vitest';
import { type ClosedSession, ClosedSessions } from './closed-sessions.ts';
import { refusal } from './http-answer.ts';

const KEEP_MS = 1000;

function session(firstMsgId: string): ClosedSession {
  return { firstMsgId, last: { msgId: '9', bodyDigest: '', answer: Promise.resolve(refusal(503, 'a test')) } };
}

it('closed sessions: keep as many as they may, the newest ones', () => {
  const closed = new ClosedSessions(3, KEEP_MS);
  for (let key = 1; key <= 100; key += 1) {
    closed.add(String(key), session('1'), 0);
    const kept = Array.from({ length: 100 }, (_, index) => index + 1).filter((each) => closed.find(String(each), 0));
    expect(kept).toEqual([key - 2, key - 1, key].filter((each) => each > 0));
  }
});

it('closed sessions: answer the newest of one key, however often it ended', () => {
  const closed = new ClosedSessions(3, KEEP_MS);
  for (let end = 1; end <= 10; end += 1) closed.add('same', session(String(end)), end);
  expect(closed.find('same', 10)?.firstMsgId).toBe('10');
  closed.delete('same');
  expect(closed.find('same', 10)).toBeUndefined();
});

it('closed sessions: forget each after its time, by itself and when pruned', () => {
  const closed = new ClosedSessions(10, KEEP_MS);
  closed.add('early', session('1'), 0);
  closed.add('late', session('1'), 500);
  expect(closed.find('early', KEEP_MS - 1)).toBeDefined();
  expect(closed.find('early', KEEP_MS)).toBeUndefined();
  closed.prune(KEEP_MS);
  expect(closed.find('early', 0)).toBeUndefined();
  expect(closed.find('late', KEEP_MS)).toBeDefined();
  closed.prune(KEEP_MS + 500);
  expect(closed.find('late', 0)).toBeUndefined();
});

it('closed sessions: keep no more bytes of answers than they may, and none that is larger', () => {
  const closed = new ClosedSessions(10, KEEP_MS, 100);
  for (const key of ['first', 'second', 'third']) closed.add(key, session('1'), 0, 40);
  expect(['first', 'second', 'third'].filter((key) => closed.find(key, 0))).toEqual(['second', 'third']);
  closed.add('large', session('1'), 0, 101);
  expect(['second', 'third', 'large'].filter((key) => closed.find(key, 0))).toEqual([]);
  closed.add('last', session('1'), 0, 100);
  expect(closed.find('last', 0)).toBeDefined();
});
