import { addGatewayRoutes } from '../api/gateway-routes.ts';
import { createApi, listenApi } from '../api/listener.ts';
import { addMetricsRoute } from '../api/metrics-route.ts';
import { applyPolicy, DEFAULT_POLICY, type Policy, type PolicyValue } from '../fanout/policy.ts';
import type { DmServerAccount } from '../gateway/gateway.ts';
import { openGateway } from '../gateway/open.ts';
import type { Retention } from '../gateway/retention.ts';
import { openGatewayStoreThread } from '../store/thread/open.ts';
import { ConfigError, loadConfig, secretReader } from './config.ts';
import { configKey, CONFIGURED_POLICY_ROWS, type GatewayConfig } from './config-schema.ts';
import { listenAddress } from './listen-address.ts';
import { addGatewayGauges, gatewayMeters } from './gateway-metrics.ts';
import { boundHeapGrowth } from './heap-growth.ts';
import { createLog } from './log.ts';
import { openRoleMetrics } from './role-metrics.ts';
import { openParts } from '../transport/open-parts.ts';
import { principal } from './principal.ts';
import type { RunningRole } from './running-role.ts';
import { VERSION } from './version.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs a DM Gateway as its configuration says. What was opened is closed again when a later part fails. */
export async function runGateway(configFile: string, environment: Environment): Promise<RunningRole> {
  boundHeapGrowth();
  const { config } = await loadConfig(configFile, environment);
  if (config.role !== 'gateway') throw new ConfigError('CONFIG_ROLE', configFile, ['role is not gateway']);
  const log = createLog(config.log.level, 'gateway');
  const servers = await serverAccounts(config, configFile, environment);
  const policy = defaultPolicy(config);
  return openParts(async (opened) => {
    const metrics = openRoleMetrics();
    opened(() => metrics.close());
    const store = await openGatewayStoreThread(config.store.url, {
      maxBytes: config.store.maxBytes,
      meter: metrics.commit,
    });
    opened(() => store.close());
    const gateway = await openGateway({
      id: config.gateway.id,
      version: VERSION,
      store,
      servers,
      northbound: {
        notifications: config.northbound.notifications,
        maxMsgBytes: config.northbound.maxMsgBytes,
        maxObjBytes: config.northbound.maxObjBytes,
        timeoutMs: config.northbound.timeoutMs,
      },
      southbound: {
        listen: listenAddress(config.southbound.listen),
        maxMsgBytes: config.southbound.maxMsgBytes,
        maxObjBytes: config.southbound.maxObjBytes,
        maxSessions: config.southbound.maxSessions,
        maxConnections: config.southbound.maxConnections,
        maxBytesInFlight: config.southbound.maxBytesInFlight,
        idleTimeoutMs: config.southbound.idleTimeoutMs,
        totalTimeoutMs: config.southbound.totalTimeoutMs,
        deviceIdInNotification: config.southbound.deviceIdInNotification,
        loopbackWithoutProof: config.southbound.loopbackWithoutProof,
        push: config.southbound.push,
        publicUrl: config.southbound.publicUrl,
        inventoryMaxAgeMs: config.southbound.inventoryMaxAgeS * 1000,
      },
      fanOut: { roots: config.fanout.roots, policy, maxActiveRuns: config.fanout.maxActiveRuns },
      alertRetry: { firstMs: config.northbound.alertRetryFirstMs, maxMs: config.northbound.alertRetryMaxMs },
      retention: retentionOf(config),
      traceDir: config.trace.dir,
      meters: gatewayMeters(metrics),
      log,
    });
    opened(() => gateway.close());
    const api = createApi({
      title: 'oma-dm-gateway: DM Gateway',
      version: VERSION,
      listen: config.api.listen,
      ready: () => store.probe(),
      onError: (error) => log.error('api request failed', { err: error }),
    });
    opened(() => api.close());
    addGatewayRoutes(api, gateway, policy);
    addMetricsRoute(api, metrics);
    addGatewayGauges(metrics, gateway, Date.now);
    const apiUrl = await listenApi(api, config.api.listen);
    const addresses = {
      dm: gateway.dmUrl,
      api: apiUrl,
      ...(gateway.notificationAddress === undefined ? {} : { notifications: gateway.notificationAddress }),
    };
    log.info('gateway is ready', addresses);
    return { addresses };
  });
}

function defaultPolicy(config: GatewayConfig): Policy {
  const configured: Readonly<Record<string, unknown>> = config.fanout;
  return applyPolicy(
    DEFAULT_POLICY,
    Object.fromEntries(CONFIGURED_POLICY_ROWS.map(({ node }) => [node, configured[configKey(node)] as PolicyValue])),
  );
}

function retentionOf({ retention: { runs, deviceAlerts, audit, trace } }: GatewayConfig): Retention {
  const limits = ({ maxAgeS, maxCount }: typeof runs) => ({ maxAgeMs: maxAgeS * 1000, maxCount });
  return {
    runs: limits(runs),
    deviceAlerts: limits(deviceAlerts),
    audit: limits(audit),
    trace: { maxAgeMs: trace.maxAgeS * 1000, maxBytes: trace.maxBytes },
  };
}

async function serverAccounts(
  config: GatewayConfig,
  configFile: string,
  environment: Environment,
): Promise<DmServerAccount[]> {
  const readSecret = secretReader(configFile, environment);
  const accounts: DmServerAccount[] = [];
  for (const [index, server] of config.servers.entries()) {
    accounts.push({
      id: server.id,
      url: server.url,
      own: principal(server.scheme, server.userName, await readSecret(server.secret, `servers.${index}.secret`)),
      peer: principal(
        server.serverScheme,
        server.id,
        await readSecret(server.serverSecret, `servers.${index}.serverSecret`),
      ),
      encoding: server.encoding,
      pollIntervalMs: server.pollIntervalS * 1000,
      alerts: server.alerts,
      deviceAlerts: server.deviceAlerts,
      inventoryAlerts: server.inventoryAlerts,
    });
  }
  return accounts;
}
