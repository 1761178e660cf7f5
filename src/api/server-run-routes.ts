import { z } from 'zod';
import { SETTLED_OUTCOMES, UNSUCCESSFUL_OUTCOMES } from '../fanout/outcome.ts';
import type { Job } from '../store/server-store.ts';
import type { Api } from './listener.ts';
import { addRunEventsRoute } from './run-events-route.ts';
import { gatewayId, type ServerRoutePorts } from './server-route-ports.ts';
import { jobSchema, jobShape, serverRunSchema, serverRunShape, steeredRunSchema } from './server-shape.ts';
import {
  commandText,
  correlator,
  idempotencyHeader,
  nodeRef,
  pageCursor,
  pageQuery,
  policyInput,
  runParam,
} from './shapes.ts';

const planInput = z.strictObject({
  gatewayId,
  group: nodeRef,
  commands: commandText,
  /** Root of the Fan-Out MO. */
  fanOutRoot: nodeRef.default('./SCM'),
  policy: policyInput.default({}),
});
const startInput = planInput.extend({ correlator: correlator.optional() });

const retryInput = z
  .strictObject({
    outcomes: z
      .array(z.enum(SETTLED_OUTCOMES))
      .min(1)
      .optional()
      .describe('Which members to run again; default: all that did not succeed'),
    policy: policyInput.optional().describe('What is to be otherwise than in the earlier run'),
    correlator: correlator.optional(),
  })
  .nullish();

const STEERING = {
  pause: 'Have the gateway pause a run, by DM sessions',
  resume: 'Have the gateway go on with a paused run, by DM sessions',
  cancel: 'Have the gateway cancel a run, by DM sessions',
} as const;

/** The API of a DM Server: orders, shows and steers fan-outs. */
export function addServerRunRoutes(api: Api, { server, chosen, requireJob }: ServerRoutePorts): void {
  const { store } = server;
  const shape = (job: Job) => serverRunShape(job, store);

  api.after(() => {
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
        const id = await server.startFanOut({
          ...body,
          gatewayId: chosen(body.gatewayId),
          correlator: body.correlator,
          idempotencyKey: headers['idempotency-key'],
        });
        return reply
          .status(202)
          .header('Location', `/api/v1/runs/${id}`)
          .send(await shape(await requireJob(id, 'fanout')));
      },
    );

    api.post(
      '/api/v1/plans',
      {
        schema: {
          summary: 'Have the gateway say what a start would come to, by DM sessions; nothing is started',
          body: planInput,
          response: { 202: jobSchema },
        },
      },
      async ({ body }, reply) => {
        const id = await server.planFanOut({ ...body, gatewayId: chosen(body.gatewayId) });
        return reply
          .status(202)
          .header('Location', `/api/v1/jobs/${id}`)
          .send(await jobShape(await requireJob(id, 'plan'), store));
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
        const before = query.after === undefined ? undefined : pageCursor(query.after);
        const page = await store.jobs('fanout', before, query.limit);
        const last = page.length === query.limit ? page.at(-1) : undefined;
        return { runs: await Promise.all(page.map(shape)), next: last ? String(last.id) : null };
      },
    );

    api.get(
      '/api/v1/runs/:id',
      { schema: { summary: 'One fan-out', params: runParam, response: { 200: serverRunSchema } } },
      async ({ params }) => shape(await requireJob(params.id, 'fanout')),
    );

    for (const [action, summary] of Object.entries(STEERING) as readonly [keyof typeof STEERING, string][]) {
      api.post(
        `/api/v1/runs/:id/${action}`,
        { schema: { summary, params: runParam, response: { 202: steeredRunSchema } } },
        async ({ params }, reply) => {
          const run = await requireJob(params.id, 'fanout');
          const id = await server.steerFanOut(params.id, action);
          const job = await jobShape(await requireJob(id, 'steer'), store);
          return reply
            .status(202)
            .header('Location', `/api/v1/jobs/${id}`)
            .send({ ...(await shape(run)), job });
        },
      );
    }

    api.post(
      '/api/v1/runs/:id/retry',
      {
        schema: {
          summary: 'Have the gateway run members of an ended run again, by DM sessions: a run that is linked to it',
          params: runParam,
          headers: idempotencyHeader,
          body: retryInput,
          response: { 202: serverRunSchema },
        },
      },
      async ({ params, body, headers }, reply) => {
        await requireJob(params.id, 'fanout');
        const id = await server.retryFanOut({
          job: params.id,
          outcomes: body?.outcomes ?? UNSUCCESSFUL_OUTCOMES,
          policy: body?.policy ?? {},
          correlator: body?.correlator,
          idempotencyKey: headers['idempotency-key'],
        });
        return reply
          .status(202)
          .header('Location', `/api/v1/runs/${id}`)
          .send(await shape(await requireJob(id, 'fanout')));
      },
    );
  });

  addRunEventsRoute(api, async (id) => {
    const job = await store.job(id);
    if (job?.spec.kind !== 'fanout') return undefined;
    const { state, runState, counts, generation, endedAt, alerts } = job;
    return {
      stamp: JSON.stringify([state, runState, counts, generation, alerts]),
      hasEnded: endedAt !== undefined && state !== 'fetching',
      shape: () => shape(job),
    };
  });
}
