import { describe, expect, it } from 'vitest';
import { STATUS } from '../protocol/message/codes.ts';
import { encodeDeResult } from './de-result.ts';
import { facetsOf } from './facets.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { EXEC, GET, statuses } from '../../test/fanout/scenario.ts';
import type { Target } from './store.ts';
import { decideDue, endCancelled, endTooLarge, outcomeOfAnswer, type RunTerms } from './target.ts';

const START = 1_000_000;
const COMMANDS = [GET, EXEC];
const RUN: RunTerms = {
  endsAt: START + 100_000,
  policy: { ...DEFAULT_POLICY, attempts: 3, backoffMs: 5_000, offline: 'skip', deviceDeadlineMs: 60_000 },
  commands: COMMANDS,
  expiresNotBefore: 0,
};
/** A member before its first turn. */
const FRESH: Target = {
  run: 1,
  n: 1,
  deviceId: 'urn:dev:1',
  deviceKey: 1,
  phase: 'waiting',
  attempts: 0,
  refusedAttempts: 0,
  lastContact: 'none',
  dueAt: START,
  endsAt: START + 100_000,
  firstTurnAt: undefined,
  sentAt: undefined,
  notifiable: true,
  partial: undefined,
};
/** The same after its last attempt, whose wait is over. */
const TRIED: Partial<Target> = { attempts: 3, firstTurnAt: START, dueAt: START + 35_000, endsAt: START + 35_000 };
/** A device that polls, after its turn. */
const POLLING: Partial<Target> = { notifiable: false, attempts: 1, firstTurnAt: START, endsAt: START + 60_000 };
const SENT: Partial<Target> = { phase: 'sent', attempts: 1, firstTurnAt: START, sentAt: START, endsAt: START + 60_000 };

describe('outcome of an answer', () => {
  it.each([
    ['every Status is 200, 201, 202 or 217', [200, 202], 'succeeded'],
    ['an item was added, and an ACL inherited', [201, 217], 'succeeded'],
    ['one Status is an error', [200, 404], 'failed'],
    ['one Status is 213 to 216, which is no success', [216, 200], 'failed'],
    ['the user said no', [304, 200], 'failed'],
    ['a Status is missing', [200], 'unknown'],
    ['no Status came', [], 'unknown'],
  ] as const)('member: when %s, %j is %s', (_, codes, outcome) => {
    const answers = codes.flatMap((code, index) => statuses(COMMANDS.slice(index, index + 1), code));
    expect(outcomeOfAnswer(COMMANDS, answers)).toBe(outcome);
  });

  it('member: needs a Status of nested commands too', () => {
    const atomic = { kind: 'Atomic', cmdId: '9', commands: COMMANDS } as const;
    expect(outcomeOfAnswer([atomic], statuses([{ ...atomic, commands: [] }]))).toBe('unknown');
    expect(outcomeOfAnswer([atomic], statuses([atomic]))).toBe('succeeded');
  });
});

describe('end of a member', () => {
  const partial = encodeDeResult(COMMANDS, statuses([GET], STATUS.notFound));
  const whole = encodeDeResult(COMMANDS, statuses(COMMANDS));
  it.each<[string, Partial<Target>, number, string, readonly number[]]>([
    ['its commands left and nothing came', SENT, 60_000, 'unknown', [504, 504]],
    ['its commands left and a part of the answer came', { ...SENT, partial }, 60_000, 'unknown', [404, 504]],
    ['its answer is whole, but its session never ended', { ...SENT, partial: whole }, 60_000, 'succeeded', [200, 200]],
    ['its commands left and wait to be sent again', { ...TRIED, sentAt: START }, 35_000, 'unknown', [504, 504]],
    [
      'the last contact failed authentication',
      { ...TRIED, lastContact: 'unauthorized' },
      35_000,
      'unauthorized',
      [401, 401],
    ],
    [
      'authentication failed though the transport refused every notification',
      { ...TRIED, lastContact: 'unauthorized', refusedAttempts: 3 },
      35_000,
      'unauthorized',
      [401, 401],
    ],
    ['the transport refused every notification', { ...TRIED, refusedAttempts: 3 }, 35_000, 'unreachable', [503, 503]],
    [
      'the transport refused all notifications but one',
      { ...TRIED, refusedAttempts: 2 },
      35_000,
      'timed-out',
      [408, 408],
    ],
    ['it never answered its notifications', TRIED, 35_000, 'timed-out', [408, 408]],
    ['it polls and did not come', POLLING, 60_000, 'timed-out', [408, 408]],
    [
      'it polls and could not prove itself',
      { ...POLLING, lastContact: 'unauthorized' },
      60_000,
      'unauthorized',
      [401, 401],
    ],
    ['the run ended before its turn came', {}, 100_000, 'timed-out', [408, 408]],
  ])('member: when %s', (_, change, afterMs, outcome, codes) => {
    const answers = codes.flatMap((code, index) => statuses(COMMANDS.slice(index, index + 1), code));
    const deResult = encodeDeResult(COMMANDS, answers);
    expect(decideDue({ ...FRESH, ...change }, RUN, START + afterMs, 0)).toEqual({
      kind: 'settle',
      outcome,
      deResult,
      facets: facetsOf(deResult),
      asyncExecs: 0,
    });
  });

  it('member: without an account it is unreachable at once', () => {
    expect(decideDue({ ...FRESH, deviceKey: undefined }, RUN, START, 0)).toMatchObject({
      kind: 'settle',
      outcome: 'unreachable',
    });
  });

  it('member: whose carrier cannot take a command gets 413 for it and 215 for the others', () => {
    const answers = [...statuses([GET], STATUS.notExecuted), ...statuses([EXEC], STATUS.tooLarge)];
    const deResult = encodeDeResult(COMMANDS, answers);
    expect(endTooLarge(COMMANDS, EXEC)).toEqual({
      outcome: 'failed',
      deResult,
      facets: facetsOf(deResult),
      asyncExecs: 0,
    });
  });

  it('member: that waits for the end of an Exec is unknown when it never comes, with the answer of its device', () => {
    const answer = encodeDeResult(COMMANDS, statuses(COMMANDS, STATUS.accepted));
    const awaiting: Target = { ...FRESH, phase: 'awaiting', sentAt: START, partial: answer };
    expect(decideDue(awaiting, RUN, START + 99_999, 0)).toMatchObject({ kind: 'wait' });
    expect(decideDue(awaiting, RUN, START + 100_000, 0)).toMatchObject({
      kind: 'settle',
      outcome: 'unknown',
      deResult: answer,
      asyncExecs: 1,
    });
  });

  it('member: whose run is cancelled is cancelled, unless its commands have left before', () => {
    expect(endCancelled({ ...FRESH, lastContact: 'unauthorized' }, RUN)).toMatchObject({
      outcome: 'cancelled',
      deResult: encodeDeResult(COMMANDS, statuses(COMMANDS, STATUS.notExecuted)),
    });
    expect(endCancelled({ ...FRESH, sentAt: START, partial }, RUN)).toMatchObject({
      outcome: 'unknown',
      deResult: encodeDeResult(COMMANDS, [...statuses([GET], 404), ...statuses([EXEC], 504)]),
    });
  });
});

