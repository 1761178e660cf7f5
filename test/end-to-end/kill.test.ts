import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { expectNoExecTwice, expectNothingLost, killInMidRun } from './kill-story.ts';

const DEVICES = 40;
const MOMENTS = 8;
const EXEC_RUNS = 3;

describe('gateway killed in mid-run', () => {
  it('gateway: killed at random moments, finishes every run and loses no answer that it acknowledged', async () => {
    const story = await killInMidRun({
      seed: Number(process.env.DMGW_TEST_SEED ?? randomInt(2 ** 32)),
      devices: DEVICES,
      victims: Array.from({ length: MOMENTS }, () => 'gateway' as const),
      execRuns: EXEC_RUNS,
      steerEvery: 3,
      settleEvery: 5,
    });
    expect(story.inMidRun).toBeGreaterThan(MOMENTS / 2);
    expect(story.evidence.acknowledged.size).toBeGreaterThan((MOMENTS * DEVICES) / 2);
    expectNothingLost(story, DEVICES);
    for (const { run, hasExec, rows, steering } of story.runs) {
      const { succeeded, unknown, cancelled } = run.counts!;
      if (hasExec || steering === 'cancel') expect(succeeded + unknown + cancelled).toBe(rows.length);
      // Gets and Replaces of values are sent again after a lost answer. [FANOUT 5]
      else expect(succeeded).toBe(rows.length);
    }
    expectNoExecTwice(story);
    // What a cancelled run left out was run again, and so nobody is left out.
    const runAgain = story.runs.filter(({ written, label }) => written !== label);
    expect(runAgain.length).toBeGreaterThan(0);
    for (const { run } of runAgain) expect(run.counts).toMatchObject({ cancelled: 0 });
  }, 400_000);
});
