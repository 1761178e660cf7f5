import { describe, expect, it } from 'vitest';
import { MemoryFanOutStore } from '../../test/fanout/memory-store.ts';
import { GET, Scenario, statuses } from '../../test/fanout/scenario.ts';
import { DmError } from '../protocol/errors.ts';

const SECOND = 1_000;

describe('a store that is full for a while', () => {
  it('engine: takes a member up again whose lost session the store would not note', async () => {
    let isFull = false;
    class FullStore extends MemoryFanOutStore {
      override markUnsent(...args: Parameters<MemoryFanOutStore['markUnsent']>): Promise<boolean> {
        if (isFull) return Promise.reject(new DmError('STORE_WRITE', 'there is no space left'));
        return super.markUnsent(...args);
      }
    }
    const scenario = new Scenario(1, FullStore);
    scenario.everyDevice((device) =>
      device.session(async (assignment) => {
        if (scenario.notifications.length === 1) {
          isFull = true;
          await device.engine.sessionLost(assignment, 'lost');
          return false;
        }
        await device.engine.answered(assignment, statuses(assignment.commands));
        return true;
      }),
    );
    await scenario.start({ backoffMs: 5 * SECOND, attempts: 5 }, { commands: [GET] });
    await scenario.clock.advance(20 * SECOND);
    expect(await scenario.outcomes()).toEqual(['pending']);
    expect(scenario.problems.length).toBeGreaterThan(15);
    isFull = false;
    await scenario.clock.advance(12 * SECOND);
    expect(await scenario.outcomes()).toEqual(['succeeded']);
    expect(scenario.notifications).toHaveLength(2);
  });
});
