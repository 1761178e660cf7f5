import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FanOutStore, Run, Target } from '../../src/fanout/store.ts';
import type { OpenedStore } from './fan-out-store.contract.ts';
import { ending, type Groups, newRun, T0, terms } from './store-fixture.ts';

const GROUPS: Groups = {
  all: [
    { deviceId: 'urn:dev:test:1', account: 'notified' },
    { deviceId: 'urn:dev:test:2', account: 'polling' },
  ],
  one: [{ deviceId: 'urn:dev:test:1', account: 'notified' }],
};

/** How every implementation of FanOutStore knows a start that comes again. */
export function describeRepeatedStart(name: string, open: (groups: Groups) => Promise<OpenedStore>): void {
  describe(`repeated start: ${name}`, () => {
    let opened: OpenedStore;
    let store: FanOutStore;

    beforeEach(async () => {
      opened = await open(GROUPS);
      ({ store } = opened);
    });

    afterEach(() => opened.close());

    async function start(changes: Parameters<typeof newRun>[0] = {}): Promise<Run> {
      const started = await store.createRun(newRun(changes), terms());
      if (started.kind !== 'created') throw new Error(`the run was not created: ${started.kind}`);
      return started.run;
    }

    async function sendTo(deviceKey: number): Promise<Target> {
      const target = await store.nextForDevice(deviceKey);
      if (!target) throw new Error(`nothing waits for device ${deviceKey}`);
      await store.markSent(target, T0 + 10, T0 + 1_000);
      return target;
    }

    it('store: answers the run of then to a key that it knows, before any refusal', async () => {
      const run = await start({ idempotencyKey: 'key' });
      const again = newRun({ idempotencyKey: 'key', startedAt: T0 + 5, policy: { ...run.policy, attempts: 9 } });
      expect(await store.createRun(again, terms({ maxActiveRuns: 0 }))).toEqual({ kind: 'existing', run });
      expect((await store.createRun(newRun({ idempotencyKey: 'other' }), terms())).kind).toBe('created');
    });

    it('store: refuses a key that was used for another order', async () => {
      await start({ idempotencyKey: 'key' });
      for (const other of [
        { group: 'one' },
        { group: 'none' },
        { commands: '<SyncBody><Get/></SyncBody>' },
        { serverId: 'other' },
        { serverId: undefined },
        { fanOutRoot: './SCM2' },
        { correlator: 'other' },
        { correlator: undefined },
      ]) {
        expect(await store.createRun(newRun({ idempotencyKey: 'key', ...other }), terms())).toEqual({
          kind: 'key-conflict',
        });
      }
      expect(await store.runs(undefined, 10)).toHaveLength(1);
    });

    it('store: takes an order that comes again with its Correlator for the run of then, before any refusal', async () => {
      const run = await start();
      expect(await store.createRun(newRun({ startedAt: T0 + 5 }), terms({ maxActiveRuns: 0 }))).toEqual({
        kind: 'existing',
        run,
      });
      expect(await store.runs(undefined, 10)).toHaveLength(1);
    });

    it('store: takes another order with the same Correlator, or one without, for a run of its own', async () => {
      const orders = [
        {},
        { group: 'one' },
        { commands: '<SyncBody><Get/></SyncBody>' },
        { serverId: 'other' },
        { fanOutRoot: './SCM2' },
        { idempotencyKey: 'key' },
        { correlator: undefined },
        { correlator: undefined },
        { serverId: undefined },
        { serverId: undefined },
      ];
      for (const changes of orders)
        expect((await store.createRun(newRun(changes), terms({ maxActiveRuns: 99 }))).kind).toBe('created');
      expect(await store.createRun(newRun({ group: 'one' }), terms({ maxActiveRuns: 99 }))).toMatchObject({
        run: { number: 2 },
      });
    });

    it('store: knows an order again until its server has answered the alert for good', async () => {
      const answers = [
        (id: number, at: number) => store.alertAccepted(id, 1, at),
        (id: number, at: number) => store.alertRejected(id, at),
      ];
      for (const [index, answer] of answers.entries()) {
        const run = await start({ group: 'one', correlator: 'corr' });
        await store.settle(await sendTo(1), ending('succeeded', '200'), T0 + 20);
        await store.alertDeferred(index + 1, T0 + 90);
        expect(await store.createRun(newRun({ group: 'one' }), terms())).toMatchObject({
          kind: 'existing',
          run: { number: run.number, state: 'complete' },
        });
        await answer(index + 1, T0 + 100);
      }
      expect(await store.createRun(newRun({ group: 'one' }), terms())).toMatchObject({
        kind: 'created',
        run: { number: 3 },
      });
    });

    it('store: does not know an order again whose run was deleted', async () => {
      await start({ group: 'one' });
      await store.settle(await sendTo(1), ending('succeeded', '200'), T0 + 20);
      await store.deleteRun(1);
      expect((await store.createRun(newRun({ group: 'one' }), terms())).kind).toBe('created');
    });
  });
}
