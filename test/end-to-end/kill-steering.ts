import { expect } from 'vitest';
import { runSchema } from '../../src/api/run-shape.ts';
import type { SeededStream } from '../../src/device/seed.ts';
import { type GatewayRun, gatewayRun, reached } from './runs.ts';
import { delay, type Site } from './site.ts';

export const STEERINGS = ['pause', 'cancel'] as const;
/** What is done to a run while an actor is killed; a paused one is resumed afterwards, with another kill. */
export type Steering = (typeof STEERINGS)[number];

/** How long a paused run is watched. */
const WATCH_MS = 300;

/**
 * Steers a run and has `crash` happen after the answer or, as often, before it is here. What was answered holds after
 * the crash; what was not answered is asked for again.
 */
export async function steerAround(
  site: Site,
  number: number,
  steering: Steering,
  random: SeededStream,
  crash: () => Promise<void>,
): Promise<void> {
  const { counts } = await steer(site, number, steering, random, crash);
  if (steering === 'cancel') {
    const run = await gatewayRun(site, number);
    expect(['cancelling', 'cancelled', 'complete']).toContain(run.state);
    return;
  }
  const paused = await gatewayRun(site, number);
  if (paused.endedAt !== null) return;
  expect(paused.state).toBe('paused');
  await delay(WATCH_MS);
  const later = await gatewayRun(site, number);
  // Commands that have left may be answered; no more than these leave.
  expect(later.state).toBe('paused');
  expect(later.counts.targets).toBe(counts.targets);
  await steer(site, number, 'resume', random, crash);
  await reached(site, number, 'goes on', ({ state }) => state === 'running' || state === 'complete');
}

async function steer(
  site: Site,
  number: number,
  what: Steering | 'resume',
  random: SeededStream,
  crash: () => Promise<void>,
): Promise<GatewayRun> {
  const ask = (): Promise<GatewayRun> => site.gateway.post(`/api/v1/runs/${number}/${what}`, {}, runSchema);
  const isAnswered = random.next() % 2 === 0;
  // The run has ended before, or the gateway has, which shows in many ways.
  const asked = ask().catch(() => undefined);
  if (isAnswered) await asked;
  await crash();
  const answered = await asked;
  if (answered) return answered;
  const run = await gatewayRun(site, number);
  return run.endedAt === null ? ask() : run;
}
