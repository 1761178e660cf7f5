import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seededStream } from '../../src/device/seed.ts';
import { expectNoExecTwice, expectNothingLost, killInMidRun } from '../end-to-end/kill-story.ts';
import type { Actor } from '../end-to-end/site.ts';

const DEVICES = 40;
const MOMENTS = 100;
const EXEC_RUNS = 40;
/** The gateway as often as the other two together. */
const VICTIMS: readonly Actor[] = ['gateway', 'server', 'gateway', 'devices'];

describe('actors killed in mid-run', () => {
  it('actors: killed at 100 random moments, finish every run and lose no answer that was acknowledged', async () => {
    const seed = Number(process.env.DMGW_TEST_SEED ?? randomInt(2 ** 32));
    const random = seededStream(seed, 'victims');
    const story = await killInMidRun({
      seed,
      devices: DEVICES,
      victims: Array.from({ length: MOMENTS }, () => VICTIMS[random.next() % VICTIMS.length]!),
      execRuns: EXEC_RUNS,
      steerEvery: 4,
      settleEvery: 10,
    });
    expect(story.inMidRun).toBeGreaterThan(MOMENTS / 2);
    expect(story.evidence.acknowledged.size).toBeGreaterThan((MOMENTS * DEVICES) / 2);
    expectNothingLost(story, DEVICES);
    // A device that is gone in the middle of a session, or comes back with the nonces of long ago, may miss a deadline.
    for (const { run, rows } of story.runs) {
      const { succeeded, unknown, cancelled, 'timed-out': timedOut } = run.counts!;
      expect(succeeded + unknown + timedOut + cancelled).toBe(rows.length);
    }
    expectNoExecTwice(story);
  });
});
