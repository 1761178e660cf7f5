import { describe, expect, it } from 'vitest';
import type { Run, RunOutlook } from './store.ts';
import { waitingFor } from './waiting-for.ts';

const OUTLOOK: RunOutlook = { dueAt: undefined, endsAt: 60_000, hasHeld: false, isUnderWay: true };

function run(changes: object): Run {
  return {
    state: 'running',
    pauseCause: undefined,
    endsAt: 3_600_000,
    counts: { pending: 3 },
    policy: { maxFailures: 20, notBefore: undefined },
    ...changes,
  } as unknown as Run;
}

describe('what a run is waiting for', () => {
  it.each<[string, object, Partial<RunOutlook>, string | undefined]>([
    [
      'devices that have not come',
      {},
      {},
      '3 devices, the first until 1970-01-01T00:01:00.000Z; all by 1970-01-01T01:00:00.000Z',
    ],
    [
      'the next turn',
      { counts: { pending: 1 } },
      { dueAt: 30_000 },
      '1 device, the first until 1970-01-01T00:01:00.000Z; next turn at 1970-01-01T00:00:30.000Z; all by 1970-01-01T01:00:00.000Z',
    ],
    [
      'the end of its wave',
      {},
      { hasHeld: true },
      '3 devices, the first until 1970-01-01T00:01:00.000Z; more after this wave; all by 1970-01-01T01:00:00.000Z',
    ],
    ['its NotBefore', { state: 'scheduled', policy: { notBefore: 0 } }, {}, 'NotBefore 1970-01-01T00:00:00.000Z'],
    ['somebody who resumes it', { state: 'paused', pauseCause: 'asked' }, {}, 'resume'],
    [
      'somebody who resumes it after failures',
      { state: 'paused', pauseCause: 'failures' },
      {},
      'resume: more than 20 % of the devices so far did not succeed',
    ],
    [
      'commands that have left',
      { state: 'cancelling' },
      {},
      '3 devices whose commands have left, the first until 1970-01-01T00:01:00.000Z',
    ],
    [
      'members that a cancel has not reached yet',
      { state: 'cancelling' },
      { dueAt: 30_000 },
      '3 devices: those without commands end now',
    ],
    ['nothing', { state: 'complete' }, {}, undefined],
  ])('reader: sees that it is %s', (_, changes, outlook, text) => {
    expect(waitingFor(run(changes), { ...OUTLOOK, ...outlook })).toBe(text);
  });
});
