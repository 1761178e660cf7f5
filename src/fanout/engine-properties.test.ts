import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTCOMES } from './outcome.ts';
import { type Behaviour, BEHAVIOUR, EXEC, GET, Scenario, statuses } from '../../test/fanout/scenario.ts';

const SECOND = 1_000;

/** How a device does its session: how long it takes, and whether its answer comes in parts, as an error, or never. */
const sessions = fc
  .record({
    delayMs: fc.integer({ min: 0, max: 1_800 }),
    answer: fc.constantFrom('whole', 'in parts', 'error', 'lost', 'refused', 'half'),
  })
  .map(({ delayMs, answer }): Behaviour => {
    return async (device) => {
      await device.latency(delayMs);
      await device.session(async (assignment) => {
        const { engine } = device;
        await device.latency(delayMs);
        if (answer === 'lost' || answer === 'refused') await engine.sessionLost(assignment, answer);
        if (answer === 'half') {
          await engine.answered(assignment, statuses(assignment.commands.slice(1)));
          await engine.sessionLost(assignment, 'lost');
        }
        if (answer === 'whole') await engine.answered(assignment, statuses(assignment.commands));
        if (answer === 'error') await engine.answered(assignment, statuses(assignment.commands, 500));
        if (answer === 'in parts') {
          for (const command of assignment.commands) await engine.answered(assignment, statuses([command]), true);
        }
        return answer === 'whole' || answer === 'error' || answer === 'in parts';
      });
    };
  });

const behaviours = fc.oneof(
  { weight: 4, arbitrary: sessions },
  { weight: 1, arbitrary: fc.constantFrom(BEHAVIOUR.silent, BEHAVIOUR.hangs, BEHAVIOUR.cannotProveItself) },
);

const actions = fc.oneof(
  fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
  fc.record({ kind: fc.constant('comes' as const), key: fc.integer({ min: 1, max: 8 }) }),
  fc.record({
    kind: fc.constant('start' as const),
    repeatable: fc.boolean(),
    concurrency: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('restart' as const), downMs: fc.integer({ min: 0, max: 90_000 }) }),
);

describe('properties of the engine', () => {
  it('engine: gives no turn that would take more slots than the window has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(behaviours, { minLength: 1, maxLength: 30 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 10 }),
        async (fleet, refused, concurrency) => {
          const scenario = new Scenario(fleet.length);
          fleet.forEach((behaviour, index) => scenario.behaviours.set(index + 1, behaviour));
          for (const key of refused) scenario.refused.add(key);
          await scenario.start({ concurrency, runDeadlineMs: 300 * SECOND });
          await scenario.clock.advance(300 * SECOND);
          expect(scenario.mostSlots).toBeLessThanOrEqual(concurrency);
          expect(scenario.completed).toHaveLength(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('engine: ends every run with one outcome for each member, whatever devices and process do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(behaviours, { minLength: 8, maxLength: 8 }),
        fc.array(actions, { minLength: 1, maxLength: 15 }),
        async (fleet, steps) => {
          const scenario = new Scenario(fleet.length);
          fleet.forEach((behaviour, index) => scenario.behaviours.set(index + 1, behaviour));
          scenario.refused.add(8);
          for (const step of [{ kind: 'start', repeatable: false, concurrency: 3 } as const, ...steps]) {
            switch (step.kind) {
              case 'advance':
                await scenario.clock.advance(step.ms);
                break;
              case 'comes':
                void scenario.run(step.key);
                break;
              case 'start':
                if ((await scenario.store.activeRuns()).length === 3) break;
                await scenario.start(
                  { concurrency: step.concurrency, runDeadlineMs: 200 * SECOND, deviceDeadlineMs: 60 * SECOND },
                  { commands: step.repeatable ? [GET] : [GET, EXEC] },
                );
                break;
              case 'restart':
                await scenario.restart(step.downMs);
            }
          }
          await scenario.clock.advance(400 * SECOND);
          expect(scenario.problems).toEqual([]);
          const runs = await scenario.store.runs(undefined, 100);
          expect(scenario.completed.map(({ number }) => number).sort()).toEqual(
            runs.map(({ number }) => number).sort(),
          );
          for (const { counts, number } of runs) {
            expect(OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0)).toBe(fleet.length);
            expect(await scenario.outcomes(number)).not.toContain('pending');
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
