import { describe, expect, it } from 'vitest';
import { BEHAVIOUR, GET, Scenario, statuses } from '../../test/fanout/scenario.ts';

const SECOND = 1_000;

describe('a paused run', () => {
  it('engine: gives no turns and no commands until it is resumed, and takes answers meanwhile', async () => {
    const scenario = new Scenario(30);
    await scenario.start({ concurrency: 10 });
    await scenario.clock.advance(150);
    expect(await scenario.engine.pauseRun(1)).toMatchObject({ state: 'paused', pauseCause: 'asked' });
    await scenario.clock.advance(10 * SECOND);
    expect(scenario.notifications).toHaveLength(10);
    expect(await scenario.store.run(1)).toMatchObject({ counts: { succeeded: 10, pending: 20 } });
    await scenario.run(20);
    expect((await scenario.outcomes())[19]).toBe('pending');
    await scenario.engine.resumeRun(1);
    await scenario.clock.advance(10 * SECOND);
    expect(scenario.completed).toMatchObject([{ state: 'complete', counts: { succeeded: 30 } }]);
    expect(scenario.changes.map(({ state }) => state)).toEqual(['paused', 'running']);
  });

  it('engine: goes on to expire members while it is paused', async () => {
    const scenario = new Scenario(2);
    await scenario.start({ runDeadlineMs: 60 * SECOND });
    await scenario.engine.pauseRun(1);
    await scenario.clock.advance(60 * SECOND);
    expect(scenario.completed).toMatchObject([{ state: 'complete', counts: { 'timed-out': 2 } }]);
  });

  it('engine: stays paused over a restart', async () => {
    const scenario = new Scenario(3);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start();
    await scenario.engine.pauseRun(1);
    await scenario.restart();
    scenario.everyDevice(BEHAVIOUR.answers);
    await scenario.clock.advance(20 * SECOND);
    expect(scenario.notifications).toHaveLength(3);
    await scenario.engine.resumeRun(1);
    await scenario.clock.advance(20 * SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });

  it('engine: gives no turn after the pause is done, whatever was under way', async () => {
    const scenario = new Scenario(5);
    const run = scenario.start();
    await run;
    const before = scenario.notifications.length;
    scenario.behaviours.set(1, BEHAVIOUR.silent);
    await Promise.all([scenario.engine.pauseRun(1), scenario.clock.advance(0)]);
    await scenario.clock.advance(20 * SECOND);
    expect(scenario.notifications).toHaveLength(before);
  });
});

describe('a cancelled run', () => {
  it('engine: cancels members that were never sent their commands, and lets the others finish', async () => {
    const scenario = new Scenario(4);
    scenario.behaviours.set(1, BEHAVIOUR.hangs);
    scenario.behaviours.set(2, async (device) => {
      await device.session(async (assignment) => {
        await device.latency(5 * SECOND);
        await device.engine.answered(assignment, statuses(assignment.commands));
        return true;
      });
    });
    scenario.behaviours.set(3, BEHAVIOUR.silent);
    await scenario.start({ waves: [{ kind: 'members', members: 3 }], deviceDeadlineMs: 60 * SECOND });
    await scenario.clock.advance(SECOND);
    expect(await scenario.engine.cancelRun(1)).toMatchObject({ state: 'cancelling' });
    await scenario.clock.advance(0);
    expect(await scenario.outcomes()).toEqual(['pending', 'pending', 'cancelled', 'cancelled']);
    expect(await scenario.codes(4)).toEqual([215, 215]);
    await scenario.clock.advance(58 * SECOND);
    expect(await scenario.outcomes()).toEqual(['pending', 'succeeded', 'cancelled', 'cancelled']);
    await scenario.clock.advance(SECOND);
    expect(scenario.completed).toMatchObject([
      { state: 'cancelled', counts: { succeeded: 1, unknown: 1, cancelled: 2 } },
    ]);
    expect(await scenario.store.dueAlerts('dm-server', scenario.clock.now(), 10)).toMatchObject([{ data: 551 }]);
  });

  it('engine: cancels a paused run, in pages, and after a restart too', async () => {
    const scenario = new Scenario(1_100);
    await scenario.start({ concurrency: 1, startRate: 1 });
    await scenario.engine.pauseRun(1);
    await scenario.engine.cancelRun(1);
    await scenario.restart();
    await scenario.clock.advance(SECOND);
    expect(scenario.completed).toMatchObject([{ state: 'cancelled' }]);
    expect((await scenario.outcomes()).slice(1)).toEqual(Array.from({ length: 1_099 }, () => 'cancelled'));
  });

  it('engine: says unknown of commands that left and waited to be sent again', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.drops);
    await scenario.start({}, { commands: [GET] });
    await scenario.clock.advance(SECOND);
    await scenario.engine.cancelRun(1);
    await scenario.clock.advance(0);
    expect([await scenario.outcomes(), await scenario.codes(1)]).toEqual([['unknown'], [504]]);
  });

  it('engine: cancels a member whose commands come back unread after the cancel', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.refusesUs);
    await scenario.start();
    await scenario.clock.advance(150);
    await scenario.engine.cancelRun(1);
    await scenario.clock.advance(100);
    expect(scenario.completed).toMatchObject([{ state: 'cancelled', counts: { cancelled: 1 } }]);
  });
});

