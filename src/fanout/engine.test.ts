import { describe, expect, it } from 'vitest';
import { MemoryFanOutStore } from '../../test/fanout/memory-store.ts';
import { BEHAVIOUR, devicesTo, EXEC, GET, Scenario, statuses } from '../../test/fanout/scenario.ts';

const SECOND = 1_000;

describe('start of a run', () => {
  it('engine: refuses a start without commands, group, members or room, and stores nothing', async () => {
    const scenario = new Scenario(2);
    await expect(scenario.start({}, { commands: [] })).rejects.toMatchObject({ status: 412 });
    await expect(scenario.start({}, { group: 'missing' })).rejects.toMatchObject({ status: 404 });
    await expect(scenario.start({}, { group: 'none' })).rejects.toMatchObject({ status: 412 });
    scenario.everyDevice(BEHAVIOUR.silent);
    for (let run = 1; run <= 3; run += 1) await scenario.start();
    await expect(scenario.start()).rejects.toMatchObject({ status: 403 });
    expect(await scenario.store.runs(undefined, 10)).toHaveLength(3);
  });

  it('engine: starts nothing twice under one idempotency key, not even when no more runs may be active', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.silent);
    const first = await scenario.start({}, { idempotencyKey: 'a' });
    for (const key of ['b', 'c']) await scenario.start({}, { idempotencyKey: key });
    expect((await scenario.start({}, { idempotencyKey: 'a' })).number).toBe(first.number);
    await scenario.engine.close();
  });

  it('engine: refuses another order under a key that was used', async () => {
    const scenario = new Scenario(1);
    await scenario.start({}, { idempotencyKey: 'a' });
    await expect(scenario.start({}, { idempotencyKey: 'a', commands: [GET] })).rejects.toMatchObject({
      status: 409,
      code: 'FANOUT_KEY_CONFLICT',
      message: 'the idempotency key a was used for another order',
    });
    expect(await scenario.store.runs(undefined, 10)).toHaveLength(1);
  });

  it('engine: takes a repeated Exec for the one before until the server has accepted its alert', async () => {
    const scenario = new Scenario(1);
    const exec = () => scenario.start({}, { correlator: 'c-1' });
    expect((await exec()).number).toBe(1);
    expect((await exec()).number).toBe(1);
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
    expect((await exec()).number).toBe(1);
    expect(scenario.notifications).toHaveLength(1);
    await scenario.store.alertAccepted(1, 1, scenario.clock.now());
    expect((await exec()).number).toBe(2);
    await scenario.clock.advance(SECOND);
  });
});

