import { z } from 'zod';
import { userName, wireText } from './wire-text.ts';

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, { error: 'must be base64' });
const limit = z
  .int()
  .min(512)
  .max(1024 * 1024 * 1024);
const scheme = z.enum(['basic', 'md5', 'mac', 'none']);

/**
 * One line of an accounts file (JSON lines): what a device and its gateway must agree on. `dmgw device import` stores
 * it on the gateway, `dmgw devices --accounts` gives it to simulated devices. [FANOUT 8]
 */
export const accountLineSchema = z.strictObject({
  /** DevInfo/DevId and Source LocURI of the device. */
  deviceId: wireText(256),
  /** How the device proves itself to the gateway. */
  scheme: scheme.default('md5'),
  userName,
  secret: z.string().max(1024),
  /** Nonce of the device's first proof, base64. */
  clientNonce: base64.default(''),
  /** How the gateway proves itself to the device; its ServerID is the user name. */
  serverScheme: scheme.default('md5'),
  serverId: wireText(255),
  serverSecret: z.string().max(1024),
  /** Nonce of the gateway's first proof and first notification, base64. */
  serverNonce: base64.default(''),
  /** Where package #0 goes; absent: the device polls. */
  notify: z
    .url({ protocol: /^udp$|^https?$/, error: 'must be udp://HOST:PORT or http(s)://…' })
    .refine((url) => !/^[a-z]+:\/\/[^/?#]*@/i.test(url), { error: 'must not hold a user name or password' })
    .optional(),
  /** Version field of package #0: 10 (DM 1.1), 11 or 12. */
  notificationVersion: z.union([z.literal(10), z.literal(11), z.literal(12)]).default(11),
  /** What the device can take where it does not tell it itself. */
  maxMsgBytes: limit.optional(),
  maxObjBytes: limit.optional(),
});

export type AccountLine = z.infer<typeof accountLineSchema>;
