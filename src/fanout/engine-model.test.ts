import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { engineCommands } from '../../test/fanout/engine-commands.ts';
import { checkAggregate, EngineModel, REFUSED_KEY } from '../../test/fanout/engine-model.ts';
import { BEHAVIOUR, devicesTo, Scenario } from '../../test/fanout/scenario.ts';

const SEQUENCES = 2_000;

/** Devices that do nothing by themselves: 4 polls, 5 has no account. */
function newScenario(): Scenario {
  const scenario = new Scenario(
    devicesTo(5).map((device) => ({
      ...device,
      deviceKey: device.deviceKey === 5 ? undefined : device.deviceKey,
      notifiable: device.deviceKey !== 4,
    })),
  );
  scenario.everyDevice(BEHAVIOUR.silent);
  scenario.refused.add(REFUSED_KEY);
  return scenario;
}

describe('the engine against its model', () => {
  it('engine: does what the model says, whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(engineCommands, async (commands) => {
        const scenario = newScenario();
        const model = new EngineModel();
        await fc.asyncModelRun(() => ({ model, real: scenario }), commands);
        for (const byMs of [21_000, 200_000]) {
          await scenario.clock.advance(byMs);
          await model.sync(scenario);
        }
        expect(model.active).toEqual([]);
        for (const run of model.runs) await checkAggregate(scenario, run);
      }),
      { numRuns: SEQUENCES },
    );
  }, 240_000);
});