describe('a run', () => {
  it('engine: brings the commands to every device, completes the run and tells the server', async () => {
    const scenario = new Scenario(1_200);
    await scenario.start({ concurrency: 100 });
    await scenario.clock.advance(60 * SECOND);
    expect(scenario.completed.map(({ counts }) => counts)).toMatchObject([{ targets: 1_200, succeeded: 1_200 }]);
    expect(scenario.alertedServers).toEqual(['dm-server']);
    expect(await scenario.store.dueAlerts('dm-server', scenario.clock.now(), 10)).toMatchObject([
      { run: 1, data: 200 },
    ]);
    expect(await scenario.codes(1_200)).toEqual([200, 200]);
    expect(scenario.notifications).toHaveLength(1_200);
  });

  it('engine: takes up a run that is started after it was opened with nothing to do', async () => {
    const scenario = new Scenario(1);
    await scenario.engine.open();
    await scenario.start();
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
  });

  it('engine: tells nobody of a run that was started at the gateway', async () => {
    const scenario = new Scenario(1);
    await scenario.start({}, { serverId: undefined });
    await scenario.clock.advance(SECOND);
    expect([scenario.completed.length, scenario.alertedServers.length]).toEqual([1, 0]);
  });

  it('engine: lets silent devices hold no other back for longer than 2 s each', async () => {
    const scenario = new Scenario(10);
    for (const key of [1, 2, 3]) scenario.behaviours.set(key, BEHAVIOUR.silent);
    await scenario.start({ concurrency: 1, backoffMs: 60 * SECOND });
    await scenario.clock.advance(8 * SECOND);
    expect(await scenario.outcomes()).toEqual([
      ...['pending', 'pending', 'pending'],
      ...Array.from({ length: 7 }, () => 'succeeded'),
    ]);
    await scenario.clock.advance(120 * SECOND);
    expect(scenario.completed).toMatchObject([{ counts: { succeeded: 7, 'timed-out': 3 } }]);
  });

  it('engine: ends silent devices on time, and gives the slots of those that fall silent to others', async () => {
    const scenario = new Scenario(100);
    scenario.behaviours.set(1, BEHAVIOUR.silent);
    scenario.everyDevice(BEHAVIOUR.hangs);
    await scenario.start({ concurrency: 2, deviceDeadlineMs: 30 * SECOND });
    await scenario.clock.advance(33 * SECOND);
    expect((await scenario.outcomes()).slice(0, 4)).toEqual(['timed-out', 'unknown', 'unknown', 'unknown']);
    expect(scenario.notifications.length).toBeGreaterThan(20);
  });

  it('engine: notifies no faster than the rate allows', async () => {
    const scenario = new Scenario(30);
    await scenario.start({ startRate: 10 });
    await scenario.clock.advance(995);
    expect(scenario.notifications).toHaveLength(10);
    await scenario.clock.advance(2_000);
    expect(scenario.notifications).toHaveLength(30);
  });

  it('engine: repeats notifications after a wait that doubles, then gives up', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.silent);
    const { startedAt } = await scenario.start({ attempts: 3, backoffMs: 5 * SECOND, offline: 'skip' });
    await scenario.clock.advance(34_999);
    expect(scenario.notifications.map(({ at }) => at - startedAt)).toEqual([0, 5_000, 15_000]);
    expect(await scenario.outcomes()).toEqual(['pending']);
    await scenario.clock.advance(1);
    expect(await scenario.outcomes()).toEqual(['timed-out']);
    expect(await scenario.codes(1)).toEqual([408, 408]);
  });

  it('engine: gives a device that comes after its last attempt its commands, until its deadline', async () => {
    const scenario = new Scenario(2);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ attempts: 1, backoffMs: SECOND, deviceDeadlineMs: 60 * SECOND });
    await scenario.clock.advance(50 * SECOND);
    scenario.behaviours.set(1, BEHAVIOUR.answers);
    await Promise.all([scenario.run(1), scenario.clock.advance(9 * SECOND)]);
    expect(await scenario.outcomes()).toEqual(['succeeded', 'pending']);
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded', 'timed-out']);
  });

  it('engine: ends every member at the end of the run, those without a turn too', async () => {
    const scenario = new Scenario(1_500);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ concurrency: 10, runDeadlineMs: 20 * SECOND });
    await scenario.clock.advance(20 * SECOND);
    expect(scenario.completed).toMatchObject([{ state: 'complete', counts: { 'timed-out': 1_500 } }]);
  });

  it('engine: settles members without an account and those whose every notification is refused as unreachable', async () => {
    const [first, ...others] = devicesTo(3);
    const scenario = new Scenario([{ ...first!, deviceKey: undefined }, ...others]);
    scenario.refused.add(2);
    await scenario.start({ attempts: 2, offline: 'skip' });
    await scenario.clock.advance(60 * SECOND);
    expect(await scenario.outcomes()).toEqual(['unreachable', 'unreachable', 'succeeded']);
    expect(await scenario.codes(2)).toEqual([503, 503]);
  });

  it('engine: gives the slot of a refused notification back at once', async () => {
    const scenario = new Scenario(5);
    for (const key of [1, 2, 3, 4]) scenario.refused.add(key);
    await scenario.start({ concurrency: 1 });
    await scenario.clock.advance(SECOND);
    expect((await scenario.outcomes())[4]).toBe('succeeded');
  });

  it('engine: lets a polling device come by itself, without a notification, until its deadline', async () => {
    const polling = devicesTo(2).map((device) => ({ ...device, notifiable: false }));
    const scenario = new Scenario(polling);
    await scenario.start({ deviceDeadlineMs: 60 * SECOND });
    await scenario.clock.advance(50 * SECOND);
    await Promise.all([scenario.run(1), scenario.clock.advance(SECOND)]);
    expect(await scenario.outcomes()).toEqual(['succeeded', 'pending']);
    await scenario.clock.advance(10 * SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded', 'timed-out']);
    expect(scenario.notifications).toEqual([]);
  });
});

