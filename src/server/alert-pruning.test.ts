import { expect, it } from 'vitest';
import { FakeClock } from '../../test/fanout/fake-clock.ts';
import { startAlertPruning } from './alert-pruning.ts';

const HOUR_MS = 3_600_000;

/** A pruning that finds so many rows each time; `failures` times it cannot delete them. */
function pruning(rows: number, failures = 0) {
  const clock = new FakeClock();
  const asked: unknown[] = [];
  const logged: string[] = [];
  const note = (event: string): void => void logged.push(event);
  let left = rows;
  let failing = failures;
  const stop = startAlertPruning({
    alerts: {
      prune(before, keep, limit) {
        if (failing-- > 0) return Promise.reject(new Error('disk'));
        asked.push([clock.now() - before, keep]);
        const deleted = Math.min(left, limit);
        left -= deleted;
        return Promise.resolve(deleted);
      },
    },
    limits: { maxAgeMs: HOUR_MS, maxCount: 7 },
    clock,
    now: () => clock.now(),
    log: { info: note, warn: note, error: note },
  });
  return { clock, asked, logged, stop, left: () => left };
}

it('server: forgets alerts that are no longer kept every few minutes, a batch at a time', async () => {
  const { clock, asked, logged, left } = pruning(250);
  await clock.advance(300_000);
  expect(left()).toBe(0);
  expect(asked).toEqual([
    [HOUR_MS, 7],
    [HOUR_MS, 7],
  ]);
  expect(logged).toEqual(['alerts that are no longer kept were deleted']);
  await clock.advance(600_000);
  expect(asked).toHaveLength(4);
});

it('server: goes on with forgetting after a failure, and ends it when it is closed', async () => {
  const { clock, asked, logged, stop } = pruning(0, 1);
  await clock.advance(300_000);
  expect(logged).toEqual(['alerts that are no longer kept could not be deleted']);
  await clock.advance(300_000);
  expect(asked).toHaveLength(1);
  await stop();
  await clock.advance(HOUR_MS);
  expect(asked).toHaveLength(1);
});
