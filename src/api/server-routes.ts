import { z } from 'zod';
import { DmError } from '../protocol/errors.ts';
import type { DmServer } from '../server/server.ts';
import { pagesOf } from '../store/pages.ts';
import type { CompletionRow, Job, JobEventRow } from '../store/server-store.ts';
import type { Api } from './listener.ts';
import {
  commandText,
  correlator,
  groupInput,
  idempotencyHeader,
  isoTime,
  jobSchema,
  nodeRef,
  outcomeSchema,
  pageQuery,
  policyInput,
  resultSchema,
  serverRunSchema,
} from './shapes.ts';
import { jsonArray, ndjson } from './stream.ts';

const PAGE = 500;

const gatewayId = z.string().min(1).optional();
const idParam = z.strictObject({ id: z.coerce.number().int().min(1) });
const startInput = z.strictObject({
  /** Not needed when the DM Server has one gateway. */
  gatewayId,
  group: nodeRef,
  commands: commandText,
  correlator: correlator.optional(),
  /** Root of the Fan-Out MO. */
  fanOutRoot: nodeRef.default('./SCM'),
  policy: policyInput.optional(),
});

/** The API of a DM Server: groups and fan-outs that it orders from its gateways. */
export function addServerRoutes(api: Api, server: DmServer, gatewayIds: readonly string[]): void {
  const { store } = server;

  function chosen(id: string | undefined): string {
    if (id !== undefined) return id;
    const [only, ...others] = gatewayIds;
    if (only !== undefined && others.length === 0) return only;
    throw new DmError('API_BAD_REQUEST', `gatewayId: say which of ${gatewayIds.join(', ')}`);
  }

  async function requireJob(id: number, kind: Job['spec']['kind'] | undefined, what: string): Promise<Job> {
    const job = await store.job(id);
    if (job && (kind === undefined || job.spec.kind === kind)) return job;
    throw new DmError('API_NOT_FOUND', `there is no ${what} ${id}`);
  }

  async function runShape(job: Job): Promise<z.infer<typeof serverRunSchema>> {
    if (job.spec.kind !== 'fanout') throw new TypeError(`job ${job.id} is no fan-out`);
    const alerts = job.resultsUrl === undefined ? [] : await store.completions(job.gatewayId, job.resultsUrl);
    return {
      ...jobShape(job, await store.events(job.id)),
      group: job.spec.group,
      correlator: job.spec.correlator,
      resultsUrl: job.resultsUrl ?? null,
      counts: job.counts ?? null,
      alert: alertShape(alerts),
      startedAt: new Date(job.createdAt).toISOString(),
      endedAt: isoTime(job.endedAt),
    };
  }

  api.after(() => {
    api.get(
      '/api/v1/gateways',
      {
        schema: {
          summary: 'Gateways of this DM Server',
          response: { 200: z.object({ gateways: z.array(z.string()) }) },
        },
      },
      () => ({ gateways: [...gatewayIds] }),
    );

    api.post(
      '/api/v1/groups',
      {
        schema: {
          summary: 'Make a group on a gateway, by DM sessions',
          headers: idempotencyHeader,
          body: groupInput.extend({ gatewayId }),
          response: { 202: jobSchema },
        },
      },
      async ({ body, headers }, reply) => {
        const id = await server.createGroup({
          gatewayId: chosen(body.gatewayId),
          group: body.group,
          deviceIds: body.members,
          idempotencyKey: headers['idempotency-key'],
        });
        const job = await requireJob(id, 'group', 'job');
        return reply
          .status(202)
          .header('Location', `/api/v1/jobs/${id}`)
          .send(jobShape(job, await store.events(id)));
      },
    );

    api.get(
      '/api/v1/jobs/:id',
      { schema: { summary: 'Work on a gateway', params: idParam, response: { 200: jobSchema } } },
      async ({ params }) => {
        const job = await requireJob(params.id, undefined, 'job');
        return jobShape(job, await store.events(job.id));
      },
    );

    api.post(
      '/api/v1/runs',
      {
        schema: {
          summary: 'Start a fan-out on a gateway, by DM sessions',
          headers: idempotencyHeader,
          body: startInput,
          response: { 202: serverRunSchema },
        },
      },
      async ({ body, headers }, reply) => {
        if (body.policy !== undefined) {
          throw new DmError('API_BAD_REQUEST', 'policy: the gateway’s configuration decides in this version');
        }
        const id = await server.startFanOut({
          gatewayId: chosen(body.gatewayId),
          fanOutRoot: body.fanOutRoot,
          group: body.group,
          commands: body.commands,
          correlator: body.correlator,
          idempotencyKey: headers['idempotency-key'],
        });
        const run = await runShape(await requireJob(id, 'fanout', 'run'));
        return reply.status(202).header('Location', `/api/v1/runs/${id}`).send(run);
      },
    );

    api.get(
      '/api/v1/runs',
      {
        schema: {
          summary: 'Fan-outs, newest first',
          querystring: pageQuery,
          response: { 200: z.object({ runs: z.array(serverRunSchema), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const page = await store.jobs('fanout', beforeOf(query.after), query.limit);
        const last = page.length === query.limit ? page.at(-1) : undefined;
        return { runs: await Promise.all(page.map(runShape)), next: last ? String(last.id) : null };
      },
    );

    api.get(
      '/api/v1/runs/:id',
      { schema: { summary: 'One fan-out', params: idParam, response: { 200: serverRunSchema } } },
      async ({ params }) => runShape(await requireJob(params.id, 'fanout', 'run')),
    );

    api.get(
      '/api/v1/runs/:id/results',
      {
        schema: {
          summary: 'Outcome and answer of each member, as got from the gateway: NDJSON or JSON, streamed',
          description: `Each row: ${Object.keys(resultSchema.shape).join(', ')}`,
          params: idParam,
          querystring: z.strictObject({ outcome: outcomeSchema.optional() }),
        },
      },
      async ({ params, query, headers }, reply) => {
        await requireJob(params.id, 'fanout', 'run');
        const rows = pagesOf(PAGE, async (last: { n: number } | undefined) =>
          (await store.results(params.id, last?.n ?? 0, PAGE, query.outcome)).map((row) => ({
            n: row.n,
            deviceId: row.deviceId,
            outcome: row.outcome,
            deResult: row.deResult ?? null,
          })),
        );
        return headers.accept?.includes('application/x-ndjson')
          ? reply.type('application/x-ndjson').send(ndjson(rows))
          : reply.type('application/json').send(jsonArray(rows));
      },
    );
  });
}

function beforeOf(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after)) throw new DmError('API_BAD_REQUEST', 'after: must be the `next` of the page before');
  return Number(after);
}

function jobShape(job: Job, events: readonly JobEventRow[]): z.infer<typeof jobSchema> {
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