describe('turns of a member', () => {
  it.each<[string, Partial<Target>, number, number, object]>([
    ['gets its first turn, and the next one a Backoff later', {}, 0, 0, { kind: 'turn', dueAt: 5_000, endsAt: 60_000 }],
    ['waits up to a quarter longer, by jitter', {}, 0, 0.8, { kind: 'turn', dueAt: 6_000, endsAt: 60_000 }],
    [
      'waits twice as long after the second notification',
      { attempts: 1, firstTurnAt: START, dueAt: START + 5_000, endsAt: START + 60_000 },
      5_000,
      0,
      { kind: 'turn', dueAt: 15_000, endsAt: 60_000 },
    ],
    [
      'ends with the wait of its last attempt',
      { attempts: 2, firstTurnAt: START, dueAt: START + 15_000, endsAt: START + 60_000 },
      15_000,
      0,
      { kind: 'turn', dueAt: 35_000, endsAt: 35_000 },
    ],
    [
      'ends with its deadline when that comes before the last wait is over',
      { attempts: 2, firstTurnAt: START, dueAt: START + 50_000, endsAt: START + 60_000 },
      50_000,
      0,
      { kind: 'turn', dueAt: 60_000, endsAt: 60_000 },
    ],
    [
      'ends with the run when its first turn comes late',
      {},
      90_000,
      0,
      { kind: 'turn', dueAt: 95_000, endsAt: 100_000 },
    ],
    [
      'has one turn when it polls, and waits for its deadline',
      { notifiable: false },
      0,
      0,
      { kind: 'turn', dueAt: 60_000, endsAt: 60_000 },
    ],
    ['waits when it polls and had its turn', POLLING, 10_000, 0, { kind: 'wait', dueAt: 60_000, endsAt: 60_000 }],
    ['waits for its answer when its commands left', SENT, 10_000, 0, { kind: 'wait', dueAt: 60_000, endsAt: 60_000 }],
    [
      'has another turn after a mere failure to authenticate',
      { attempts: 1, lastContact: 'unauthorized', firstTurnAt: START, endsAt: START + 60_000 },
      5_000,
      0,
      { kind: 'turn', dueAt: 15_000, endsAt: 60_000 },
    ],
  ])('member: %s', (_, change, afterMs, jitter, move) => {
    const decided = decideDue({ ...FRESH, ...change }, RUN, START + afterMs, jitter);
    if (decided.kind === 'settle') throw new Error('the member was settled');
    expect({ ...decided, dueAt: decided.dueAt - START, endsAt: decided.endsAt - START }).toEqual(move);
  });

  it('member: waits for its deadline after its last attempt, unless offline devices are skipped', () => {
    const patient = { ...RUN, policy: { ...RUN.policy, offline: 'wait' } } as const;
    const last: Target = { ...FRESH, attempts: 2, firstTurnAt: START, dueAt: START + 15_000, endsAt: START + 60_000 };
    const endsAt = START + 60_000;
    expect(decideDue(last, patient, START + 15_000, 0)).toEqual({ kind: 'turn', dueAt: endsAt, endsAt });
    expect(decideDue({ ...last, attempts: 3 }, patient, START + 35_000, 0)).toEqual({
      kind: 'wait',
      dueAt: endsAt,
      endsAt,
    });
  });

  it('member: does not expire before the grace after a start is over', () => {
    const graceUntil = START + 500_000;
    const late = { ...FRESH, ...TRIED };
    const graced = { ...RUN, expiresNotBefore: graceUntil };
    expect(decideDue(late, graced, graceUntil - 1, 0)).toEqual({ kind: 'wait', dueAt: graceUntil, endsAt: graceUntil });
    expect(decideDue(late, graced, graceUntil, 0)).toMatchObject({ kind: 'settle', outcome: 'timed-out' });
    expect(decideDue({ ...late, attempts: 1 }, graced, graceUntil - 10_000, 0)).toEqual({
      kind: 'turn',
      dueAt: graceUntil,
      endsAt: graceUntil,
    });
  });
});
