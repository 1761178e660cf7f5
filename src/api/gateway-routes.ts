import { z } from 'zod';
import { parseCommands } from '../fanout/commands.ts';
import { applyPolicy, type Policy } from '../fanout/policy.ts';
import type { Run } from '../fanout/store.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { DmError } from '../protocol/errors.ts';
import { pagesOf } from '../store/pages.ts';
import { deviceSchema, deviceShape, parseAccountLines } from './device-accounts.ts';
import type { Api } from './listener.ts';
import {
  commandText,
  correlator,
  countsSchema,
  groupInput,
  groupName,
  idempotencyHeader,
  isoTime,
  outcomeSchema,
  pageQuery,
  policyInput,
  resultSchema,
  resultShape,
} from './shapes.ts';
import { jsonArray, ndjson } from './stream.ts';

const PAGE = 500;

const runSchema = z.object({
  id: z.int(),
  number: z.int(),
  resultsUrl: z.string(),
  state: z.string(),
  group: z.string(),
  counts: countsSchema,
  generation: z.int(),
  correlator: z.string().nullable(),
  serverId: z.string().nullable(),
  startedAt: z.string(),
  firstSentAt: z.string().nullable(),
  lastAnswerAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

const startInput = z.strictObject({
  group: groupName,
  commands: commandText,
  correlator: correlator.optional(),
  policy: policyInput.optional(),
});

const numberParam = z.strictObject({ id: z.coerce.number().int().min(1) });

/** The API of a gateway: devices, groups and runs. `defaults` is the policy where a start says nothing. */
export function addGatewayRoutes(api: Api, gateway: Gateway, defaults: Policy): void {
  const { devices, groups, fanOut } = gateway.store;

  api.after(() => {
    api.post(
      '/api/v1/devices',
      {
        schema: {
          summary: 'Add device accounts: JSON lines, all or none',
          body: z.string(),
          consumes: ['application/x-ndjson'],
          response: { 201: z.object({ added: z.int() }) },
        },
      },
      async (request, reply) => {
        const accounts = parseAccountLines(request.body);
        await devices.add(accounts);
        return reply.status(201).send({ added: accounts.length });
      },
    );

    api.get(
      '/api/v1/devices',
      {
        schema: {
          summary: 'Device accounts, in the order in which they were added',
          querystring: pageQuery.extend({ q: z.string().optional() }),
          response: { 200: z.object({ devices: z.array(deviceSchema), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const page = await devices.list(cursor(query.after), query.limit, query.q);
        const last = page.length === query.limit ? page.at(-1) : undefined;
        return { devices: page.map(deviceShape), next: last ? String(last.key) : null };
      },
    );

    api.get(
      '/api/v1/devices/:deviceId',
      {
        schema: {
          summary: 'One device account',
          params: z.strictObject({ deviceId: z.string() }),
          response: { 200: deviceSchema },
        },
      },
      async ({ params }) => {
        const device = await devices.byDeviceId(params.deviceId);
        if (!device) throw notFound(`device ${params.deviceId}`);
        return deviceShape(device);
      },
    );

    api.post(
      '/api/v1/groups',
      {
        schema: {
          summary: 'Make a group of devices',
          body: groupInput,
          response: { 201: z.object({ group: z.string(), members: z.int() }) },
        },
      },
      async ({ body }, reply) => {
        if (!(await groups.create(body.group))) {
          throw new DmError('GROUP_EXISTS', `group ${body.group} exists; choose another name`);
        }
        const members = body.members.map((deviceId, index) => ({ name: String(index + 1), deviceId }));
        await groups.addMembers(body.group, members);
        return reply.status(201).send({ group: body.group, members: await groups.memberCount(body.group) });
      },
    );

    api.get(
      '/api/v1/groups',
      {
        schema: {
          summary: 'Names of the groups',
          querystring: pageQuery,
          response: { 200: z.object({ groups: z.array(z.string()), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const names = await groups.names(query.after ?? '', query.limit);
        return { groups: [...names], next: names.length === query.limit ? (names.at(-1) ?? null) : null };
      },
    );

    api.get(
      '/api/v1/groups/:group',
      {
        schema: {
          summary: 'A group and a page of its members',
          params: z.strictObject({ group: z.string() }),
          querystring: pageQuery,
          response: {
            200: z.object({
              group: z.string(),
              memberCount: z.int(),
              members: z.array(z.object({ name: z.string(), deviceId: z.string().nullable() })),
              next: z.string().nullable(),
            }),
          },
        },
      },
      async ({ params, query }) => {
        if (!(await groups.exists(params.group))) throw notFound(`group ${params.group}`);
        const page = await groups.members(params.group, query.after, query.limit);
        return {
          group: params.group,
          memberCount: await groups.memberCount(params.group),
          members: page.map(({ name, deviceId }) => ({ name, deviceId: deviceId ?? null })),
          next: page.length === query.limit ? (page.at(-1)?.name ?? null) : null,
        };
      },
    );

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
        return reply.status(202).header('Location', `/api/v1/runs/${run.number}`).send(runShape(run));
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
        const page = await fanOut.runs(query.after === undefined ? undefined : cursor(query.after), query.limit);
        const last = page.length === query.limit ? page.at(-1) : undefined;
        return { runs: page.map(runShape), next: last ? String(last.number) : null };
      },
    );

    api.get(
      '/api/v1/runs/:id',
      { schema: { summary: 'One run', params: numberParam, response: { 200: runSchema } } },
      async ({ params }) => {
        const run = await fanOut.run(params.id);
        if (!run) throw notFound(`run ${params.id}`);
        return runShape(run);
      },
    );

    api.get(
      '/api/v1/runs/:id/results',
      {
        schema: {
          summary: 'Outcome and answer of each member: NDJSON (all, streamed) or JSON (all, streamed)',
          description: `Each row: ${Object.keys(resultSchema.shape).join(', ')}`,
          params: numberParam,
          querystring: z.strictObject({ outcome: outcomeSchema.optional() }),
        },
      },
      async ({ params, query, headers }, reply) => {
        if (!(await fanOut.run(params.id))) throw notFound(`run ${params.id}`);
        const rows = pagesOf(PAGE, async (last: { n: number } | undefined) =>
          (await fanOut.members(params.id, last?.n ?? 0, PAGE, query.outcome)).map(resultShape),
        );
        return headers.accept?.includes('application/x-ndjson')
          ? reply.type('application/x-ndjson').send(ndjson(rows))
          : reply.type('application/json').send(jsonArray(rows));
      },
    );
  });
}

function notFound(what: string): DmError {
  return new DmError('API_NOT_FOUND', `there is no ${what}`);
}

function cursor(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,15}$/.test(text)) throw new DmError('API_BAD_REQUEST', 'after: must be the `next` of the page before');
  return Number(text);
}

function runShape(run: Run): z.infer<typeof runSchema> {
  return {
    id: run.number,
    number: run.number,
    resultsUrl: `./SCR/Results/Results${run.number}`,
    state: run.state,
    group: run.group,
    counts: run.counts,
    generation: run.generation,
    correlator: run.correlator ?? null,
    serverId: run.serverId ?? null,
    startedAt: new Date(run.startedAt).toISOString(),
    firstSentAt: isoTime(run.firstSentAt),
    lastAnswerAt: isoTime(run.lastAnswerAt),
    endedAt: isoTime(run.endedAt),
  };
}
