import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_DIGEST, moveDigest } from '../../src/fanout/digest.ts';
import type { ClaimLimits, FanOutStore, NewRun, Run, StartTerms, Target, TargetMove } from '../../src/fanout/store.ts';
import type { OpenedStore } from './fan-out-store.contract.ts';
import { deResult, ending, type Groups, newRun, T0, terms } from './store-fixture.ts';

const GROUPS: Groups = {
  all: [1, 2, 3, 4].map((n) => ({ deviceId: `urn:dev:Test_${n}`, account: n === 4 ? 'none' : 'notified' })),
  one: [{ deviceId: 'urn:dev:Test_1', account: 'notified' }],
};
const UNSENT: ClaimLimits = { by: 'unsent', limit: 500, maxTurns: 0 };
const ALL_WAITING: ClaimLimits = { by: 'dueAt', limit: 500, maxTurns: 500 };

/** What every implementation of FanOutStore does alike while a run is steered, and with what it sums up. */
export function describeSteering(name: string, open: (groups: Groups) => Promise<OpenedStore>): void {
  describe(`steered runs: ${name}`, () => {
    let opened: OpenedStore;
    let store: FanOutStore;

    beforeEach(async () => {
      opened = await open(GROUPS);
      ({ store } = opened);
    });

    afterEach(() => opened.close());

    async function start(changes: Partial<NewRun> = {}, how: Partial<StartTerms> = {}): Promise<Run> {
      const started = await store.createRun(newRun({ correlator: undefined, ...changes }), terms(how));
      if (started.kind !== 'created') throw new Error(`the run was not created: ${started.kind}`);
      return started.run;
    }

    async function sendTo(deviceKey: number): Promise<Target> {
      const target = await store.nextForDevice(deviceKey);
      if (!target) throw new Error(`nothing waits for device ${deviceKey}`);
      expect(await store.markSent(target, T0 + 10, T0 + 1_000)).toBe(true);
      return target;
    }

    /** Settles all waiting members, the first with the outcome that is asked for. */
    async function settleAll(run: number, first: TargetMove = { kind: 'settle', ...ending('succeeded') }) {
      return store.claimDue(run, T0, ALL_WAITING, ({ n }) =>
        n === 1 ? first : { kind: 'settle', ...ending('timed-out', '408') },
      );
    }

    describe('members that are sent nothing', () => {
      it('store: ends one that waits, without a time of an answer', async () => {
        await start();
        const target = await store.nextForDevice(1);
        expect(await store.endUnsent(target!, ending('unreachable', '503'), T0 + 5)).toMatchObject({ applied: true });
        expect(await store.member(1, 1)).toMatchObject({ outcome: 'unreachable', answeredAt: undefined, late: false });
        expect((await store.run(1))?.lastAnswerAt).toBeUndefined();
      });

      it('store: leaves one alone whose commands have left in the same moment', async () => {
        await start();
        const target = (await store.nextForDevice(1))!;
        const [sent, ended] = await Promise.all([
          store.markSent(target, T0, T0 + 1_000),
          store.endUnsent(target, ending('unreachable', '503'), T0),
        ]);
        expect([sent, ended.applied]).toEqual([true, false]);
        expect((await store.settle(target, ending('succeeded'), T0 + 1)).applied).toBe(true);
        expect(await store.member(1, 1)).toMatchObject({ outcome: 'succeeded', late: false });
      });

      it('store: takes no end of its own making for a late answer', async () => {
        await start();
        const target = await sendTo(1);
        await store.claimDue(1, T0 + 1_000, { ...UNSENT, by: 'endsAt' }, () => ({
          kind: 'settle',
          ...ending('unknown', '504'),
        }));
        expect((await store.endUnsent(target, ending('timed-out', '408'), T0 + 1_001)).applied).toBe(false);
        expect((await store.settle(target, ending('succeeded'), T0 + 1_002)).applied).toBe(true);
        expect(await store.member(1, 1)).toMatchObject({ outcome: 'succeeded', late: true });
      });
    });

    describe('states', () => {
      it('store: changes the state from those that allow it, and keeps why a run is paused', async () => {
        const { endsAt } = await start({ state: 'scheduled' });
        expect(await store.run(1)).toMatchObject({ state: 'scheduled', pauseCause: undefined, endsAt });
        expect(await store.changeState(1, ['running'], 'paused', 'asked')).toBeUndefined();
        expect(await store.changeState(1, ['scheduled'], 'running')).toMatchObject({ state: 'running' });
        expect(await store.changeState(1, ['running'], 'paused', 'failures')).toMatchObject({ pauseCause: 'failures' });
        expect(await store.changeState(1, ['paused'], 'running')).toEqual(await store.run(1));
        expect((await store.run(1))?.pauseCause).toBeUndefined();
        expect(await store.changeState(9, ['running'], 'paused', 'asked')).toBeUndefined();
      });

      it('store: lets no commands leave while the run is not running', async () => {
        await start();
        await start();
        const target = (await store.nextForDevice(1))!;
        await store.changeState(1, ['running'], 'paused', 'asked');
        expect(await store.markSent(target, T0, T0 + 9)).toBe(false);
        expect(await store.nextForDevice(1)).toMatchObject({ run: 2 });
        expect(await store.unsentOfDevice(1, 9)).toMatchObject([{ run: 1 }, { run: 2 }]);
        expect(await store.unsentOfDevice(1, 1)).toMatchObject([{ run: 1 }]);
        expect((await store.activeRuns()).map(({ number }) => number)).toEqual([1, 2]);
        expect(await store.deleteRun(1)).toBe(false);
        await store.changeState(1, ['paused'], 'running');
        expect(await store.markSent(target, T0, T0 + 9)).toBe(true);
      });

      it('store: ends a run that is being cancelled as cancelled, with its last member', async () => {
        await start({}, { firstWave: () => 2 });
        const sent = await sendTo(1);
        await store.changeState(1, ['running'], 'cancelling');
        const cancelled = { kind: 'settle', ...ending('cancelled', '215') } as const;
        const seen: number[] = [];
        const claim = await store.claimDue(1, T0 - 9, UNSENT, ({ n }) => {
          seen.push(n);
          return cancelled;
        });
        expect(seen).toEqual([3, 4, 2]);
        expect(claim).toEqual({
          turns: [],
          settled: ['cancelled', 'cancelled', 'cancelled'],
          more: false,
          completed: undefined,
          alerted: undefined,
        });
        const { completed, alerted } = await store.settle(sent, ending('succeeded'), T0 + 20);
        expect(completed).toMatchObject({
          state: 'cancelled',
          endedAt: T0 + 20,
          counts: { succeeded: 1, cancelled: 3 },
        });
        expect(alerted).toBe('srv');
        expect(await store.dueAlerts('srv', T0 + 20, 9)).toMatchObject([{ data: 551, generation: 1 }]);
        expect(await store.activeRuns()).toEqual([]);
        expect(await store.changeState(1, ['cancelled'], 'running')).toBeUndefined();
      });
    });

    describe('waves', () => {
      it('store: holds back all but the first wave, and releases the next in pages', async () => {
        expect(await start({}, { firstWave: () => 1 })).toMatchObject({ wave: 1, released: 1 });
        expect(await store.nextForDevice(1)).toMatchObject({ n: 1, phase: 'waiting', dueAt: T0 });
        expect(await store.nextForDevice(2)).toBeUndefined();
        expect(await store.outlook(1)).toMatchObject({ hasHeld: true, isUnderWay: true, dueAt: T0 });
        expect(await store.releaseHeld(1, T0 + 5, 9)).toBe(0);
        expect(await store.beginWave(1, 2, 3)).toBe(true);
        expect(await store.beginWave(1, 2, 4)).toBe(false);
        expect(await store.run(1)).toMatchObject({ wave: 2, released: 3 });
        expect([await store.releaseHeld(1, T0 + 5, 1), await store.releaseHeld(1, T0 + 6, 9)]).toEqual([1, 1]);
        expect(await store.nextForDevice(2)).toMatchObject({ phase: 'waiting', dueAt: T0 + 5 });
        expect(await store.nextForDevice(3)).toMatchObject({ phase: 'waiting', dueAt: T0 + 6 });
        expect(await store.outlook(1)).toMatchObject({ hasHeld: true });
      });

      it('store: begins a run without a wave when none is asked for', async () => {
        expect(await start({ state: 'scheduled' }, { firstWave: () => 0 })).toMatchObject({ wave: 0, released: 0 });
        const { endsAt } = (await store.run(1))!;
        expect(await store.outlook(1)).toEqual({ dueAt: undefined, endsAt, hasHeld: true, isUnderWay: false });
        await store.noteContact(1, 'unauthorized');
        expect(await store.unsentOfDevice(1, 9)).toMatchObject([{ phase: 'held', lastContact: 'unauthorized' }]);
      });

      it('store: sees a wave under way as long as a member of it is open', async () => {
        await start({}, { firstWave: () => 1 });
        const target = await sendTo(1);
        expect(await store.outlook(1)).toMatchObject({ isUnderWay: true, dueAt: undefined });
        await store.markAwaiting(target, { deResult: deResult('202'), asyncExecs: 1 }, T0 + 90);
        expect(await store.outlook(1)).toMatchObject({ isUnderWay: true, endsAt: T0 + 90 });
        await store.settle(target, ending('succeeded'), T0 + 20);
        expect(await store.outlook(1)).toMatchObject({ isUnderWay: false, hasHeld: true });
      });

      it('store: ends held members too when the time of the run is over', async () => {
        const { endsAt } = await start({}, { firstWave: () => 1 });
        const claim = await store.claimDue(1, endsAt, { ...UNSENT, by: 'endsAt' }, () => ({
          kind: 'settle',
          ...ending('timed-out', '408'),
        }));
        expect(claim).toMatchObject({ settled: { length: 4 }, completed: { state: 'complete' }, alerted: 'srv' });
      });
    });

    describe('retry', () => {
      it('store: takes the members that had the outcomes, in their order, with the accounts of now', async () => {
        await start();
        expect(await store.createRun(newRun({ retryOf: { run: 1, outcomes: ['failed'] } }), terms())).toEqual({
          kind: 'run-active',
        });
        await settleAll(1);
        const retryOf = { run: 1, outcomes: ['timed-out', 'failed'] } as const;
        const run = await start({ retryOf });
        expect(run).toMatchObject({ number: 2, retryOf, counts: { targets: 3, pending: 3 } });
        expect((await store.members(2, 0, 9)).map(({ deviceId }) => deviceId)).toEqual([
          'urn:dev:Test_2',
          'urn:dev:Test_3',
          'urn:dev:Test_4',
        ]);
        expect(await store.nextForDevice(3)).toMatchObject({ run: 2, n: 2, notifiable: true });
        for (const [wrong, kind] of [
          [{ run: 9, outcomes: ['failed'] }, 'no-run'],
          [{ run: 1, outcomes: ['unknown'] }, 'empty-group'],
        ] as const) {
          expect(await store.createRun(newRun({ retryOf: wrong, correlator: undefined }), terms())).toEqual({ kind });
        }
      });

      it('store: knows a retry again by the run and the outcomes', async () => {
        await start({ group: 'one' });
        await settleAll(1);
        const order = (outcomes: readonly ('succeeded' | 'failed')[]) =>
          newRun({ retryOf: { run: 1, outcomes }, correlator: 'again' });
        expect(await store.createRun(order(['succeeded', 'failed']), terms())).toMatchObject({ kind: 'created' });
        expect(await store.createRun(order(['failed', 'succeeded']), terms())).toMatchObject({ kind: 'existing' });
        expect(await store.createRun(order(['succeeded']), terms())).toMatchObject({ kind: 'created' });
        expect(await store.createRun(newRun({ correlator: 'again' }), terms())).toMatchObject({ kind: 'created' });
      });
    });

    describe('asynchronous answers', () => {
      const answer = { cmdId: '1', data: '200', alert: '<Alert/>', at: T0 + 40 };

      it('store: lets a member wait for the end of its Execs, and shows each once', async () => {
        await start();
        const target = await sendTo(1);
        await store.recordPartial(target, '<part/>');
        const said = { deResult: deResult('202'), asyncExecs: 2 };
        expect(await store.markAwaiting(target, said, T0 + 90)).toBe(true);
        expect(await store.markAwaiting(target, said, T0 + 91)).toBe(false);
        expect(await store.expectingAsync(1, 9)).toMatchObject([
          { run: 1, n: 1, phase: 'awaiting', partial: said.deResult, endsAt: T0 + 90 },
        ]);
        expect(await store.member(1, 1)).toMatchObject({ outcome: 'pending', deResult: undefined, asyncAnswers: [] });
        expect(await store.recordAsync(target, answer)).toEqual({ left: 1 });
        expect(await store.recordAsync(target, { ...answer, data: '500' })).toBeUndefined();
        expect(await store.recordAsync(target, { ...answer, cmdId: '0' })).toEqual({ left: 0 });
        expect(await store.expectingAsync(1, 9)).toEqual([]);
        await store.settle(target, ending('succeeded', '202', 2), T0 + 50);
        expect((await store.member(1, 1))?.asyncAnswers).toEqual([answer, { ...answer, cmdId: '0' }]);
      });

      it('store: expects the end of Execs of members that have settled too, the awaiting ones first', async () => {
        await start();
        await start();
        await store.settle(await sendTo(1), ending('succeeded', '202', 1), T0 + 20);
        await store.markAwaiting(await sendTo(1), { deResult: deResult('202'), asyncExecs: 1 }, T0 + 90);
        expect(await store.expectingAsync(1, 9)).toMatchObject([
          { run: 2, phase: 'awaiting' },
          { run: 1, phase: 'settled', partial: undefined },
        ]);
        expect(await store.expectingAsync(1, 1)).toHaveLength(1);
        expect(await store.expectingAsync(2, 9)).toEqual([]);
      });

      it('store: keeps nothing for a run that was deleted', async () => {
        await start({ group: 'one' });
        const target = await sendTo(1);
        await store.settle(target, ending('succeeded', '202', 1), T0 + 20);
        await store.deleteRun(1);
        expect(await store.expectingAsync(1, 9)).toEqual([]);
        expect(await store.recordAsync(target, answer)).toBeUndefined();
      });

      it('store: brings the end of awaiting members forward, never back', async () => {
        await start();
        for (const key of [1, 2]) {
          await store.markAwaiting(await sendTo(key), { deResult: deResult('202'), asyncExecs: 1 }, T0 + 40 + key * 10);
        }
        await store.changeState(1, ['running'], 'cancelling', undefined, T0 + 55);
        const ends = await Promise.all([1, 2].map(async (key) => (await store.expectingAsync(key, 1))[0]?.endsAt));
        expect(ends).toEqual([T0 + 50, T0 + 55]);
      });
    });

    describe('aggregate', () => {
      it('store: folds equal answers and equal facets together, the largest first', async () => {
        await start();
        await settleAll(1);
        const answers = await store.clusters(1, 'answer', 9);
        expect(answers).toEqual([
          { id: 2, kind: 'answer', key: '', value: deResult('408'), members: 3 },
          { id: 1, kind: 'answer', key: '', value: deResult('200'), members: 1 },
        ]);
        expect(await store.clusters(1, 'answer', 1)).toHaveLength(1);
        expect(await store.clusters(1, 'status', 9)).toMatchObject([
          { key: '1 Get', value: '408', members: 3 },
          { key: '1 Get', value: '200', members: 1 },
        ]);
        expect(await store.clusters(1, 'status', 1)).toHaveLength(1);
        expect(await store.clusters(1, 'value', 9)).toEqual([]);
        expect(await store.cluster(1, 2)).toEqual(answers[0]);
        expect(await store.cluster(2, 2)).toBeUndefined();
        expect(await store.clusterMembers(1, 2, 2, 1)).toEqual([{ n: 3, deviceId: 'urn:dev:Test_3' }]);
      });

      it('store: moves a late answer from its cluster to another, and the digest with it', async () => {
        await start({ group: 'one' });
        const target = await sendTo(1);
        await store.settle(target, ending('unknown', '504'), T0 + 20);
        const pair = { n: 1, deviceId: 'urn:dev:Test_1' };
        const digestOf = (code: string) => moveDigest(EMPTY_DIGEST, { ...pair, deResult: deResult(code) }, 'in');
        expect((await store.run(1))?.digest).toBe(digestOf('504'));
        await store.settle(target, ending('succeeded', '200'), T0 + 30);
        expect((await store.run(1))?.digest).toBe(digestOf('200'));
        expect(await store.clusters(1, 'answer', 9)).toMatchObject([{ value: deResult('200'), members: 1 }]);
        expect(await store.clusters(1, 'status', 9)).toMatchObject([{ value: '200', members: 1 }]);
      });

      it('store: finds members by a part of the DeviceID, and one by the whole', async () => {
        await start();
        const found = async (query: string) => (await store.members(1, 0, 9, { query })).map(({ n }) => n);
        expect(await found('test_2')).toEqual([2]);
        expect(await found('%')).toEqual([]);
        expect(await found('Test')).toEqual([1, 2, 3, 4]);
        expect((await store.members(1, 1, 1, { query: 'dev', outcome: 'pending' })).map(({ n }) => n)).toEqual([2]);
        expect(await store.memberOfDevice(1, 'urn:dev:Test_3')).toMatchObject({ n: 3 });
        expect(await store.memberOfDevice(1, 'urn:dev:test_3')).toBeUndefined();
      });
    });

    describe('alerts of a run', () => {
      const lateAlert = { policy: { ...newRun().policy, lateAlert: true } };

      it('store: announces the quorum once, and the end in the place of what is still open', async () => {
        await start({}, { quorum: () => 2 });
        expect(await store.settle(await sendTo(1), ending('succeeded'), T0 + 20)).toMatchObject({ alerted: undefined });
        expect(await store.settle(await sendTo(2), ending('succeeded'), T0 + 21)).toMatchObject({ alerted: 'srv' });
        expect(await store.run(1)).toMatchObject({ state: 'running', generation: 1 });
        expect(await store.settle(await sendTo(3), ending('succeeded'), T0 + 22)).toMatchObject({ alerted: undefined });
        expect(await store.alertsOfRun(1)).toMatchObject([{ state: 'open', data: 101, generation: 1 }]);
        await store.alertDeferred(1, T0 + 99);
        await settleAll(1);
        expect(await store.run(1)).toMatchObject({ state: 'complete', generation: 3 });
        expect(await store.alertsOfRun(1)).toMatchObject([{ state: 'open', data: 250, generation: 3, dueAt: T0 + 99 }]);
      });

      it('store: announces the end beside a quorum that was accepted', async () => {
        await start({}, { quorum: () => 1 });
        await store.settle(await sendTo(1), ending('succeeded'), T0 + 20);
        await store.alertAccepted(1, 1, T0 + 30);
        await settleAll(1);
        expect(await store.alertsOfRun(1)).toMatchObject([
          { id: 1, state: 'accepted', data: 101 },
          { id: 2, state: 'open', data: 250 },
        ]);
      });

      it('store: sends an alert again at once that was accepted for an aggregate of before', async () => {
        await start({ group: 'one' });
        const target = await sendTo(1);
        await store.settle(target, ending('unknown', '504'), T0 + 20);
        await store.alertDeferred(1, T0 + 500);
        await store.settle(target, ending('succeeded'), T0 + 30);
        await store.alertAccepted(1, 1, T0 + 40);
        expect(await store.dueAlerts('srv', T0 + 40, 9)).toMatchObject([{ id: 1, data: 200, generation: 2 }]);
        await store.alertAccepted(1, 2, T0 + 50);
        expect(await store.alertsOfRun(1)).toMatchObject([{ state: 'accepted' }]);
      });

      it.each([
        [true, 'srv', ['accepted', 'open']],
        [false, undefined, ['accepted']],
      ] as const)('store: with LateAlert %s tells %s of a late answer', async (isWanted, alerted, states) => {
        await start({ group: 'one', ...(isWanted ? lateAlert : {}) });
        const target = await sendTo(1);
        await store.settle(target, ending('unknown', '504'), T0 + 20);
        await store.alertAccepted(1, 1, T0 + 25);
        expect(await store.settle(target, ending('succeeded'), T0 + 30)).toMatchObject({ applied: true, alerted });
        expect((await store.alertsOfRun(1)).map(({ state }) => state)).toEqual(states);
      });

      it('store: tells nobody of a run that was started at the gateway', async () => {
        await start({ serverId: undefined, ...lateAlert }, { quorum: () => 1 });
        await store.settle(await sendTo(1), ending('succeeded'), T0 + 20);
        expect(await settleAll(1)).toMatchObject({ alerted: undefined, completed: { generation: 4 } });
        expect(await store.alertsOfRun(1)).toEqual([]);
      });
    });

    it('store: names the runs that may be pruned, never one with an open alert', async () => {
      for (const [index, serverId] of [undefined, 'srv', undefined, undefined].entries()) {
        await start({ group: 'one', serverId });
        await store.settle(await sendTo(1), ending('succeeded'), T0 + index);
      }
      await start({ group: 'one' });
      expect(await store.prunableRuns(T0 + 3, 99, 9)).toEqual([1, 3]);
      expect(await store.prunableRuns(T0 + 3, 99, 1)).toEqual([1]);
      expect(await store.prunableRuns(0, 1, 9)).toEqual([1, 3]);
      expect(await store.prunableRuns(0, 4, 9)).toEqual([]);
      await store.alertAccepted(1, 1, T0);
      expect(await store.prunableRuns(0, 0, 9)).toEqual([1, 2, 3, 4]);
    });
  });
}