describe('several runs', () => {
  it('engine: brings a device the commands of its runs in the order of their start, in one session', async () => {
    const scenario = new Scenario(3);
    const order: number[] = [];
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        if (device.key === 2) order.push(assignment.target.run);
        await device.engine.answered(assignment, statuses(assignment.commands));
        return true;
      }),
    );
    await scenario.start();
    await scenario.start({}, { commands: [{ ...EXEC, cmdId: 'x' }] });
    await scenario.clock.advance(SECOND);
    expect(order).toEqual([1, 2]);
    expect(scenario.completed.map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe('carriers', () => {
  it('engine: settles a member as failed whose device cannot take a command, and goes on with the next run', async () => {
    const scenario = new Scenario(1);
    const large = { ...EXEC, cmdId: '9', items: [{ target: { locUri: './X' }, data: 'y'.repeat(5_000) }] };
    scenario.everyDevice((device) =>
      device.session(
        async (assignment) => {
          await device.engine.answered(assignment, statuses(assignment.commands));
          return true;
        },
        { maxMsgBytes: 4_000, maxObjBytes: 4_999 },
      ),
    );
    await scenario.start({}, { commands: [GET, large] });
    await scenario.start();
    await scenario.clock.advance(SECOND);
    expect([await scenario.outcomes(1), await scenario.outcomes(2)]).toEqual([['failed'], ['succeeded']]);
    expect(await scenario.codes(1)).toEqual([215, 413]);
  });
});

describe('restarts', () => {
  it('engine: goes on after a crash, loses no member and repeats no Exec', async () => {
    const scenario = new Scenario(6);
    scenario.behaviours.set(1, BEHAVIOUR.hangs);
    scenario.behaviours.set(2, BEHAVIOUR.hangs);
    await scenario.start({ concurrency: 2, deviceDeadlineMs: 100 * SECOND });
    await scenario.clock.advance(SECOND);
    await scenario.restart(5 * SECOND);
    await scenario.clock.advance(10 * SECOND);
    expect((await scenario.outcomes()).slice(2)).toEqual(Array.from({ length: 4 }, () => 'succeeded'));
    await scenario.clock.advance(100 * SECOND);
    expect(scenario.completed).toMatchObject([{ counts: { succeeded: 4, unknown: 2 } }]);
  });

  it('engine: sends commands that may run twice again after a crash', async () => {
    const scenario = new Scenario(1);
    scenario.behaviours.set(1, BEHAVIOUR.hangs);
    await scenario.start({}, { commands: [GET] });
    await scenario.clock.advance(SECOND);
    scenario.behaviours.clear();
    await scenario.restart();
    await scenario.clock.advance(10 * SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
  });

  it('engine: lets no member expire in the first 30 s after a start', async () => {
    const scenario = new Scenario(2);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ runDeadlineMs: 60 * SECOND });
    await scenario.restart(1_000 * SECOND);
    await scenario.clock.advance(29 * SECOND);
    expect(await scenario.outcomes()).toEqual(['pending', 'pending']);
    scenario.behaviours.set(2, BEHAVIOUR.answers);
    void scenario.run(2);
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['timed-out', 'succeeded']);
  });

  it('engine: tries again after the store failed, and reports it', async () => {
    let failures = 3;
    const scenario = new Scenario(
      2,
      class extends MemoryFanOutStore {
        override outlook(run: number) {
          failures -= 1;
          return failures >= 0 ? Promise.reject(new Error('disk full')) : super.outlook(run);
        }
      },
    );
    await scenario.start();
    await scenario.clock.advance(5 * SECOND);
    expect(scenario.problems).toEqual(Array.from({ length: 3 }, () => 'turns of run 1'));
    expect(await scenario.outcomes()).toEqual(['succeeded', 'succeeded']);
  });
});
