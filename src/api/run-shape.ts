import { z } from 'zod';
import type { FanOutStore, Run } from '../fanout/store.ts';
import { waitingFor } from '../fanout/waiting-for.ts';
import { resultsUrl } from '../gateway/objects/results-url.ts';
import { countsSchema, isoTime, policySchema, policyShape } from './shapes.ts';

/** A run as the API of its gateway shows it. */
export const runSchema = z.object({
  id: z.int(),
  number: z.int(),
  resultsUrl: z.string(),
  state: z.string(),
  pauseCause: z.enum(['asked', 'failures']).nullable(),
  /** What it is waiting for, in words; null once it has ended. */
  waitingFor: z.string().nullable(),
  group: z.string(),
  retryOf: z.object({ run: z.int(), outcomes: z.array(z.string()) }).nullable(),
  counts: countsSchema,
  /** Waves that have begun, and how many members are in them. */
  wave: z.int(),
  released: z.int(),
  /** Of all (n, DeviceID, DeResult); null for runs of a version that kept none. */
  digest: z.string().nullable(),
  generation: z.int(),
  policy: policySchema,
  correlator: z.string().nullable(),
  serverId: z.string().nullable(),
  startedAt: z.string(),
  /** When it ends at the latest. */
  endsAt: z.string(),
  firstSentAt: z.string().nullable(),
  lastAnswerAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

export async function runShape(run: Run, fanOut: Pick<FanOutStore, 'outlook'>): Promise<z.infer<typeof runSchema>> {
  const waits = run.endedAt === undefined ? waitingFor(run, await fanOut.outlook(run.number)) : undefined;
  return {
    id: run.number,
    number: run.number,
    resultsUrl: resultsUrl(run.number),
    state: run.state,
    pauseCause: run.pauseCause ?? null,
    waitingFor: waits ?? null,
    group: run.group,
    retryOf: run.retryOf ? { run: run.retryOf.run, outcomes: [...run.retryOf.outcomes] } : null,
    counts: run.counts,
    wave: run.wave,
    released: run.released,
    digest: run.digest ?? null,
    generation: run.generation,
    policy: policyShape(run.policy),
    correlator: run.correlator ?? null,
    serverId: run.serverId ?? null,
    startedAt: new Date(run.startedAt).toISOString(),
    endsAt: new Date(run.endsAt).toISOString(),
    firstSentAt: isoTime(run.firstSentAt),
    lastAnswerAt: isoTime(run.lastAnswerAt),
    endedAt: isoTime(run.endedAt),
  };
}

/** Looks at runs for those who watch them. */
export function lookAt(fanOut: Pick<FanOutStore, 'run' | 'outlook'>) {
  return async (number: number) => {
    const run = await fanOut.run(number);
    if (!run) return undefined;
    const { state, counts, generation, wave, endedAt } = run;
    return {
      stamp: JSON.stringify([state, counts, generation, wave]),
      hasEnded: endedAt !== undefined,
      shape: () => runShape(run, fanOut),
    };
  };
}
