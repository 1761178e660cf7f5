import { describe, expect, it } from 'vitest';
import type { AlertCommand, RequestCommand } from '../protocol/message/message.ts';
import { BEHAVIOUR, GET, Scenario, statuses, UPDATE } from '../../test/fanout/scenario.ts';

const SECOND = 1_000;
const COMMANDS = [GET, UPDATE];

function alert(data: string, locUri = './FUMO/Update', correlator?: string): AlertCommand {
  return {
    kind: 'Alert',
    cmdId: '7',
    code: 1226,
    correlator,
    items: [{ source: { locUri }, meta: { type: 'urn:oma:at:fumo:updatedownload' }, data }],
  };
}

/** A fleet that takes every command on with 202. */
function accepting(devices: number): Scenario {
  const scenario = new Scenario(devices);
  scenario.everyDevice((device) =>
    device.session(async (assignment) => {
      await device.engine.answered(assignment, statuses(assignment.commands, 202));
      return true;
    }),
  );
  return scenario;
}

describe('an Exec that a device takes on with 202', () => {
  it('engine: has succeeded at once without AwaitAsync, and its end is kept all the same', async () => {
    const scenario = accepting(1);
    await scenario.start({}, { commands: COMMANDS });
    await scenario.clock.advance(SECOND);
    expect(scenario.completed).toHaveLength(1);
    expect(await scenario.engine.asyncAlert(1, alert('500', './FUMO/Update', 'fw-1'))).toBe(true);
    expect(await scenario.store.member(1, 1)).toMatchObject({
      outcome: 'succeeded',
      late: false,
      asyncAnswers: [{ cmdId: '3', data: '500', at: scenario.clock.now() }],
    });
    expect(await scenario.engine.asyncAlert(1, alert('200', './Other'))).toBe(false);
  });

  it.each([
    ['200', 'succeeded'],
    [' 250 ', 'succeeded'],
    ['200 done', 'succeeded'],
    ['2000', 'failed'],
    ['410', 'failed'],
    ['', 'failed'],
    ['done', 'failed'],
  ])('engine: with AwaitAsync and Data "%s" its member has %s', async (data, outcome) => {
    const scenario = accepting(2);
    await scenario.start({ awaitAsync: true, deviceDeadlineMs: 5 * SECOND }, { commands: COMMANDS });
    await scenario.clock.advance(60 * SECOND);
    expect(await scenario.outcomes()).toEqual(['pending', 'pending']);
    await scenario.engine.asyncAlert(2, alert(data, './FUMO/Update', 'fw-1'));
    expect(await scenario.outcomes()).toEqual(['pending', outcome]);
    expect(await scenario.codes(2)).toEqual([202, 202]);
  });

  it('engine: is unknown with the answer of its device when nothing is told until the end of the run', async () => {
    const scenario = accepting(1);
    await scenario.start({ awaitAsync: true, runDeadlineMs: 60 * SECOND }, { commands: COMMANDS });
    await scenario.restart();
    await scenario.clock.advance(59 * SECOND);
    expect(await scenario.outcomes()).toEqual(['pending']);
    await scenario.clock.advance(SECOND);
    expect([await scenario.outcomes(), await scenario.codes(1)]).toEqual([['unknown'], [202, 202]]);
    await scenario.engine.asyncAlert(1, alert('200', '/FUMO/Update'));
    expect(await scenario.store.member(1, 1)).toMatchObject({ outcome: 'succeeded', late: true });
  });

  it('engine: holds no slot while it is awaited', async () => {
    const scenario = accepting(30);
    await scenario.start({ awaitAsync: true, concurrency: 1 }, { commands: COMMANDS });
    await scenario.clock.advance(10 * SECOND);
    expect(scenario.notifications).toHaveLength(30);
  });

  it('engine: fails its member at once when another command failed', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.engine.answered(assignment, [...statuses([GET], 404), ...statuses([UPDATE], 202)]);
        return true;
      }),
    );
    await scenario.start({ awaitAsync: true }, { commands: COMMANDS });
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['failed']);
  });

  it('engine: needs the end of every one of them, by Correlator or by Source', async () => {
    const other: RequestCommand = { kind: 'Exec', cmdId: '4', items: [{ target: { locUri: 'Backup/Start' } }] };
    const scenario = accepting(1);
    await scenario.start({ awaitAsync: true }, { commands: [UPDATE, other] });
    await scenario.clock.advance(SECOND);
    const { engine } = scenario;
    expect(await engine.asyncAlert(1, alert('200', './FUMO/Update', 'fw-2'))).toBe(false);
    expect(await engine.asyncAlert(1, alert('200', './Elsewhere', 'fw-1'))).toBe(true);
    expect(await engine.asyncAlert(1, alert('500', './Elsewhere', 'fw-1'))).toBe(true);
    expect(await scenario.outcomes()).toEqual(['pending']);
    expect(await engine.asyncAlert(1, alert('200', './Backup/Start'))).toBe(true);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
    const member = await scenario.store.member(1, 1);
    expect(member?.asyncAnswers.map(({ cmdId, data }) => [cmdId, data])).toEqual([
      ['3', '200'],
      ['4', '200'],
    ]);
  });

  it('engine: takes two ends that are told at the same time', async () => {
    const other: RequestCommand = { kind: 'Exec', cmdId: '4', items: [{ target: { locUri: './Backup' } }] };
    const scenario = accepting(1);
    await scenario.start({ awaitAsync: true }, { commands: [UPDATE, other] });
    await scenario.clock.advance(SECOND);
    await Promise.all([
      scenario.engine.asyncAlert(1, alert('200')),
      scenario.engine.asyncAlert(1, alert('404', './Backup')),
    ]);
    expect(await scenario.outcomes()).toEqual(['failed']);
  });

  it('engine: gives each of two runs the end that names its Exec', async () => {
    const unnamed: RequestCommand = { kind: 'Exec', cmdId: '3', items: [{ target: { locUri: './FUMO/Update' } }] };
    const scenario = accepting(1);
    await scenario.start({ awaitAsync: true }, { commands: [unnamed] });
    await scenario.start({ awaitAsync: true }, { commands: [UPDATE] });
    await scenario.clock.advance(SECOND);
    await scenario.engine.asyncAlert(1, alert('200', './FUMO/Update', 'fw-1'));
    expect([await scenario.outcomes(1), await scenario.outcomes(2)]).toEqual([['pending'], ['succeeded']]);
    await scenario.engine.asyncAlert(1, alert('200'));
    expect(await scenario.outcomes(1)).toEqual(['succeeded']);
  });

  it('engine: takes an end that comes in the same package as the 202', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.engine.answered(assignment, statuses(assignment.commands, 202), true);
        expect(await device.engine.asyncAlert(1, alert('200'))).toBe(true);
        return true;
      }),
    );
    await scenario.start({ awaitAsync: true }, { commands: COMMANDS });
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
  });

  it('engine: is waited for no longer than a device deadline when its run is cancelled', async () => {
    const scenario = accepting(2);
    await scenario.start({ awaitAsync: true, deviceDeadlineMs: 30 * SECOND }, { commands: COMMANDS });
    await scenario.clock.advance(100 * SECOND);
    await scenario.engine.cancelRun(1);
    await scenario.engine.asyncAlert(1, alert('200'));
    await scenario.clock.advance(29 * SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded', 'pending']);
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded', 'unknown']);
    expect(scenario.completed).toMatchObject([{ state: 'cancelled' }]);
  });

  it('engine: leaves a member unknown that takes it on after its deadline, with the answer of its device', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.latency(40 * SECOND);
        await device.engine.answered(assignment, statuses(assignment.commands, 202));
        return true;
      }),
    );
    await scenario.start({ awaitAsync: true, deviceDeadlineMs: 30 * SECOND }, { commands: COMMANDS });
    await scenario.clock.advance(50 * SECOND);
    expect(await scenario.store.member(1, 1)).toMatchObject({ outcome: 'unknown', late: true });
    expect(await scenario.codes(1)).toEqual([202, 202]);
    expect(await scenario.engine.asyncAlert(1, alert('200'))).toBe(true);
    expect(await scenario.outcomes()).toEqual(['unknown']);
  });

  it('engine: decides how a member ends whose whole answer came, but not the end of its package', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(async (device) => {
      device.open();
      const assignment = await device.take();
      if (assignment) await device.engine.answered(assignment, statuses(assignment.commands, 202), true);
    });
    await scenario.start({ awaitAsync: true, deviceDeadlineMs: 30 * SECOND }, { commands: COMMANDS });
    await scenario.clock.advance(31 * SECOND);
    expect(await scenario.outcomes()).toEqual(['unknown']);
    expect(await scenario.engine.asyncAlert(1, alert('200'))).toBe(true);
    expect(await scenario.store.member(1, 1)).toMatchObject({ outcome: 'succeeded', late: true });
  });

  it('engine: is nothing to a device that never had it', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice(BEHAVIOUR.answers);
    await scenario.start({}, { commands: COMMANDS });
    await scenario.clock.advance(SECOND);
    expect(await scenario.engine.asyncAlert(1, alert('200'))).toBe(false);
  });
});
