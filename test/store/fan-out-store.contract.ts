import { beforeEach, afterEach, describe, expect, it } from 'vitest';
import type { ClaimLimits, FanOutStore, Run, Target, TargetMove } from '../../src/fanout/store.ts';
import { deResult, ending, type Groups, newRun, T0, terms } from './store-fixture.ts';

/** A store under test. */
export interface OpenedStore {
  readonly store: FanOutStore;
  close(): Promise<void>;
}

const GROUPS: Groups = {
  all: [
    { deviceId: 'urn:dev:test:1', account: 'notified' },
    { deviceId: 'urn:dev:test:2', account: 'polling' },
    { deviceId: 'urn:dev:test:3', account: 'none' },
  ],
  one: [{ deviceId: 'urn:dev:test:1', account: 'notified' }],
  empty: [],
};
const ENDS_AT = T0 + newRun().policy.runDeadlineMs;
const BY_DUE: ClaimLimits = { by: 'dueAt', limit: 500, maxTurns: 500 };
const BY_END: ClaimLimits = { by: 'endsAt', limit: 500, maxTurns: 500 };
const TURN: TargetMove = { kind: 'turn', dueAt: T0 + 5_000, endsAt: T0 + 60_000 };
const SETTLE: TargetMove = { kind: 'settle', ...ending('timed-out', '408') };

