import { rawDigest } from './raw-syncml.ts';
import { DEFAULT_POLICY } from '../../src/fanout/policy.ts';
import type { GatewayLog, GatewaySetup } from '../../src/gateway/gateway.ts';
import type { NewDevice } from '../../src/store/devices.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';

/** Keeps what the gateway logs, to look for secrets in it. */
export interface KeptLog extends GatewayLog {
  readonly lines: string[];
}

export function keptLog(): KeptLog {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (event: string, fields = {}) =>
      void lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
  return { lines, info: keep('info'), warn: keep('warn'), error: keep('error') };
}

/** The account of a device with md5 in both directions; secrets are `secret-of-<id>` and `gw-secret`. */
export function deviceAccount(deviceId: string, notify: string | undefined): NewDevice {
  const nonce = new Uint8Array();
  return {
    deviceId,
    client: {
      scheme: 'md5',
      name: deviceId,
      digest: rawDigest(deviceId, `secret-of-${deviceId}`),
      password: undefined,
      nonce,
    },
    server: { scheme: 'md5', name: 'gw', digest: rawDigest('gw', 'gw-secret'), password: undefined, nonce },
    notify,
    notificationVersion: 11,
  };
}

/** Everything a gateway of the tests is told; retries are short, ports are free ones. */
export function gatewaySetup(
  store: GatewayStore,
  log: GatewayLog,
  dmServer?: { id: string; url: string },
): GatewaySetup {
  const servers = dmServer
    ? [
        {
          id: dmServer.id,
          url: dmServer.url,
          own: { scheme: 'md5', principal: { name: 'gw-1', digest: rawDigest('gw-1', 'gw-1-secret') } },
          peer: { scheme: 'md5', principal: { name: dmServer.id, digest: rawDigest(dmServer.id, 'srv-secret') } },
          encoding: 'xml',
          pollIntervalMs: 0,
        } as const,
      ]
    : [];
  return {
    id: 'gw-1',
    store,
    servers,
    northbound: {
      notifications: 'udp://127.0.0.1:0',
      maxMsgBytes: 65_536,
      maxObjBytes: 1_048_576,
      timeoutMs: 5_000,
    },
    southbound: {
      listen: { host: '127.0.0.1', port: 0, path: '/dm' },
      maxMsgBytes: 65_536,
      maxObjBytes: 1_048_576,
      maxSessions: 100,
      idleTimeoutMs: 5_000,
      totalTimeoutMs: 60_000,
      deviceIdInNotification: false,
      push: { concurrency: 4, perSecond: 0, timeoutMs: 2_000 },
      inventoryMaxAgeMs: 86_400_000,
    },
    fanOut: { roots: ['./SCM'], policy: DEFAULT_POLICY, maxActiveRuns: 4 },
    alertRetry: { firstMs: 50, maxMs: 200 },
    traceDir: undefined,
    log,
  };
}
