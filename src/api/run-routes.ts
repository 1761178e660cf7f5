import { z } from 'zod';
import { parseCommands } from '../fanout/commands.ts';
import { SETTLED_OUTCOMES, UNSUCCESSFUL_OUTCOMES } from '../fanout/outcome.ts';
import { applyPolicy, type Policy } from '../fanout/policy.ts';
import type { Run } from '../fanout/store.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Api } from './listener.ts';
import { notFound } from './problem.ts';
import { runSchema, runShape } from './run-shape.ts';
import {
  commandText,
  correlator,
  groupName,
  idempotencyHeader,
  pageCursor,
  pageQuery,
  policyInput,
  runParam,
} from './shapes.ts';

const startInput = z.strictObject({
  group: groupName,
  commands: commandText,
  correlator: correlator.optional(),
  policy: policyInput.optional(),
});

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
  pause: 'No more turns and commands until it is resumed',
  resume: 'A paused run goes on',
  cancel: 'Members that were never sent their commands end as cancelled',
} as const;

/** The API of a gateway: starts runs, shows and steers them. `defaults` is the policy where a start says nothing. */
export function addRunRoutes(api: Api, gateway: Gateway, defaults: Policy): void {
  const { fanOut } = gateway.store;
  const shape = (run: Run) => runShape(run, fanOut);

  async function required(id: number): Promise<Run> {
    const run = await fanOut.run(id);
    if (!run) throw notFound(`run ${id}`);
    return run;
  }

  api.after(() => {
    api.post(
      '/api/v1/runs',
      {
        schema: {
          summary: 'Start a fan-out',
          headers: idempotencyHeader,
          body: startInput,
          response: { 202: runSchema },
        },
      },
      async ({ body, headers }, reply) => {
        const run = await gateway.startRun({
          group: body.group,
          commands: parseCommands(body.commands, undefined),
          policy: applyPolicy(defaults, body.policy ?? {}),
          correlator: body.correlator,
          idempotencyKey: headers['idempotency-key'],
        });
        return reply
          .status(202)
          .header('Location', `/api/v1/runs/${run.number}`)
          .send(await shape(run));
      },
    );

    api.get(
      '/api/v1/runs',
      {
        schema: {
          summary: 'Runs, newest first',
          querystring: pageQuery,
          response: { 200: z.object({ runs: z.array(runSchema), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const page = await fanOut.runs(query.after === undefined ? undefined : pageCursor(query.after), query.limit);
        const last = page.length === query.limit ? page.at(-1) : undefined;
        return { runs: await Promise.all(page.map(shape)), next: last ? String(last.number) : null };
      },
    );

    api.get(
      '/api/v1/runs/:id',
      { schema: { summary: 'One run', params: runParam, response: { 200: runSchema } } },
      async ({ params }) => shape(await required(params.id)),
    );

    api.delete(
      '/api/v1/runs/:id',
      {
        schema: {
          summary: 'Forget a run that has ended, with its results',
          params: runParam,
          response: { 204: z.null() },
        },
      },
      async ({ params }, reply) => {
        await gateway.deleteRun(params.id);
        return reply.status(204).send(null);
      },
    );

    for (const [how, summary] of Object.entries(STEERING) as readonly [keyof typeof STEERING, string][]) {
      api.post(
        `/api/v1/runs/:id/${how}`,
        { schema: { summary, params: runParam, response: { 200: runSchema } } },
        async ({ params }) => shape(await gateway[`${how}Run`](params.id)),
      );
    }

    api.post(
      '/api/v1/runs/:id/retry',
      {
        schema: {
          summary: 'Run members of an ended run again, as a run that is linked to it',
          params: runParam,
          headers: idempotencyHeader,
          body: retryInput,
          response: { 202: runSchema },
        },
      },
      async ({ params, body, headers }, reply) => {
        const run = await gateway.retryRun({
          run: params.id,
          outcomes: body?.outcomes ?? UNSUCCESSFUL_OUTCOMES,
          policy: body?.policy ?? {},
          correlator: body?.correlator,
          idempotencyKey: headers['idempotency-key'],
        });
        return reply
          .status(202)
          .header('Location', `/api/v1/runs/${run.number}`)
          .send(await shape(run));
      },
    );
  });
}
