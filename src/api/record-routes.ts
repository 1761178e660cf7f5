import { z } from 'zod';
import type { Gateway } from '../gateway/gateway.ts';
import type { Api } from './listener.ts';
import { beforeOf, nextOf, pageQuery } from './shapes.ts';

const auditSchema = z.object({
  id: z.int(),
  at: z.string(),
  /** ServerID of a DM Server, or `api`. */
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  detail: z.string(),
});

const deviceAlertSchema = z.object({
  id: z.int(),
  at: z.string(),
  deviceId: z.string(),
  /** The alert as a SyncBody. */
  alert: z.string(),
});

/** The API of a gateway: what was recorded, newest first. */
export function addRecordRoutes(api: Api, gateway: Gateway): void {
  const { audit, deviceAlerts } = gateway.store;

  api.after(() => {
    api.get(
      '/api/v1/audit',
      {
        schema: {
          summary: 'Who did what, newest first',
          querystring: pageQuery,
          response: { 200: z.object({ entries: z.array(auditSchema), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const page = await audit.list(beforeOf(query.after), query.limit);
        const entries = page.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() }));
        return { entries, next: nextOf(page, query.limit) };
      },
    );

    api.get(
      '/api/v1/device-alerts',
      {
        schema: {
          summary: 'Alerts 1224 and 1226 that devices sent, newest first',
          querystring: pageQuery.extend({ deviceId: z.string().max(256).optional() }),
          response: { 200: z.object({ alerts: z.array(deviceAlertSchema), next: z.string().nullable() }) },
        },
      },
      async ({ query }) => {
        const page = await deviceAlerts.list(beforeOf(query.after), query.limit, query.deviceId);
        const alerts = page.map(({ id, at, deviceId, alert }) => ({
          id,
          at: new Date(at).toISOString(),
          deviceId,
          alert,
        }));
        return { alerts, next: nextOf(page, query.limit) };
      },
    );
  });
}