/** What every implementation of FanOutStore does alike. `open` gets the groups whose members runs can have. */
export function describeFanOutStore(name: string, open: (groups: Groups) => Promise<OpenedStore>): void {
  describe(`fan-out store: ${name}`, () => {
    let opened: OpenedStore;
    let store: FanOutStore;
    let starts: number;

    beforeEach(async () => {
      starts = 0;
      opened = await open(GROUPS);
      ({ store } = opened);
    });

    afterEach(() => opened.close());

    /** A run of its own: no two have the same Correlator, unless they are told one. */
    async function start(changes: Parameters<typeof newRun>[0] = {}): Promise<Run> {
      starts += 1;
      const correlator = starts === 1 ? 'corr' : `corr-${starts}`;
      const started = await store.createRun(newRun({ correlator, ...changes }), terms());
      if (started.kind !== 'created') throw new Error(`the run was not created: ${started.kind}`);
      return started.run;
    }

    async function claimAll(run: number, decide: (target: Target) => TargetMove = () => TURN): Promise<Target[]> {
      return [...(await store.claimDue(run, T0, BY_DUE, decide)).turns];
    }

    async function sendTo(deviceKey: number): Promise<Target> {
      const target = await store.nextForDevice(deviceKey);
      if (!target) throw new Error(`nothing waits for device ${deviceKey}`);
      expect(await store.markSent(target, T0 + 10, T0 + 1_000)).toBe(true);
      return target;
    }

    describe('start of a run', () => {
      it('store: takes a snapshot of the members in their order', async () => {
        const run = await start();
        expect(run).toMatchObject({ number: 1, state: 'running', generation: 0, counts: { targets: 3, pending: 3 } });
        expect(await store.run(1)).toEqual(run);
        expect(run).toMatchObject({ fanOutRoot: './SCM', serverId: 'srv', correlator: 'corr', startedAt: T0 });
        expect(run.policy).toEqual(newRun().policy);
        expect(await store.members(1, 0, 10)).toEqual(
          [1, 2, 3].map((n) => ({
            n,
            deviceId: `urn:dev:test:${n}`,
            outcome: 'pending',
            deResult: undefined,
            attempts: 0,
            startedAt: undefined,
            answeredAt: undefined,
            late: false,
            asyncAnswers: [],
          })),
        );
      });

      it('store: makes every member due at the start, until the end of the run', async () => {
        await start();
        const targets: Target[] = [];
        await store.claimDue(1, T0, BY_DUE, (target) => {
          targets.push(target);
          return { kind: 'wait', dueAt: target.dueAt, endsAt: target.endsAt };
        });
        const common = {
          run: 1,
          phase: 'waiting',
          attempts: 0,
          refusedAttempts: 0,
          lastContact: 'none',
          dueAt: T0,
          endsAt: ENDS_AT,
          firstTurnAt: undefined,
          sentAt: undefined,
          partial: undefined,
        };
        expect(targets).toEqual([
          { ...common, n: 1, deviceId: 'urn:dev:test:1', deviceKey: 1, notifiable: true },
          { ...common, n: 2, deviceId: 'urn:dev:test:2', deviceKey: 2, notifiable: false },
          { ...common, n: 3, deviceId: 'urn:dev:test:3', deviceKey: undefined, notifiable: false },
        ]);
        expect(await store.outlook(1)).toMatchObject({ dueAt: T0, endsAt: ENDS_AT });
      });

      it('store: refuses a group that is not there or has no members, and too many runs', async () => {
        expect(await store.createRun(newRun({ group: 'none' }), terms())).toEqual({ kind: 'no-group' });
        expect(await store.createRun(newRun({ group: 'empty' }), terms({ maxActiveRuns: 0 }))).toEqual({
          kind: 'empty-group',
        });
        expect(await store.createRun(newRun(), terms({ maxActiveRuns: 0 }))).toEqual({ kind: 'too-many-active' });
        await start();
        expect(await store.createRun(newRun({ correlator: 'other' }), terms({ maxActiveRuns: 1 }))).toEqual({
          kind: 'too-many-active',
        });
        expect(await store.runs(undefined, 10)).toHaveLength(1);
      });
    });

    describe('list of runs', () => {
      it('store: lists runs from the newest, page by page', async () => {
        for (let count = 0; count < 3; count += 1) await start({ group: 'one' });
        expect((await store.runs(undefined, 2)).map(({ number }) => number)).toEqual([3, 2]);
        expect((await store.runs(2, 2)).map(({ number }) => number)).toEqual([1]);
      });

      it('store: names the active runs from the oldest', async () => {
        for (let count = 0; count < 3; count += 1) await start({ group: 'one' });
        const target = await sendTo(1);
        await store.settle(target, ending('succeeded', '200'), T0);
        expect((await store.activeRuns()).map(({ number }) => number)).toEqual([2, 3]);
      });

      it('store: deletes a run that is over with its members, and never gives its number again', async () => {
        await start({ group: 'one', idempotencyKey: 'key' });
        expect(await store.deleteRun(1)).toBe(false);
        await store.settle(await sendTo(1), ending('succeeded', '200'), T0);
        expect(await store.deleteRun(1)).toBe(true);
        expect(await store.deleteRun(1)).toBe(false);
        expect(await store.run(1)).toBeUndefined();
        expect(await store.members(1, 0, 10)).toEqual([]);
        expect(await store.member(1, 1)).toBeUndefined();
        expect((await start({ group: 'one', idempotencyKey: 'key' })).number).toBe(2);
      });

      it('store: keeps the alert of a deleted run until it is accepted', async () => {
        await start({ group: 'one' });
        await store.settle(await sendTo(1), ending('succeeded', '200'), T0);
        await store.deleteRun(1);
        expect(await store.dueAlerts('srv', T0, 10)).toMatchObject([{ run: 1, data: 200 }]);
      });
    });

    describe('claims', () => {
      it('store: gives turns, counts the attempts and keeps the time of the first', async () => {
        await start();
        const [first] = await claimAll(1);
        expect(first).toMatchObject({ n: 1, attempts: 1, firstTurnAt: T0, dueAt: T0 + 5_000, endsAt: T0 + 60_000 });
        const later = await store.claimDue(1, T0 + 5_000, BY_DUE, () => ({ ...TURN, dueAt: T0 + 9_000 }));
        expect(later.turns[0]).toMatchObject({ attempts: 2, firstTurnAt: T0, dueAt: T0 + 9_000 });
        expect(await store.member(1, 1)).toMatchObject({ attempts: 2, startedAt: T0 });
        expect(await store.outlook(1)).toMatchObject({ dueAt: T0 + 9_000, endsAt: T0 + 60_000 });
      });

      it('store: takes nothing that is not due', async () => {
        await start();
        expect(await store.claimDue(1, T0 - 1, BY_DUE, () => TURN)).toEqual({
          turns: [],
          settled: [],
          more: false,
          completed: undefined,
          alerted: undefined,
        });
      });

      it('store: stops at the first turn too many, after the moves before it', async () => {
        await start();
        const moves = [SETTLE, TURN, TURN];
        const claim = await store.claimDue(1, T0, { ...BY_DUE, maxTurns: 1 }, ({ n }) => moves[n - 1] ?? TURN);
        expect(claim).toMatchObject({ settled: { length: 1 }, more: true });
        expect(claim.turns.map(({ n }) => n)).toEqual([2]);
        expect(await store.member(1, 3)).toMatchObject({ attempts: 0 });
      });

      it('store: says whether the limit left something', async () => {
        await start();
        expect((await store.claimDue(1, T0, { ...BY_DUE, limit: 2 }, () => TURN)).more).toBe(true);
        expect((await store.claimDue(1, T0, { ...BY_DUE, limit: 1 }, () => TURN)).more).toBe(false);
      });

      it('store: takes due members in the order of their time', async () => {
        await start();
        await claimAll(1, ({ n }) => ({ kind: 'wait', dueAt: T0 + 30 - n, endsAt: T0 + 100 + n }));
        const seen: number[] = [];
        const look = (target: Target): TargetMove => {
          seen.push(target.n);
          return { kind: 'wait', dueAt: target.dueAt, endsAt: target.endsAt };
        };
        await store.claimDue(1, T0 + 28, BY_DUE, look);
        await store.claimDue(1, T0 + 102, BY_END, look);
        expect(seen).toEqual([3, 2, 1, 2]);
      });

      it('store: ends sent members too when their time is over', async () => {
        await start();
        await sendTo(1);
        expect((await store.claimDue(1, ENDS_AT, BY_DUE, () => SETTLE)).settled).toHaveLength(2);
        const claim = await store.claimDue(1, ENDS_AT, BY_END, () => SETTLE);
        expect(claim).toMatchObject({
          settled: { length: 1 },
          completed: { state: 'complete', generation: 1, endedAt: ENDS_AT },
        });
        expect(await store.member(1, 1)).toMatchObject({ outcome: 'timed-out', answeredAt: undefined });
        expect((await store.run(1))?.lastAnswerAt).toBeUndefined();
        expect(await store.outlook(1)).toEqual({
          dueAt: undefined,
          endsAt: undefined,
          hasHeld: false,
          isUnderWay: false,
        });
      });
    });

    describe('sessions', () => {
      it('store: hands a device the runs that wait for it in the order of their start', async () => {
        await start();
        await start({ group: 'one' });
        expect(await store.nextForDevice(1)).toMatchObject({ run: 1, n: 1 });
        await sendTo(1);
        expect(await store.nextForDevice(1)).toMatchObject({ run: 2, n: 1 });
        await sendTo(1);
        expect(await store.nextForDevice(1)).toBeUndefined();
        expect(await store.nextForDevice(99)).toBeUndefined();
      });

      it('store: marks what was sent, and when the first of it left', async () => {
        await start();
        const target = await sendTo(1);
        expect(await store.markSent(target, T0 + 20, T0 + 2_000)).toBe(false);
        expect((await store.run(1))?.firstSentAt).toBe(T0 + 10);
        await sendTo(2);
        expect((await store.run(1))?.firstSentAt).toBe(T0 + 10);
        expect(await store.sentTargets(undefined, 1)).toMatchObject([
          { n: 1, phase: 'sent', sentAt: T0 + 10, firstTurnAt: T0 + 10, endsAt: T0 + 1_000 },
        ]);
        expect(await store.sentTargets({ run: 1, n: 1 }, 5)).toMatchObject([{ n: 2 }]);
        expect(await store.sentTargets({ run: 1, n: 2 }, 5)).toEqual([]);
      });

      it('store: keeps the time of the first turn when commands are sent later', async () => {
        await start();
        await claimAll(1);
        await sendTo(1);
        expect(await store.sentTargets(undefined, 1)).toMatchObject([{ firstTurnAt: T0, sentAt: T0 + 10 }]);
      });

      it('store: puts a sent member back as it is told, with the part of its answer', async () => {
        await start();
        const target = await sendTo(1);
        const values = { lastContact: 'unauthorized', sentAt: undefined, dueAt: T0 + 7, endsAt: T0 + 77 } as const;
        expect(await store.recordPartial(target, '<part/>')).toBe(true);
        expect(await store.markUnsent(target, values)).toBe(true);
        expect(await store.markUnsent(target, values)).toBe(false);
        expect(await store.nextForDevice(1)).toMatchObject({ ...values, phase: 'waiting', partial: '<part/>' });
      });

      it('store: keeps the last part of an answer, and shows none of it', async () => {
        await start();
        const target = (await store.nextForDevice(1))!;
        expect(await store.recordPartial(target, '<early/>')).toBe(false);
        await sendTo(1);
        await store.recordPartial(target, '<one/>');
        await store.recordPartial(target, '<two/>');
        expect(await store.sentTargets(undefined, 5)).toMatchObject([{ partial: '<two/>' }]);
        expect((await store.member(1, 1))?.deResult).toBeUndefined();
      });

      it('store: counts refused notifications of waiting members', async () => {
        await start();
        const target = (await store.nextForDevice(1))!;
        await store.noteRefusedNotification(target);
        await store.noteRefusedNotification(target);
        expect(await store.nextForDevice(1)).toMatchObject({ refusedAttempts: 2 });
      });

      it('store: notes a contact in every waiting member of the device', async () => {
        await start();
        await start();
        await store.noteContact(1, 'unauthorized');
        expect(await store.nextForDevice(1)).toMatchObject({ run: 1, lastContact: 'unauthorized' });
        await sendTo(1);
        expect(await store.nextForDevice(1)).toMatchObject({ run: 2, lastContact: 'unauthorized' });
        expect(await store.nextForDevice(2)).toMatchObject({ lastContact: 'none' });
        await store.noteContact(1, 'none');
        expect(await store.sentTargets(undefined, 5)).toMatchObject([{ lastContact: 'unauthorized' }]);
      });
    });

    describe('settling', () => {
      it('store: moves the counts with the outcome and keeps the answer', async () => {
        await start();
        const target = await sendTo(1);
        expect(await store.settle(target, ending('failed', '500'), T0 + 20)).toEqual({
          applied: true,
          completed: undefined,
          alerted: undefined,
        });
        expect(await store.run(1)).toMatchObject({
          state: 'running',
          generation: 0,
          lastAnswerAt: T0 + 20,
          counts: { targets: 3, pending: 2, failed: 1 },
        });
        expect(await store.member(1, 1)).toEqual({
          n: 1,
          deviceId: 'urn:dev:test:1',
          outcome: 'failed',
          deResult: deResult('500'),
          attempts: 0,
          startedAt: T0 + 10,
          answeredAt: T0 + 20,
          late: false,
          asyncAnswers: [],
        });
      });

      it('store: settles a member once only', async () => {
        await start();
        const target = await sendTo(1);
        await store.settle(target, ending('succeeded', '200'), T0);
        expect(await store.settle(target, ending('failed', '500'), T0)).toEqual({
          applied: false,
          completed: undefined,
          alerted: undefined,
        });
        expect(await store.markSent(target, T0, T0)).toBe(false);
        expect(await store.recordPartial(target, '<part/>')).toBe(false);
        expect(await store.member(1, 1)).toMatchObject({ outcome: 'succeeded', deResult: deResult('200') });
      });

      it('store: completes the run with the last member and puts the alert into the outbox', async () => {
        await start();
        await store.claimDue(1, T0, BY_DUE, ({ n }) => (n === 1 ? TURN : SETTLE));
        const { completed } = await store.settle(await sendTo(1), ending('succeeded', '200'), T0 + 30);
        expect(completed).toEqual(await store.run(1));
        expect(completed).toMatchObject({ state: 'complete', endedAt: T0 + 30, generation: 1 });
        expect(completed?.counts).toMatchObject({ targets: 3, pending: 0, succeeded: 1, 'timed-out': 2 });
        expect(await store.dueAlerts('srv', T0 + 30, 10)).toEqual([
          {
            id: 1,
            run: 1,
            serverId: 'srv',
            correlator: 'corr',
            data: 250,
            generation: 1,
            attempts: 0,
            dueAt: T0 + 30,
          },
        ]);
      });

      it('store: takes a late answer in place of an unknown outcome, once', async () => {
        await start({ group: 'one' });
        const target = await sendTo(1);
        await store.recordPartial(target, '<part/>');
        const unknown: TargetMove = { kind: 'settle', ...ending('unknown', '504') };
        await store.claimDue(1, ENDS_AT, BY_END, () => unknown);
        expect(await store.settle(target, ending('succeeded', '200'), ENDS_AT + 5)).toEqual({
          applied: true,
          completed: undefined,
          alerted: 'srv',
        });
        expect(await store.member(1, 1)).toMatchObject({
          outcome: 'succeeded',
          deResult: deResult('200'),
          answeredAt: ENDS_AT + 5,
          late: true,
        });
        expect(await store.run(1)).toMatchObject({
          state: 'complete',
          generation: 2,
          endedAt: ENDS_AT,
          lastAnswerAt: ENDS_AT + 5,
          counts: { succeeded: 1, unknown: 0 },
        });
        expect((await store.settle(target, ending('failed', '500'), ENDS_AT + 6)).applied).toBe(false);
        expect(await store.dueAlerts('srv', ENDS_AT + 9, 5)).toMatchObject([{ data: 200, generation: 2 }]);
      });

      it('store: takes nothing for a member whose run was deleted', async () => {
        await start({ group: 'one' });
        const target = await sendTo(1);
        await store.settle(target, ending('unknown', '504'), T0);
        await store.deleteRun(1);
        expect(await store.settle(target, ending('succeeded', '200'), T0)).toEqual({
          applied: false,
          completed: undefined,
          alerted: undefined,
        });
        expect(await store.markSent(target, T0, T0)).toBe(false);
      });

      it('store: pages through members, all or of one outcome', async () => {
        await start();
        await store.settle(await sendTo(2), ending('succeeded', '200'), T0);
        expect((await store.members(1, 0, 2)).map(({ n }) => n)).toEqual([1, 2]);
        expect((await store.members(1, 2, 2)).map(({ n }) => n)).toEqual([3]);
        expect((await store.members(1, 0, 9, { outcome: 'pending' })).map(({ n }) => n)).toEqual([1, 3]);
        expect((await store.members(1, 1, 9, { outcome: 'pending' })).map(({ n }) => n)).toEqual([3]);
        expect((await store.members(1, 0, 9, { outcome: 'succeeded' })).map(({ n }) => n)).toEqual([2]);
        expect(await store.members(9, 0, 9)).toEqual([]);
        expect(await store.member(1, 4)).toBeUndefined();
      });
    });

    describe('outbox', () => {
      async function completeRuns(serverIds: readonly (string | undefined)[]): Promise<void> {
        for (const [index, serverId] of serverIds.entries()) {
          await start({ group: 'one', serverId });
          await store.settle(await sendTo(1), ending('succeeded', '200'), T0 + index);
        }
      }

      it('store: keeps the alerts of each server apart, oldest first', async () => {
        await completeRuns(['srv', 'other', undefined, 'srv']);
        expect((await store.dueAlerts('srv', T0 + 9, 5)).map(({ run }) => run)).toEqual([1, 4]);
        expect((await store.dueAlerts('srv', T0 + 9, 1)).map(({ run }) => run)).toEqual([1]);
        expect((await store.dueAlerts('srv', T0 + 2, 5)).map(({ run }) => run)).toEqual([1]);
        expect((await store.dueAlerts('other', T0 + 9, 5)).map(({ run }) => run)).toEqual([2]);
        expect(await store.nextAlertDueAt('other')).toBe(T0 + 1);
        expect(await store.nextAlertDueAt('nobody')).toBeUndefined();
      });

      it('store: sends an alert again later when it was deferred', async () => {
        await completeRuns(['srv']);
        await store.alertDeferred(1, T0 + 50);
        expect(await store.dueAlerts('srv', T0 + 49, 5)).toEqual([]);
        expect(await store.nextAlertDueAt('srv')).toBe(T0 + 50);
        expect(await store.dueAlerts('srv', T0 + 50, 5)).toMatchObject([{ attempts: 1, dueAt: T0 + 50 }]);
      });

      it('store: is done with an alert that was accepted or refused for good', async () => {
        await completeRuns(['srv', 'srv']);
        await store.alertAccepted(1, 1, T0 + 5);
        expect((await store.dueAlerts('srv', T0 + 9, 5)).map(({ id }) => id)).toEqual([2]);
        await store.alertRejected(2, T0 + 5);
        await store.alertDeferred(2, T0 + 6);
        expect(await store.dueAlerts('srv', T0 + 9, 5)).toEqual([]);
        expect(await store.nextAlertDueAt('srv')).toBeUndefined();
      });
    });
  });
}
