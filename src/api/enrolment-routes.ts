import { z } from 'zod';
import type { Enrolled, Enrolment } from '../gateway/enrolment.ts';
import { accountLineSchema } from '../store/account-line.ts';
import { wireText } from '../store/wire-text.ts';
import type { Api } from './listener.ts';
import { isoTime } from './shapes.ts';

const DAY_S = 86_400;

const account = accountLineSchema.shape;
const rotateInput = z.strictObject({
  graceS: z
    .int()
    .min(0)
    .max(365 * DAY_S)
    .default(DAY_S)
    .describe('How long the secrets before stay good, in seconds'),
  gatewayUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('What the device is to post to'),
});
const bootstrapInput = rotateInput
  .extend({
    create: z
      .strictObject({
        userName: account.userName.optional(),
        scheme: account.scheme,
        serverId: account.serverId.optional(),
        serverScheme: account.serverScheme,
        notify: account.notify,
        notificationVersion: account.notificationVersion,
        maxMsgBytes: account.maxMsgBytes,
        maxObjBytes: account.maxObjBytes,
      })
      .optional()
      .describe('Makes the account'),
    move: z.boolean().default(false).describe('The DeviceID goes to new hardware'),
  })
  .refine(({ create, move }) => !(create && move), { error: 'create and move exclude each other' });

const enrolledSchema = z.object({
  deviceId: z.string(),
  gatewayUrl: z.string(),
  graceUntil: z.string().nullable(),
  /** DMAcc as TNDS document, with the secrets. */
  dmAcc: z.string(),
  /** The w7 profile, with the secrets. */
  w7: z.string(),
});
const params = z.strictObject({ deviceId: wireText(256) });

/** Secrets of devices: the answers to these requests are the only place where they ever show. */
export function addEnrolmentRoutes(api: Api, enrolment: Enrolment): void {
  api.after(() => {
    api.post(
      '/api/v1/devices/:deviceId/bootstrap',
      {
        schema: {
          summary: 'New secrets for a device, shown this once, as DMAcc and as w7 profile',
          params,
          body: bootstrapInput,
          response: { 200: enrolledSchema },
        },
      },
      async ({ params: { deviceId }, body: { graceS, ...request } }, reply) =>
        reply
          .header('Cache-Control', 'no-store')
          .send(shapeOf(await enrolment.bootstrap(deviceId, { ...request, graceMs: graceS * 1000 }))),
    );

    api.post(
      '/api/v1/devices/:deviceId/rotate',
      {
        schema: {
          summary: 'Rotates the secrets of a device; those before stay good for a time',
          params,
          body: rotateInput,
          response: { 200: enrolledSchema },
        },
      },
      async ({ params: { deviceId }, body: { graceS, gatewayUrl } }, reply) =>
        reply
          .header('Cache-Control', 'no-store')
          .send(shapeOf(await enrolment.rotate(deviceId, { gatewayUrl, graceMs: graceS * 1000 }))),
    );

    api.delete(
      '/api/v1/devices/:deviceId',
      {
        schema: {
          summary: 'Decommissions a device: it is unreachable in the runs that hold it',
          params,
          querystring: z.strictObject({ purge: z.enum(['true', 'false']).default('false') }),
          response: { 200: z.object({ deviceId: z.string(), purged: z.boolean(), unreachable: z.int() }) },
        },
      },
      async ({ params: { deviceId }, query }) => {
        const purged = query.purge === 'true';
        return { deviceId, purged, unreachable: await enrolment.remove(deviceId, { purge: purged }) };
      },
    );
  });
}

function shapeOf({ graceUntil, ...enrolled }: Enrolled): z.infer<typeof enrolledSchema> {
  return { ...enrolled, graceUntil: isoTime(graceUntil) };
}
