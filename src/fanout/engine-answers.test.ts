import { describe, expect, it } from 'vitest';
import type { Answer } from '../protocol/message/message.ts';
import { decodeDeResult } from './de-result.ts';
import { MemoryFanOutStore } from '../../test/fanout/memory-store.ts';
import { BEHAVIOUR, devicesTo, GET, MAX_ANSWER_BYTES, Scenario, statuses } from '../../test/fanout/scenario.ts';
import type { FanOutStore } from './store.ts';

const SECOND = 1_000;

describe('failing contacts', () => {
  it('engine: settles nobody on a mere failure to authenticate, in either direction', async () => {
    const scenario = new Scenario(2);
    scenario.behaviours.set(1, BEHAVIOUR.cannotProveItself);
    scenario.behaviours.set(2, BEHAVIOUR.refusesUs);
    await scenario.start({ attempts: 2, offline: 'skip' });
    await scenario.clock.advance(4 * SECOND);
    expect(await scenario.outcomes()).toEqual(['pending', 'pending']);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.clock.advance(12 * SECOND);
    expect(await scenario.outcomes()).toEqual(['unauthorized', 'unauthorized']);
    expect(await scenario.codes(1)).toEqual([401, 401]);
  });

  it('engine: forgets a failure to authenticate when the device comes again and answers', async () => {
    const scenario = new Scenario(1);
    scenario.behaviours.set(1, BEHAVIOUR.refusesUs);
    await scenario.start();
    await scenario.clock.advance(SECOND);
    scenario.behaviours.clear();
    await scenario.clock.advance(10 * SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
  });

  it('engine: keeps what came of a lost answer and never sends an Exec twice', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.engine.answered(assignment, statuses([GET]));
        await device.engine.sessionLost(assignment, 'lost');
        return false;
      }),
    );
    await scenario.start({ deviceDeadlineMs: 60 * SECOND });
    await scenario.clock.advance(59 * SECOND);
    expect([await scenario.outcomes(), scenario.notifications.length]).toEqual([['pending'], 1]);
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['unknown']);
    expect(await scenario.codes(1)).toEqual([200, 504]);
  });

  it('engine: sends commands again that may run twice', async () => {
    const scenario = new Scenario(1);
    scenario.behaviours.set(1, BEHAVIOUR.drops);
    await scenario.start({}, { commands: [GET] });
    await scenario.clock.advance(SECOND);
    scenario.behaviours.clear();
    await scenario.clock.advance(10 * SECOND);
    expect([await scenario.outcomes(), scenario.notifications.length]).toEqual([['succeeded'], 2]);
  });

  it('engine: sends an Exec again only when the policy allows it', async () => {
    const scenario = new Scenario(1);
    scenario.behaviours.set(1, BEHAVIOUR.drops);
    await scenario.start({ repeatUnsafe: true });
    await scenario.clock.advance(SECOND);
    scenario.behaviours.clear();
    await scenario.clock.advance(10 * SECOND);
    expect([await scenario.outcomes(), scenario.notifications.length]).toEqual([['succeeded'], 2]);
  });

  it('engine: settles everything that waits for a device that will not come any more', async () => {
    const scenario = new Scenario(2);
    scenario.everyDevice(BEHAVIOUR.silent);
    await scenario.start({ waves: [{ kind: 'members', members: 1 }] });
    await scenario.start();
    expect(await scenario.engine.deviceGone(2)).toBe(2);
    expect([await scenario.outcomes(1), await scenario.outcomes(2)]).toEqual([
      ['pending', 'unreachable'],
      ['pending', 'unreachable'],
    ]);
  });

  it('engine: says unknown of commands that left, however often they were sent again and refused', async () => {
    const scenario = new Scenario(1);
    scenario.behaviours.set(1, BEHAVIOUR.drops);
    await scenario.start({ attempts: 2, offline: 'skip' }, { commands: [GET] });
    await scenario.clock.advance(SECOND);
    scenario.behaviours.set(1, BEHAVIOUR.refusesUs);
    await scenario.clock.advance(60 * SECOND);
    expect(await scenario.outcomes()).toEqual(['unknown']);
    expect(await scenario.codes(1)).toEqual([504]);
  });

  it('engine: takes an answer that comes after the deadline and marks it late', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.latency(70 * SECOND);
        await device.engine.answered(assignment, statuses(assignment.commands));
        return true;
      }),
    );
    await scenario.start({ deviceDeadlineMs: 60 * SECOND });
    await scenario.clock.advance(60 * SECOND);
    expect(await scenario.outcomes()).toEqual(['unknown']);
    await scenario.clock.advance(11 * SECOND);
    expect(await scenario.store.member(1, 1)).toMatchObject({ outcome: 'succeeded', late: true });
    expect(await scenario.store.run(1)).toMatchObject({ generation: 2, counts: { succeeded: 1, unknown: 0 } });
  });

  it('engine: gives no commands to a device that comes after its deadline', async () => {
    const polling = devicesTo(1).map((device) => ({ ...device, notifiable: false }));
    const scenario = new Scenario(
      polling,
      class extends MemoryFanOutStore {
        override claimDue(...args: Parameters<FanOutStore['claimDue']>) {
          return args[2].by === 'endsAt' ? Promise.reject(new Error('disk full')) : super.claimDue(...args);
        }
      },
    );
    await scenario.start({ deviceDeadlineMs: 10 * SECOND });
    await scenario.clock.advance(20 * SECOND);
    await scenario.run(1);
    expect(await scenario.outcomes()).toEqual(['timed-out']);
  });
});

