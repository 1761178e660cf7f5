import { describe, expect, it } from 'vitest';
import { BEHAVIOUR, devicesTo, Scenario, statuses } from '../../test/fanout/scenario.ts';
import type { MemberDevice } from '../../test/fanout/memory-rows.ts';
import type { EpochMs } from './store.ts';
import { SILENCE_MS } from './window.ts';

const SECOND = 1_000;
const DEVICES = 1_000;
const CONCURRENCY = 10;
const DEADLINE_MS = 120 * SECOND;

/** When each device answered, and when the run ended, with some that never come: all counted from Start. */
async function answerTimes(
  fleet: readonly MemberDevice[],
  isSilent: (device: MemberDevice) => boolean,
): Promise<{ readonly answeredAfterMs: ReadonlyMap<string, EpochMs>; readonly endedAfterMs: number }> {
  const scenario = new Scenario(fleet);
  scenario.notifiedDevicesComeAtOnce();
  scenario.everyDevice((device) =>
    device.session(async (assignment) => {
      await device.engine.answered(assignment, statuses(assignment.commands));
      return true;
    }),
  );
  for (const device of fleet) {
    if (isSilent(device)) scenario.behaviours.set(device.deviceKey ?? 0, BEHAVIOUR.silent);
  }
  const { startedAt } = await scenario.start({ concurrency: CONCURRENCY, deviceDeadlineMs: DEADLINE_MS });
  await scenario.clock.advance(2 * DEADLINE_MS);
  const members = await scenario.store.members(1, 0, Infinity);
  return {
    answeredAfterMs: new Map(
      members.flatMap(({ deviceId, answeredAt }) =>
        answeredAt === undefined ? [] : [[deviceId, answeredAt - startedAt]],
      ),
    ),
    endedAfterMs: (scenario.completed[0]?.endedAt ?? NaN) - startedAt,
  };
}

describe('silent devices', () => {
  const fleet = devicesTo(DEVICES);

  it('engine: one at the head of 1,000 delays no other answer, and the run ends at its deadline', async () => {
    const isSilent = ({ deviceKey }: MemberDevice): boolean => deviceKey === 1;
    const others = fleet.filter((device) => !isSilent(device));
    const alone = await answerTimes(others, () => false);
    const together = await answerTimes(fleet, isSilent);
    expect(together.answeredAfterMs).toEqual(alone.answeredAfterMs);
    expect(together.answeredAfterMs.size).toBe(DEVICES - 1);
    expect(together.endedAfterMs).toBe(DEADLINE_MS);
  });

  it('engine: a hundred at the head delay the others by the 2 s of each window that they fill, and no more', async () => {
    const isSilent = ({ deviceKey }: MemberDevice): boolean => (deviceKey ?? 0) <= 100;
    const others = fleet.filter((device) => !isSilent(device));
    const alone = await answerTimes(others, () => false);
    const together = await answerTimes(fleet, isSilent);
    const delayMs = (100 / CONCURRENCY) * SILENCE_MS;
    expect([...together.answeredAfterMs]).toEqual(
      [...alone.answeredAfterMs].map(([deviceId, afterMs]) => [deviceId, afterMs + delayMs]),
    );
    // The last of them has its first turn when the window before has gone silent.
    expect(together.endedAfterMs).toBe(DEADLINE_MS + delayMs - SILENCE_MS);
  });

  it('engine: a hundred that poll and do not come delay no other answer, wherever they stand', async () => {
    const mixed = fleet.map((device, index) => ({ ...device, notifiable: index % 10 !== 0 }));
    const isSilent = ({ notifiable }: MemberDevice): boolean => !notifiable;
    const alone = await answerTimes(
      mixed.filter((device) => !isSilent(device)),
      () => false,
    );
    const together = await answerTimes(mixed, isSilent);
    expect(together.answeredAfterMs).toEqual(alone.answeredAfterMs);
    expect(together.answeredAfterMs.size).toBe(DEVICES - 100);
    expect(together.endedAfterMs).toBe(DEADLINE_MS);
  });
});
