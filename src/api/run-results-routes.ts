import { z } from 'zod';
import type { Cluster } from '../fanout/store.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { compareRuns } from './compare-runs.ts';
import type { Api } from './listener.ts';
import { notFound } from './problem.ts';
import { sendResults } from './send-results.ts';
import { outcomeSchema, resultSchema, runParam } from './shapes.ts';
import { sendRows } from './stream.ts';
import { verifyRun } from './verify-run.ts';

export const CLUSTER_KINDS = ['answer', 'status', 'value'] as const;

/** Answers that are equal, or say the same in one thing. */
export const clusterSchema = z.object({
  id: z.int(),
  kind: z.enum(CLUSTER_KINDS),
  /** `status`: CmdRef and Cmd; `value`: the LocURI; `answer`: empty. */
  key: z.string(),
  value: z.string(),
  members: z.int(),
}) satisfies z.ZodType<Cluster>;

/** What is kept of a run and does not agree with its answers. */
export const verificationSchema = z.object({
  run: z.int(),
  members: z.int(),
  agrees: z.boolean(),
  differences: z.array(z.object({ what: z.string(), kept: z.string(), recomputed: z.string() })),
});

/** The API of a gateway: what came of its runs, as it is, folded together, compared and recomputed. */
export function addRunResultsRoutes(api: Api, gateway: Gateway): void {
  const { fanOut, resultLines } = gateway.store;

  async function requireRun(id: number): Promise<void> {
    if (!(await fanOut.run(id))) throw notFound(`run ${id}`);
  }

  api.after(() => {
    api.get(
      '/api/v1/runs/:id/results',
      {
        schema: {
          summary: 'Outcome and answer of each member, streamed as JSON, NDJSON or CSV, as Accept says',
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
        await requireRun(params.id);
        const filter = { outcome, query: q };
        return sendResults(reply, headers.accept, {
          rows: (after, limit) => fanOut.members(params.id, after, limit, filter),
          lines: (after, limit) => resultLines(params.id, after, limit, filter),
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
      async ({ params, query }) => {
        await requireRun(params.id);
        return { clusters: [...(await fanOut.clusters(params.id, query.kind, query.limit))] };
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
        await requireRun(params.id);
        await requireRun(query.with);
        return sendRows(reply, headers.accept, compareRuns(fanOut, params.id, query.with));
      },
    );

    api.get(
      '/api/v1/runs/:id/verification',
      {
        schema: {
          summary: 'Recomputes counts, clusters, digest and alert of a run from its stored answers',
          params: runParam,
          response: { 200: verificationSchema },
        },
      },
      async ({ params }) => {
        const { members, differences } = await verifyRun(fanOut, params.id);
        return { run: params.id, members, agrees: differences.length === 0, differences: [...differences] };
      },
    );
  });
}
