import { z } from 'zod';
import { DEFAULT_POLICY, policyValue, readPolicyValue } from '../fanout/policy.ts';
import { POLICY_ROWS, type PolicyRow } from '../fanout/policy-table.ts';
import { StatusError } from '../protocol/errors.ts';
import { userName, wireText } from '../store/wire-text.ts';

/** A secret never stands in the configuration itself: it names a file or an environment variable that holds it. */
const secret = z.union([z.strictObject({ file: z.string().min(1) }), z.strictObject({ env: z.string().min(1) })], {
  error: 'must name where it is kept: { file: PATH } or { env: NAME }',
});

const httpUrl = z.url({ protocol: /^https?$/ });
/** Where to listen for DM messages or API requests; port 0 takes a free one. */
const listenUrl = z.url({ protocol: /^http$/, error: 'must be http://HOST:PORT[/PATH]' });
const udpUrl = z.url({ protocol: /^udp$/, error: 'must be udp://HOST:PORT' });
const scheme = z.enum(['basic', 'md5', 'mac', 'none']);
const bytes = z
  .int()
  .min(1024)
  .max(1024 * 1024 * 1024);
const ms = z.int().min(1).max(86_400_000);

const api = z.strictObject({ listen: listenUrl.default('http://127.0.0.1:0') });
const log = z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') });
const trace = z.strictObject({ dir: z.string().min(1).optional() });
/** Rows that can have a default: the times of a run are its own. */
export const CONFIGURED_POLICY_ROWS: readonly PolicyRow[] = POLICY_ROWS.filter(({ kind }) => kind !== 'time');

/** Default policy of runs: `concurrency`, `deviceDeadline` and so on, durations in seconds. [FANOUT 7] */
const policy = Object.fromEntries(
  CONFIGURED_POLICY_ROWS.map((row) => [
    configKey(row.node),
    z
      .union([z.number(), z.string(), z.boolean()])
      .superRefine((value, context) => {
        try {
          readPolicyValue(row, value);
        } catch (error) {
          if (!(error instanceof StatusError)) throw error;
          context.addIssue({ code: 'custom', message: error.message });
        }
      })
      .default(policyValue(row, DEFAULT_POLICY) ?? ''),
  ]),
);

/** Key of a policy value in the configuration. */
export function configKey(node: string): string {
  return node.charAt(0).toLowerCase() + node.slice(1);
}

const timeouts = { idleTimeoutMs: ms.default(60_000), totalTimeoutMs: ms.default(900_000) };
const messageLimits = { maxMsgBytes: bytes.default(262_144), maxObjBytes: bytes.default(4_194_304) };

const DAY_S = 86_400;
const age = z
  .int()
  .min(1)
  .max(10 * 365 * DAY_S);

/** How long, and how many of them, something is kept. [FANOUT 8] */
function kept(maxAgeS: number, maxCount: number) {
  return z
    .strictObject({ maxAgeS: age.default(maxAgeS), maxCount: z.int().min(0).max(10_000_000).default(maxCount) })
    .prefault({});
}

/** Configuration of a DM Gateway. */
const gatewayConfigSchema = z.strictObject({
  role: z.literal('gateway'),
  gateway: z.strictObject({ id: wireText(256) }),
  store: z
    .strictObject({ url: z.string().default('sqlite:gateway.db'), maxBytes: z.int().min(1_048_576).optional() })
    .prefault({}),
  servers: z
    .array(
      z.strictObject({
        id: wireText(256),
        url: httpUrl,
        encoding: z.enum(['xml', 'wbxml']).default('xml'),
        scheme: scheme.default('md5'),
        userName,
        secret,
        serverScheme: scheme.default('md5'),
        serverSecret: secret,
        pollIntervalS: z.int().min(0).max(31_536_000).default(0),
        alerts: z.enum(['completion', 'aggregation']).default('completion'),
        deviceAlerts: z.enum(['none', 'all']).default('none'),
        inventoryAlerts: z.enum(['none', 'all']).default('none'),
      }),
    )
    .refine((servers) => new Set(servers.map(({ id }) => id)).size === servers.length, {
      error: 'each DM Server needs an id of its own',
    })
    .default([]),
  northbound: z
    .strictObject({
      notifications: udpUrl.optional(),
      ...messageLimits,
      timeoutMs: ms.default(30_000),
      alertRetryFirstMs: ms.default(2_000),
      alertRetryMaxMs: ms.default(300_000),
    })
    .prefault({}),
  southbound: z
    .strictObject({
      listen: listenUrl.default('http://127.0.0.1:8082/dm'),
      ...messageLimits,
      maxSessions: z.int().min(1).max(1_000_000).default(10_000),
      maxConnections: z.int().min(1).max(1_000_000).default(20_000),
      maxBytesInFlight: z.int().min(1_048_576).max(68_719_476_736).default(268_435_456),
      ...timeouts,
      deviceIdInNotification: z.boolean().default(false),
      loopbackWithoutProof: z.boolean().default(false),
      push: z
        .strictObject({
          concurrency: z.int().min(1).max(1_000).default(16),
          perSecond: z.int().min(0).max(100_000).default(0),
          timeoutMs: ms.max(60_000).default(5_000),
        })
        .prefault({}),
      publicUrl: httpUrl.optional(),
      inventoryMaxAgeS: z.int().min(1).max(31_536_000).default(86_400),
    })
    .prefault({}),
  fanout: z
    .strictObject({
      roots: z
        .array(z.string().regex(/^\.\/[^/]+(\/[^/]+)*$/))
        .min(1)
        .default(['./SCM']),
      maxActiveRuns: z.int().min(1).max(10_000).default(16),
      ...policy,
    })
    .prefault({}),
  retention: z
    .strictObject({
      runs: kept(90 * DAY_S, 1_000),
      deviceAlerts: kept(90 * DAY_S, 100_000),
      audit: kept(365 * DAY_S, 100_000),
      trace: z
        .strictObject({ maxAgeS: age.default(7 * DAY_S), maxBytes: z.int().min(0).default(1_073_741_824) })
        .prefault({}),
    })
    .prefault({}),
  api: api.prefault({}),
  log: log.prefault({}),
  trace: trace.prefault({}),
});
export type GatewayConfig = z.infer<typeof gatewayConfigSchema>;

/** Configuration of a DM Server. */
const serverConfigSchema = z.strictObject({
  role: z.literal('server'),
  server: z.strictObject({
    id: wireText(256),
    listen: listenUrl.default('http://127.0.0.1:8080/dm'),
    ...messageLimits,
    ...timeouts,
    notifyRetryFirstMs: ms.default(2_000),
    notifyRetryMaxMs: ms.default(60_000),
    loopbackWithoutProof: z.boolean().default(false),
  }),
  store: z.strictObject({ url: z.string().default('sqlite:server.db') }).prefault({}),
  retention: z.strictObject({ deviceAlerts: kept(90 * DAY_S, 100_000) }).prefault({}),
  gateways: z
    .array(
      z.strictObject({
        id: wireText(256),
        scheme: scheme.default('md5'),
        userName,
        secret,
        serverScheme: scheme.default('md5'),
        serverSecret: secret,
        notify: udpUrl.optional(),
      }),
    )
    .default([]),
  api: api.prefault({}),
  log: log.prefault({}),
  trace: trace.prefault({}),
});
export type ServerConfig = z.infer<typeof serverConfigSchema>;

/** The configuration of one role; `role` says which. */
export const configSchema = z.discriminatedUnion('role', [gatewayConfigSchema, serverConfigSchema]);
export type Config = z.infer<typeof configSchema>;
