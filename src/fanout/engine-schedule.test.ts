import { describe, expect, it } from 'vitest';
import { BEHAVIOUR, devicesTo, Scenario, statuses } from '../../test/fanout/scenario.ts';
import { parseWaves } from './waves.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

describe('a schedule', () => {
  it('engine: gives no turn before NotBefore, and counts the deadline of the run from then', async () => {
    const scenario = new Scenario(3);
    scenario.behaviours.set(3, BEHAVIOUR.silent);
    const now = scenario.clock.now();
    const run = await scenario.start({
      notBefore: now + HOUR,
      runDeadlineMs: 60 * SECOND,
      waves: parseWaves('2,100%'),
    });
    expect(run).toMatchObject({ state: 'scheduled', released: 0, endsAt: now + HOUR + 60 * SECOND });
    await scenario.run(1);
    await scenario.clock.advance(HOUR - 1);
    expect([scenario.notifications.length, scenario.changes.length]).toEqual([0, 0]);
    await scenario.clock.advance(1);
    expect(scenario.changes).toMatchObject([{ state: 'running' }]);
    expect(scenario.notifications.map(({ key }) => key)).toEqual([1, 2]);
    await scenario.clock.advance(60 * SECOND);
    expect(scenario.completed).toMatchObject([{ counts: { succeeded: 2, 'timed-out': 1 } }]);
  });

  it('engine: keeps to the wall clock when it jumps, within 5 s', async () => {
    const scenario = new Scenario(1);
    await scenario.start({ notBefore: scenario.clock.wallNow() + HOUR });
    scenario.clock.jumpWall(HOUR - 10 * SECOND);
    await scenario.clock.advance(5 * SECOND);
    expect(scenario.notifications).toHaveLength(0);
    await scenario.clock.advance(5 * SECOND);
    expect(scenario.notifications).toHaveLength(1);
  });

  it('engine: starts at once when NotBefore has passed', async () => {
    const scenario = new Scenario(1);
    expect(await scenario.start({ notBefore: scenario.clock.wallNow() - HOUR })).toMatchObject({ state: 'running' });
  });

  it('engine: is scheduled again when it is resumed before NotBefore, and runs when it is resumed after', async () => {
    const scenario = new Scenario(1);
    await scenario.start({ notBefore: scenario.clock.wallNow() + HOUR });
    expect((await scenario.engine.pauseRun(1)).state).toBe('paused');
    expect((await scenario.engine.resumeRun(1)).state).toBe('scheduled');
    await scenario.engine.pauseRun(1);
    await scenario.clock.advance(HOUR + SECOND);
    expect(scenario.notifications).toEqual([]);
    expect((await scenario.engine.resumeRun(1)).state).toBe('running');
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
  });

  it('engine: cancels a run that has not begun', async () => {
    const scenario = new Scenario(2);
    await scenario.start({ notBefore: scenario.clock.wallNow() + HOUR });
    await scenario.engine.cancelRun(1);
    await scenario.clock.advance(0);
    expect(scenario.completed).toMatchObject([{ state: 'cancelled', counts: { cancelled: 2 } }]);
  });

  it('engine: begins a scheduled run after a restart', async () => {
    const scenario = new Scenario(1);
    await scenario.start({ notBefore: scenario.clock.wallNow() + HOUR });
    await scenario.restart(HOUR);
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
  });
});

describe('the end of a window', () => {
  it('engine: sends nothing from NotAfter on, and lets finish what was sent', async () => {
    const [first, second, third, ...others] = devicesTo(5);
    const scenario = new Scenario([first!, second!, { ...third!, deviceKey: undefined }, ...others]);
    scenario.everyDevice(BEHAVIOUR.silent);
    scenario.behaviours.set(1, async (device) =>
      device.session(async (assignment) => {
        await device.latency(30 * SECOND);
        await device.engine.answered(assignment, statuses(assignment.commands));
        return true;
      }),
    );
    scenario.behaviours.set(2, BEHAVIOUR.cannotProveItself);
    await scenario.start({ notAfter: scenario.clock.wallNow() + 20 * SECOND, waves: parseWaves('2') });
    await scenario.clock.advance(20 * SECOND);
    expect(await scenario.outcomes()).toEqual(['pending', 'unauthorized', 'unreachable', 'timed-out', 'timed-out']);
    await scenario.clock.advance(12 * SECOND);
    expect(scenario.completed).toMatchObject([{ state: 'complete', counts: { succeeded: 1 } }]);
  });

  it('engine: gives a device that comes after NotAfter no commands, though the loop has not seen the time yet', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ notAfter: scenario.clock.wallNow() + HOUR });
    scenario.clock.jumpWall(HOUR);
    scenario.everyDevice(BEHAVIOUR.answers);
    await scenario.run(1);
    expect(await scenario.outcomes()).toEqual(['timed-out']);
  });

  it('engine: refuses a start whose NotAfter has passed, but answers the repeat of one before', async () => {
    const scenario = new Scenario(1);
    const notAfter = scenario.clock.wallNow() + SECOND;
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ notAfter }, { idempotencyKey: 'k' });
    await scenario.clock.advance(SECOND);
    await expect(scenario.start({ notAfter })).rejects.toMatchObject({
      status: 400,
      code: 'FANOUT_POLICY',
      message: `NotAfter is ${new Date(notAfter).toISOString()}; allowed is a time to come`,
    });
    expect(await scenario.start({ notAfter }, { idempotencyKey: 'k' })).toMatchObject({ number: 1 });
  });
});

describe('a jump of the wall clock', () => {
  it('engine: expires nobody, and is reported once', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ deviceDeadlineMs: 60 * SECOND });
    scenario.clock.jumpWall(1_000 * HOUR);
    await scenario.clock.advance(30 * SECOND);
    scenario.clock.jumpWall(-4 * SECOND);
    await scenario.clock.advance(10 * SECOND);
    expect([await scenario.outcomes(), scenario.clockJumps]).toEqual([['pending'], [1_000 * HOUR]]);
    scenario.clock.jumpWall(-1_000 * HOUR);
    await scenario.clock.advance(20 * SECOND);
    expect([await scenario.outcomes(), scenario.clockJumps]).toEqual([['timed-out'], [1_000 * HOUR, -1_000 * HOUR]]);
  });
});
