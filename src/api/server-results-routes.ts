import { z } from 'zod';
import { facetsOf } from '../fanout/facets.ts';
import type { Cluster, Facet } from '../fanout/store.ts';
import { Verification } from '../fanout/verification.ts';
import { DmError } from '../protocol/errors.ts';
import { pagesOf } from '../store/pages.ts';
import type { Job, JobResult, ServerStore } from '../store/server-store.ts';
import { compareRuns } from './compare-runs.ts';
import type { Api } from './listener.ts';
import { CLUSTER_KINDS, clusterSchema, verificationSchema } from './run-results-routes.ts';
import type { ServerRoutePorts } from './server-route-ports.ts';
import { sendResults } from './send-results.ts';
import { outcomeSchema, resultSchema, runParam } from './shapes.ts';
import { sendRows } from './stream.ts';

const PAGE = 500;

/** The API of a DM Server: what it has got of the results of its fan-outs, as it is, folded together, compared, recomputed. */
export function addServerResultsRoutes(api: Api, { server: { store }, requireJob }: ServerRoutePorts): void {
  api.after(() => {
    api.get(
      '/api/v1/runs/:id/results',
      {
        schema: {
          summary: 'Outcome and answer of each member, as got from the gateway, streamed as JSON, NDJSON or CSV',
          description: `Each row: ${Object.keys(resultSchema.shape).join(', ')}`,
          params: runParam,
          querystring: z.strictObject({
            outcome: outcomeSchema.optional(),
            q: z.string().max(256).optional().describe('Part of the DeviceID'),
            sort: z.enum(['n']).default('n'),
          }),
        },
      },
      async ({ params, query: { outcome, q }, headers }, reply) => {
        await requireJob(params.id, 'fanout');
        const filter = { outcome, query: q };
        return sendResults(reply, headers.accept, {
          rows: (after, limit) => store.results(params.id, after, limit, filter),
          lines: (after, limit) => store.resultLines(params.id, after, limit, filter),
        });
      },
    );

    api.get(
      '/api/v1/runs/:id/clusters',
      {
        schema: {
          summary: 'Equal answers folded together: whole ones, Status codes of commands, or values; the largest first',
          params: runParam,
          querystring: z.strictObject({
            kind: z.enum(CLUSTER_KINDS).default('answer'),
            limit: z.coerce.number().int().min(1).max(1000).default(100),
          }),
          response: { 200: z.object({ clusters: z.array(clusterSchema) }) },
        },
      },
      async ({ params: { id }, query: { kind, limit } }) => {
        await requireJob(id, 'fanout');
        return {
          clusters: [...(kind === 'answer' ? await answers(store, id, limit) : await facets(store, id, kind, limit))],
        };
      },
    );

    api.get(
      '/api/v1/runs/:id/comparison',
      {
        schema: {
          summary: 'Devices that did otherwise in another run, streamed as JSON or NDJSON',
          description:
            'Each row: deviceId, difference (outcome, answer, only-here, only-there), here, there; last { summary }',
          params: runParam,
          querystring: z.strictObject({ with: z.coerce.number().int().min(1) }),
        },
      },
      async ({ params, query, headers }, reply) => {
        await requireJob(params.id, 'fanout');
        await requireJob(query.with, 'fanout');
        const reads = {
          members: (id: number, after: number, limit: number) => store.results(id, after, limit),
          memberOfDevice: (id: number, deviceId: string) => store.resultOfDevice(id, deviceId),
        };
        return sendRows(reply, headers.accept, compareRuns(reads, params.id, query.with));
      },
    );

    api.get(
      '/api/v1/runs/:id/verification',
      {
        schema: {
          summary: 'Recomputes counts, digest and alert of a run from the results that were got, against what was told',
          params: runParam,
          response: { 200: verificationSchema },
        },
      },
      async ({ params: { id } }) => verify(store, await requireJob(id, 'fanout')),
    );
  });
}

/** The gateway's word against the results that it gave. Throws `DmError` API_RESULTS_MISSING before they are here. */
async function verify(store: ServerStore, job: Job): Promise<z.infer<typeof verificationSchema>> {
  const { id, resultsUrl, counts, endedAt } = job;
  if (resultsUrl === undefined || counts === undefined || endedAt === undefined || job.state === 'fetching') {
    throw new DmError('API_RESULTS_MISSING', `the results of run ${id} are not here yet: it is ${job.state}`);
  }
  const verification = new Verification(false);
  for await (const result of resultsOf(store, id)) verification.add(result);
  const told = (await store.completions(job.gatewayId, resultsUrl)).filter(({ data }) => /^\d+$/.test(data));
  const differences = verification.differences({
    run: {
      counts,
      digest: job.digest,
      generation: job.generation ?? 0,
      state: job.state === 'cancelled' ? 'cancelled' : 'complete',
      endedAt,
      serverId: undefined,
    },
    clusters: undefined,
    // An alert whose generation is not known tells of the newest one.
    alerts: told.map(({ data, generation }) => ({
      data: Number(data),
      generation: generation ?? job.generation ?? 0,
    })),
  });
  return { run: id, members: verification.members, agrees: differences.length === 0, differences: [...differences] };
}

async function answers(store: ServerStore, id: number, limit: number): Promise<readonly Cluster[]> {
  const rows = await store.equalAnswers(id, limit);
  return rows.map(({ deResult, members }, index) => ({
    id: index + 1,
    kind: 'answer',
    key: '',
    value: deResult,
    members,
  }));
}

/** Of each key at most so many; an answer that cannot be read says nothing. */
async function facets(store: ServerStore, id: number, kind: Facet['kind'], limit: number): Promise<readonly Cluster[]> {
  const found = new Map<string, Facet & { members: number }>();
  for await (const { deResult } of resultsOf(store, id)) {
    for (const facet of readFacets(deResult)) {
      if (facet.kind !== kind) continue;
      const name = JSON.stringify([facet.key, facet.value]);
      const known = found.get(name);
      if (known) known.members += 1;
      else found.set(name, { ...facet, members: 1 });
    }
  }
  const perKey = new Map<string, number>();
  const ranked = [...found.values()].sort((one, other) => other.members - one.members);
  return ranked
    .filter(({ key }) => {
      const count = (perKey.get(key) ?? 0) + 1;
      perKey.set(key, count);
      return count <= limit;
    })
    .map((cluster, index) => ({ id: index + 1, ...cluster }));
}

function readFacets(deResult: string | undefined): readonly Facet[] {
  try {
    return deResult === undefined ? [] : facetsOf(deResult);
  } catch (error) {
    if (error instanceof DmError) return [];
    throw error;
  }
}

function resultsOf(store: ServerStore, id: number): AsyncGenerator<JobResult> {
  return pagesOf(PAGE, (last: JobResult | undefined) => store.results(id, last?.n ?? 0, PAGE));
}