describe('what a run cannot do', () => {
  it('engine: says in which states a run can be steered, and changes nothing', async () => {
    const scenario = new Scenario(1);
    const { engine } = scenario;
    await expect(engine.pauseRun(9)).rejects.toMatchObject({ status: 404, code: 'FANOUT_NO_RUN' });
    await scenario.start();
    expect(await engine.resumeRun(1)).toMatchObject({ state: 'running' });
    await scenario.clock.advance(SECOND);
    await expect(engine.pauseRun(1)).rejects.toMatchObject({
      status: 405,
      code: 'FANOUT_RUN_STATE',
      message: 'run 1 is complete; only a run that is scheduled or running can be paused',
    });
    await expect(engine.resumeRun(1)).rejects.toThrow('only a run that is paused can be resumed');
    await expect(engine.cancelRun(1)).rejects.toThrow(
      'run 1 is complete; only a run that is scheduled, running or paused can be cancelled',
    );
    expect(scenario.changes).toEqual([]);
  });

  it('engine: answers the run when there is nothing to change', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.hangs);
    await scenario.start();
    await scenario.clock.advance(SECOND);
    for (const expected of ['paused', 'paused']) {
      expect((await scenario.engine.pauseRun(1)).state).toBe(expected);
    }
    for (const expected of ['cancelling', 'cancelling']) {
      expect((await scenario.engine.cancelRun(1)).state).toBe(expected);
    }
    expect(scenario.changes.map(({ state }) => state)).toEqual(['paused', 'cancelling']);
    await expect(scenario.engine.resumeRun(1)).rejects.toMatchObject({ status: 405 });
  });
});

describe('a retry', () => {
  const retry = { serverId: undefined, correlator: undefined, idempotencyKey: undefined, policy: {} };

  it('engine: runs the same commands again for the members with these outcomes, as a run of their own', async () => {
    const scenario = new Scenario(4);
    scenario.everyDevice(BEHAVIOUR.silent);
    scenario.behaviours.set(2, BEHAVIOUR.answers);
    const notBefore = scenario.clock.wallNow() + SECOND;
    await scenario.start({ deviceDeadlineMs: 10 * SECOND, notBefore }, { commands: [GET] });
    await scenario.clock.advance(20 * SECOND);
    scenario.everyDevice(BEHAVIOUR.answers);
    const run = await scenario.engine.retryRun({ ...retry, run: 1, outcomes: ['timed-out', 'unknown'] });
    expect(run).toMatchObject({
      number: 2,
      group: 'all',
      state: 'running',
      retryOf: { run: 1, outcomes: ['timed-out', 'unknown'] },
      policy: { deviceDeadlineMs: 10 * SECOND, notBefore: undefined },
    });
    await scenario.clock.advance(SECOND);
    const members = await scenario.store.members(2, 0, 10);
    expect(members.map(({ deviceId, outcome }) => [deviceId, outcome])).toEqual([
      ['urn:dev:1', 'succeeded'],
      ['urn:dev:3', 'succeeded'],
      ['urn:dev:4', 'succeeded'],
    ]);
    expect(await scenario.outcomes(1)).toEqual(['timed-out', 'succeeded', 'timed-out', 'timed-out']);
  });

  it('engine: refuses a retry of no run, of an active one, and of members that are none', async () => {
    const scenario = new Scenario(1);
    const { engine } = scenario;
    await expect(engine.retryRun({ ...retry, run: 7, outcomes: ['failed'] })).rejects.toMatchObject({ status: 404 });
    await scenario.start();
    await expect(engine.retryRun({ ...retry, run: 1, outcomes: ['failed'] })).rejects.toMatchObject({
      status: 405,
      message: 'run 1 is active; only a run that has ended can be retried',
    });
    await scenario.clock.advance(SECOND);
    await expect(engine.retryRun({ ...retry, run: 1, outcomes: ['failed', 'unknown'] })).rejects.toMatchObject({
      status: 412,
      message: 'no member of run 1 ended as failed or unknown',
    });
  });
});
