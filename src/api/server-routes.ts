import { z } from 'zod';
import { DmError } from '../protocol/errors.ts';
import type { DmServer } from '../server/server.ts';
import type { Api } from './listener.ts';
import { notFound } from './problem.ts';
import { addServerAlertRoutes } from './server-alert-routes.ts';
import { addServerResultsRoutes } from './server-results-routes.ts';
import { gatewayId, type ServerRoutePorts } from './server-route-ports.ts';
import { addServerRunRoutes } from './server-run-routes.ts';
import { jobSchema, jobShape } from './server-shape.ts';
import { groupInput, idempotencyHeader, runParam } from './shapes.ts';

/** The API of a DM Server: groups and fan-outs that it orders from its gateways. */
export function addServerRoutes(api: Api, server: DmServer, gatewayIds: readonly string[]): void {
  const { store } = server;
  const ports: ServerRoutePorts = {
    server,
    chosen(id) {
      if (id !== undefined) return id;
      const [only, ...others] = gatewayIds;
      if (only !== undefined && others.length === 0) return only;
      throw new DmError('API_BAD_REQUEST', `gatewayId: say which of ${gatewayIds.join(', ')}`);
    },
    async requireJob(id, kind) {
      const job = await store.job(id);
      if (job && (kind === undefined || job.spec.kind === kind)) return job;
      throw notFound(`${kind === 'fanout' ? 'run' : 'job'} ${id}`);
    },
  };

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
          gatewayId: ports.chosen(body.gatewayId),
          group: body.group,
          deviceIds: body.members,
          groupRefs: body.groupRefs,
          filter: body.filter,
          idempotencyKey: headers['idempotency-key'],
        });
        const job = await ports.requireJob(id, 'group');
        return reply
          .status(202)
          .header('Location', `/api/v1/jobs/${id}`)
          .send(await jobShape(job, store));
      },
    );

    api.get(
      '/api/v1/jobs/:id',
      { schema: { summary: 'Work on a gateway', params: runParam, response: { 200: jobSchema } } },
      async ({ params }) => jobShape(await ports.requireJob(params.id, undefined), store),
    );
  });
  addServerAlertRoutes(api, store);
  addServerRunRoutes(api, ports);
  addServerResultsRoutes(api, ports);
}
