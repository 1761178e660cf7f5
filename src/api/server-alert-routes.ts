import { z } from 'zod';
import type { ServerStore } from '../store/server-store.ts';
import type { Api } from './listener.ts';
import { beforeOf, nextOf, pageQuery } from './shapes.ts';

const alertSchema = z.object({
  id: z.int(),
  at: z.string(),
  gatewayId: z.string(),
  /** The device's node in the inventory of the gateway. */
  source: z.string().nullable(),
  /** The alert as a SyncBody. */
  alert: z.string(),
});

/** The API of a DM Server: what its gateways passed on. */
export function addServerAlertRoutes(api: Api, { passedOnAlerts }: Pick<ServerStore, 'passedOnAlerts'>): void {
  api.after(() => {
    api.get(
      '/api/v1/device-alerts',
      {
        schema: {
          summary: 'Generic Alerts of devices that gateways passed on, newest first',
          querystring: pageQuery.extend({ gatewayId: z.string().max(256).optional() }),
          response: { 200: z.object({ alerts: z.array(alertSchema), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const page = await passedOnAlerts.list(beforeOf(query.after), query.limit, query.gatewayId);
        const alerts = page.map(({ id, at, gatewayId, source, alert }) => ({
          id,
          at: new Date(at).toISOString(),
          gatewayId,
          source: source ?? null,
          alert,
        }));
        return { alerts, next: nextOf(page, query.limit) };
      },
    );
  });
}
