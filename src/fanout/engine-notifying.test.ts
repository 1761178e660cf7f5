import { describe, expect, it } from 'vitest';
import { FakeClock, quiet } from '../../test/fanout/fake-clock.ts';
import { MemoryFanOutStore } from '../../test/fanout/memory-store.ts';
import { devicesTo, GET } from '../../test/fanout/scenario.ts';
import { createFanOutEngine } from './engine.ts';
import { DEFAULT_POLICY } from './policy.ts';

const SECOND = 1_000;

describe('notifications that do not get out', () => {
  it('engine: begins no more of them than Concurrency allows, and goes on when they are out', async () => {
    const clock = new FakeClock();
    const underWay: (() => void)[] = [];
    let notified = 0;
    const silent = () => undefined;
    const engine = createFanOutEngine({
      store: new MemoryFanOutStore({ all: devicesTo(50), none: [] }),
      clock,
      notifier: {
        notify() {
          notified += 1;
          return new Promise((resolve) => underWay.push(() => resolve('sent')));
        },
      },
      events: {
        runStarted: silent,
        runCompleted: silent,
        runChanged: silent,
        clockJumped: silent,
        alertReady: silent,
        problem: silent,
      },
      random: () => 0,
      maxActiveRuns: 1,
      maxAnswerBytes: 1_000,
    });
    await engine.startRun({
      fanOutRoot: './SCM',
      serverId: undefined,
      group: 'all',
      commands: [GET],
      correlator: undefined,
      policy: { ...DEFAULT_POLICY, concurrency: 4, attempts: 1 },
      idempotencyKey: undefined,
    });
    await clock.advance(60 * SECOND);
    expect(underWay).toHaveLength(4);

    for (let round = 0; round < 13; round += 1) {
      for (const isOut of underWay.splice(0)) isOut();
      await quiet();
      await clock.advance(3 * SECOND);
      expect(underWay.length).toBeLessThanOrEqual(4);
    }
    expect(notified).toBe(50);
    await engine.close();
  });
});
