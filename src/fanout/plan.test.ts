import { describe, expect, it } from 'vitest';
import { EXEC, GET } from '../../test/fanout/scenario.ts';
import { type PlannedMember, Planner } from './plan.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { parseWaves } from './waves.ts';

const LARGE = { ...EXEC, cmdId: '9', items: [{ target: { locUri: './X' }, data: 'y'.repeat(5_000) }] };

function members(count: number, change: Partial<PlannedMember> = {}): readonly PlannedMember[] {
  return Array.from({ length: count }, (_, index) => ({
    deviceId: `urn:dev:${index + 1}`,
    hasAccount: true,
    notifiable: true,
    maxMsgBytes: undefined,
    maxObjBytes: undefined,
    ...change,
  }));
}

describe('plan of a run', () => {
  it('plan: counts who can be sent the commands, and says of the others why not', () => {
    const planner = new Planner([GET, LARGE], DEFAULT_POLICY);
    planner.add(members(3));
    planner.add(members(2, { notifiable: false }));
    planner.add(members(1, { deviceId: 'nobody', hasAccount: false }));
    planner.add(members(1, { deviceId: 'small', maxObjBytes: 4_999 }));
    planner.add(members(1, { deviceId: 'tiny', maxMsgBytes: 1_030 }));
    const plan = planner.plan(undefined);
    expect(plan).toMatchObject({
      targets: 8,
      sendable: 5,
      polling: 2,
      hindered: { 'no-account': 1, MaxObjSize: 1, MaxMsgSize: 1 },
      waves: 1,
      expectedMs: undefined,
    });
    expect(plan.hinderedMembers.map(({ deviceId, why }) => [deviceId, why])).toEqual([
      ['nobody', 'no account'],
      ['small', 'a command of 5000 bytes is larger than its MaxObjSize 4999'],
      ['tiny', expect.stringMatching(/^a command of 10\d\d bytes is larger than its MaxMsgSize 1030$/)],
    ]);
    expect(plan.packageBytes.xml).toBeGreaterThan(plan.packageBytes.wbxml);
    expect(plan.packageBytes.wbxml).toBeGreaterThan(6_000);
  });

  it('plan: counts all who cannot succeed, and lists the first thousand', () => {
    const planner = new Planner([GET], DEFAULT_POLICY);
    for (let page = 0; page < 3; page += 1) planner.add(members(500, { hasAccount: false }));
    const plan = planner.plan(undefined);
    expect([plan.hindered['no-account'], plan.hinderedMembers.length, plan.sendable]).toEqual([1_500, 1_000, 0]);
  });

  it.each([
    ['the pace of the latest run', {}, 10_000],
    ['half the slots that it had', { concurrency: 50 }, 20_000],
    ['more slots than it had, which promise nothing', { concurrency: 1_000 }, 10_000],
    ['a rate below its pace', { startRate: 10 }, 100_000],
    ['waves, each of which waits for its last devices', { waves: parseWaves('25%') }, 10_000 + 3 * 1_000],
  ])('plan: expects the duration of 1,000 devices from %s', (_, policy, expectedMs) => {
    const planner = new Planner([GET], { ...DEFAULT_POLICY, concurrency: 100, ...policy });
    planner.add(members(1_000));
    const plan = planner.plan({ membersPerSecond: 100, concurrency: 100 });
    expect(plan.expectedMs).toBe(expectedMs + 1_000);
  });
});
