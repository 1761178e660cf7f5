import { z } from 'zod';
import type { CompletionRow, Job, JobEventRow, ServerStore } from '../store/server-store.ts';
import { serverPlanSchema, serverPlanShape } from './server-plan.ts';
import { countsSchema, isoTime } from './shapes.ts';

const eventSchema = z.object({ at: z.string(), step: z.int().nullable(), what: z.string() });
const errorSchema = z.object({ code: z.string(), message: z.string() }).nullable();

/** Work that a DM Server does on a gateway, through sessions that the gateway opens. */
export const jobSchema = z.object({
  id: z.int(),
  gatewayId: z.string(),
  state: z.string(),
  events: z.array(eventSchema),
  error: errorSchema,
  /** What a plan came to. */
  plan: serverPlanSchema.nullable(),
});

/** A fan-out as the DM Server that ordered it sees it. */
export const serverRunSchema = jobSchema.omit({ plan: true }).extend({
  group: z.string(),
  /** The run whose members this one takes up again, by its id here. */
  retryOf: z.object({ run: z.int(), outcomes: z.array(z.string()) }).nullable(),
  /** What was ordered otherwise than the gateway's configuration has it. */
  policy: z.record(z.string(), z.string()),
  correlator: z.string().nullable(),
  resultsUrl: z.string().nullable(),
  counts: countsSchema.nullable(),
  /** As the gateway told it: of all (n, DeviceID, DeResult). */
  digest: z.string().nullable(),
  generation: z.int().nullable(),
  alert: z
    .object({
      type: z.string(),
      source: z.string(),
      data: z.string(),
      mark: z.string().nullable(),
      correlator: z.string().nullable(),
      /** How often it came: delivery is at least once. */
      received: z.int(),
    })
    .nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});

/** A run, and the job that carries out what was asked of it. */
export const steeredRunSchema = serverRunSchema.extend({ job: jobSchema });

export async function jobShape(job: Job, store: Pick<ServerStore, 'events'>): Promise<z.infer<typeof jobSchema>> {
  return {
    ...commonShape(job, await store.events(job.id)),
    plan: job.plan === undefined ? null : serverPlanShape(JSON.parse(job.plan) as Record<string, string>),
  };
}

export async function serverRunShape(
  job: Job,
  store: Pick<ServerStore, 'events' | 'completions'>,
): Promise<z.infer<typeof serverRunSchema>> {
  const { spec, resultsUrl } = job;
  if (spec.kind !== 'fanout') throw new TypeError(`job ${job.id} is no fan-out`);
  const alerts = resultsUrl === undefined ? [] : await store.completions(job.gatewayId, resultsUrl);
  return {
    ...commonShape(job, await store.events(job.id)),
    state: shownState(job),
    group: spec.group,
    retryOf: spec.retryOf ? { run: spec.retryOf.job, outcomes: [...spec.retryOf.outcomes] } : null,
    policy: { ...spec.policy },
    correlator: spec.correlator,
    resultsUrl: resultsUrl ?? null,
    counts: job.counts ?? null,
    digest: job.digest ?? null,
    generation: job.generation ?? null,
    alert: alertShape(alerts),
    startedAt: new Date(job.createdAt).toISOString(),
    endedAt: isoTime(job.endedAt),
  };
}

/** While the run is going on, its state as far as it was told; it has ended when its results are here. */
function shownState({ state, runState }: Job): string {
  if (state !== 'running' || runState === undefined || runState === 'complete') return state;
  return runState === 'cancelled' ? 'cancelling' : runState;
}

function commonShape(job: Job, events: readonly JobEventRow[]) {
  return {
    id: job.id,
    gatewayId: job.gatewayId,
    state: job.state,
    events: events.map(({ at, step, what }) => ({ at: new Date(at).toISOString(), step: step ?? null, what })),
    error: job.error ?? null,
  };
}

function alertShape(alerts: readonly CompletionRow[]): z.infer<typeof serverRunSchema>['alert'] {
  const last = alerts.at(-1);
  return last
    ? {
        type: last.type,
        source: last.resultsUrl,
        data: last.data,
        mark: last.mark ?? null,
        correlator: last.correlator ?? null,
        received: last.received,
      }
    : null;
}
