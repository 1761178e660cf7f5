import { z } from 'zod';
import type { Gateway } from '../gateway/gateway.ts';
import { deviceSchema, deviceShape, parseAccountLines } from './device-accounts.ts';
import type { Api } from './listener.ts';
import { notFound } from './problem.ts';
import { pageCursor, pageQuery } from './shapes.ts';

/** The API of a gateway: the accounts of its devices, without their secrets. */
export function addDeviceRoutes(api: Api, gateway: Gateway): void {
  const { devices } = gateway.store;

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
        await gateway.noteDevicesAdded(accounts.length);
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
        const page = await devices.list(query.after === undefined ? 0 : pageCursor(query.after), query.limit, query.q);
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
  });
}
