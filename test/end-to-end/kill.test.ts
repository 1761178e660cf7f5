import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { expectNoExecTwice, expectNothingLost, expectResetsAsHanded, killInMidRun } from './kill-story.ts';

const DEVICES = 40;
const MOMENTS = 20;
const EXEC_RUNS = 5;

describe('gateway killed in mid-run', () => {
  it('gateway: killed at 20 random moments, finishes every run and loses no answer that it acknowledged', async () => {
    const story = await killInMidRun({
      seed: Number(process.env.DMGW_TEST_SEED ?? randomInt(2 ** 32)),
      devices: DEVICES,
      victims: Array.from({ length: MOMENTS }, () => 'gateway' as const),
      execRuns: EXEC_RUNS,
      settleEvery: 10,
    });
    expect(story.inMidRun).toBeGreaterThan(MOMENTS / 2);
    expect(story.evidence.acknowledged.size).toBeGreaterThan((MOMENTS * DEVICES) / 2);
    expectNothingLost(story, DEVICES);
    for (const { run, hasExec } of story.runs) {
      if (hasExec) expect(run.counts!.succeeded + run.counts!.unknown).toBe(DEVICES);
      // Gets and Replaces of values are sent again after a lost answer. [FANOUT 5]
      else expect(run.counts!.succeeded).toBe(DEVICES);
    }
    expectResetsAsHanded(story);
    expectNoExecTwice(story);
  }, 400_000);
});