describe('answers in parts', () => {
  it('engine: waits for the end of the package, whose later messages may bring Results', async () => {
    const scenario = new Scenario(1);
    const results = {
      kind: 'Results',
      cmdRef: '1',
      items: [{ source: { locUri: './DevInfo/Mod' }, data: 'x' }],
    } as const;
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.engine.answered(assignment, statuses(assignment.commands), true);
        expect(await scenario.outcomes()).toEqual(['pending']);
        await device.engine.answered(assignment, [results], true);
        return true;
      }),
    );
    await scenario.start();
    await scenario.clock.advance(SECOND);
    const deResult = (await scenario.store.member(1, 1))?.deResult ?? '';
    expect(decodeDeResult(deResult)).toMatchObject([{ kind: 'Status' }, { kind: 'Status' }, results]);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
  });

  it('engine: counts an answer that is whole when the session ends before the package does', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.engine.answered(assignment, statuses(assignment.commands, 500), true);
        await device.engine.sessionLost(assignment, 'lost');
        return false;
      }),
    );
    await scenario.start();
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['failed']);
  });
});

describe('an answer that is too large', () => {
  const part = (cmdRef: string, data: string): Answer => ({
    kind: 'Results',
    cmdRef,
    items: [{ source: { locUri: './DevInfo/Mod' }, data }],
  });

  it('engine: keeps no more of it than it may, and a 413 for the command of which something is missing', async () => {
    const scenario = new Scenario(1);
    const kept: number[] = [];
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        for (let message = 0; message < 40; message += 1) {
          await device.engine.answered(assignment, [part('1', 'x'.repeat(2_000))], true);
          const [target] = await scenario.store.sentTargets(undefined, 1);
          kept.push(target?.partial?.length ?? 0);
        }
        await device.engine.answered(assignment, statuses(assignment.commands));
        return true;
      }),
    );
    await scenario.start();
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['failed']);
    expect(await scenario.codes(1)).toEqual([413, 200]);
    expect(Math.max(...kept)).toBeLessThan(MAX_ANSWER_BYTES + 1_000);
    expect((await scenario.store.member(1, 1))?.deResult?.length).toBeLessThan(MAX_ANSWER_BYTES + 1_000);
  });

  it('engine: keeps the 413 when the device has said 200 before', async () => {
    const scenario = new Scenario(1);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        await device.engine.answered(assignment, statuses(assignment.commands), true);
        await device.engine.answered(assignment, [part('1', 'x'.repeat(MAX_ANSWER_BYTES))], true);
        return true;
      }),
    );
    await scenario.start();
    await scenario.clock.advance(SECOND);
    expect(await scenario.outcomes()).toEqual(['failed']);
    expect(await scenario.codes(1)).toEqual([413, 200]);
  });
});
