import { describe, expect, it } from 'vitest';
import { BEHAVIOUR, Scenario, statuses } from '../../test/fanout/scenario.ts';
import { parseWaves } from './waves.ts';

const SECOND = 1_000;

/** Devices with these keys answer every command with 500. */
function failing(scenario: Scenario, keys: readonly number[]): void {
  for (const key of keys) {
    scenario.behaviours.set(key, (device) =>
      device.session(async (assignment) => {
        await device.engine.answered(assignment, statuses(assignment.commands, 500));
        return true;
      }),
    );
  }
}

describe('waves', () => {
  it('engine: begins a wave when all members of the one before have settled', async () => {
    const scenario = new Scenario(10);
    scenario.behaviours.set(2, BEHAVIOUR.silent);
    await scenario.start({ waves: parseWaves('1,3'), deviceDeadlineMs: 20 * SECOND, backoffMs: 60 * SECOND });
    await scenario.clock.advance(SECOND);
    expect(scenario.notifications.map(({ key }) => key)).toEqual([1, 2, 3, 4]);
    expect(await scenario.store.run(1)).toMatchObject({ wave: 2, released: 4, counts: { succeeded: 3 } });
    await scenario.clock.advance(20 * SECOND);
    expect(scenario.notifications.map(({ key }) => key)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(scenario.completed).toMatchObject([{ wave: 4, counts: { succeeded: 9, 'timed-out': 1 } }]);
  });

  it('engine: gives a member whose wave has not begun no commands, though it comes by itself', async () => {
    const scenario = new Scenario(2);
    scenario.behaviours.set(1, BEHAVIOUR.silent);
    await scenario.start({ waves: parseWaves('1') });
    await scenario.run(2);
    expect(await scenario.outcomes()).toEqual(['pending', 'pending']);
  });

  it('engine: pauses at the end of a wave with too many failures, and resumes with the next wave', async () => {
    const scenario = new Scenario(8);
    failing(scenario, [1, 2, 5]);
    await scenario.start({ waves: parseWaves('4'), maxFailures: 49 });
    await scenario.clock.advance(SECOND);
    expect(await scenario.store.run(1)).toMatchObject({
      state: 'paused',
      pauseCause: 'failures',
      released: 4,
      counts: { failed: 2, succeeded: 2, pending: 4 },
    });
    expect(scenario.changes).toMatchObject([{ state: 'paused', pauseCause: 'failures' }]);
    await scenario.engine.resumeRun(1);
    await scenario.clock.advance(SECOND);
    expect(scenario.completed).toMatchObject([{ state: 'complete', counts: { failed: 3, succeeded: 5 } }]);
  });

  it('engine: judges again at the end of the wave that a resume has begun', async () => {
    const scenario = new Scenario(3);
    failing(scenario, [1, 2]);
    await scenario.start({ waves: parseWaves('1'), maxFailures: 0 });
    await scenario.clock.advance(SECOND);
    await scenario.engine.resumeRun(1);
    await scenario.clock.advance(SECOND);
    expect(await scenario.store.run(1)).toMatchObject({ state: 'paused', wave: 2, counts: { failed: 2, pending: 1 } });
  });

  it('engine: bears as many failures as the policy says', async () => {
    const scenario = new Scenario(4);
    failing(scenario, [1]);
    await scenario.start({ waves: parseWaves('50%'), maxFailures: 50 });
    await scenario.clock.advance(SECOND);
    expect(scenario.completed).toMatchObject([{ counts: { failed: 1, succeeded: 3 } }]);
  });

  it('engine: judges a wave that ended while the run was paused when it is resumed', async () => {
    const scenario = new Scenario(2);
    failing(scenario, [1]);
    await scenario.start({ waves: parseWaves('1'), maxFailures: 0 });
    await scenario.engine.pauseRun(1);
    await scenario.clock.advance(SECOND);
    await scenario.engine.resumeRun(1);
    await scenario.clock.advance(SECOND);
    await scenario.clock.advance(10 * SECOND);
    expect(await scenario.store.run(1)).toMatchObject({ state: 'paused', pauseCause: 'failures', wave: 1 });
  });

  it('engine: releases the rest of a wave that had begun when the process died', async () => {
    const scenario = new Scenario(800);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ waves: parseWaves('1,699,100') });
    await scenario.store.beginWave(1, 2, 700);
    await scenario.store.releaseHeld(1, scenario.clock.now(), 100);
    scenario.everyDevice(BEHAVIOUR.answers);
    await scenario.restart();
    await scenario.clock.advance(20 * SECOND);
    expect(await scenario.store.run(1)).toMatchObject({ state: 'complete', counts: { succeeded: 800 } });
  });
});

describe('a quorum', () => {
  it('engine: announces the run when so many have settled, and once more at its end', async () => {
    const scenario = new Scenario(4);
    for (const key of [3, 4]) scenario.behaviours.set(key, BEHAVIOUR.silent);
    await scenario.start({ quorum: 50, deviceDeadlineMs: 30 * SECOND });
    await scenario.clock.advance(SECOND);
    expect(scenario.alertedServers).toEqual(['dm-server']);
    const [first] = await scenario.store.dueAlerts('dm-server', scenario.clock.now(), 10);
    expect(first).toMatchObject({ data: 101, generation: 1 });
    await scenario.store.alertAccepted(first?.id ?? 0, 1, scenario.clock.now());
    await scenario.clock.advance(30 * SECOND);
    expect(scenario.alertedServers).toEqual(['dm-server', 'dm-server']);
    expect(await scenario.store.dueAlerts('dm-server', scenario.clock.now(), 10)).toMatchObject([
      { data: 250, generation: 3 },
    ]);
  });

  it('engine: has one alert only when the quorum is reached with the last member', async () => {
    const scenario = new Scenario(3);
    await scenario.start({ quorum: 100 });
    await scenario.clock.advance(SECOND);
    expect(await scenario.store.alertsOfRun(1)).toMatchObject([{ data: 200, generation: 1 }]);
  });
});
