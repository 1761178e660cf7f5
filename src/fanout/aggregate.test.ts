import { describe, expect, it } from 'vitest';
import { alertData, alertMark } from './aggregate.ts';
import { countsFrom, OUTCOMES, type Outcome } from './outcome.ts';
import type { RunState } from './store.ts';

function counts(some: { readonly [K in Outcome]?: number }) {
  const none = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  return countsFrom({ ...none, ...some });
}

describe('alert of a run', () => {
  it.each<[string, { readonly [K in Outcome]?: number }, RunState, number, string]>([
    ['every member succeeded', { succeeded: 3 }, 'complete', 200, 'informational'],
    ['some did not', { succeeded: 1, unknown: 2 }, 'complete', 250, 'warning'],
    ['none did', { failed: 1, 'timed-out': 2 }, 'complete', 550, 'warning'],
    ['the quorum is reached', { succeeded: 2, pending: 1 }, 'running', 101, 'informational'],
    ['the quorum is reached and the run is paused', { succeeded: 1, failed: 1, pending: 1 }, 'paused', 101, 'warning'],
    ['the run was cancelled', { succeeded: 1, cancelled: 2 }, 'cancelled', 551, 'warning'],
  ])('alert: when %s', (_, some, state, data, mark) => {
    const { targets, pending, succeeded } = counts(some);
    expect(alertData(counts(some), state)).toBe(data);
    expect(alertMark(data, targets - pending - succeeded)).toBe(mark);
  });
});
