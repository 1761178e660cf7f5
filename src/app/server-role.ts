import { createApi, listenApi } from '../api/listener.ts';
import { addMetricsRoute } from '../api/metrics-route.ts';
import { addServerRoutes } from '../api/server-routes.ts';
import { openDmServer } from '../server/open.ts';
import type { GatewayAccount } from '../server/server.ts';
import { openServerStore } from '../store/sqlite/open.ts';
import { ConfigError, loadConfig, secretReader } from './config.ts';
import type { ServerConfig } from './config-schema.ts';
import { listenAddress } from './listen-address.ts';
import { createLog } from './log.ts';
import { openRoleMetrics } from './role-metrics.ts';
import { addServerGauges } from './server-metrics.ts';
import { openParts } from '../transport/open-parts.ts';
import { principal } from './principal.ts';
import type { RunningRole } from './running-role.ts';
import { VERSION } from './version.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs a DM Server as its configuration says. What was opened is closed again when a later part fails. */
export async function runServer(configFile: string, environment: Environment): Promise<RunningRole> {
  const { config } = await loadConfig(configFile, environment);
  if (config.role !== 'server') throw new ConfigError('CONFIG_ROLE', configFile, ['role is not server']);
  const log = createLog(config.log.level, 'server');
  const gateways = await gatewayAccounts(config, configFile, environment);
  const { deviceAlerts } = config.retention;
  return openParts(async (opened) => {
    const metrics = openRoleMetrics();
    opened(() => metrics.close());
    const store = await openServerStore(config.store.url, { meter: metrics.commit });
    opened(() => store.close());
    const server = await openDmServer({
      id: config.server.id,
      store,
      gateways,
      listen: listenAddress(config.server.listen),
      maxMsgBytes: config.server.maxMsgBytes,
      maxObjBytes: config.server.maxObjBytes,
      idleTimeoutMs: config.server.idleTimeoutMs,
      totalTimeoutMs: config.server.totalTimeoutMs,
      notifyRetry: { firstMs: config.server.notifyRetryFirstMs, maxMs: config.server.notifyRetryMaxMs },
      loopbackWithoutProof: config.server.loopbackWithoutProof,
      keepAlerts: { maxAgeMs: deviceAlerts.maxAgeS * 1000, maxCount: deviceAlerts.maxCount },
      traceDir: config.trace.dir,
      meter: metrics.dm,
      log,
    });
    opened(() => server.close());
    const api = createApi({
      title: 'oma-dm-gateway: DM Server',
      version: VERSION,
      listen: config.api.listen,
      ready: () => store.probe(),
      onError: (error) => log.error('api request failed', { err: error }),
    });
    opened(() => api.close());
    addServerRoutes(
      api,
      server,
      gateways.map(({ id }) => id),
    );
    addMetricsRoute(api, metrics);
    addServerGauges(metrics, server);
    const addresses = { dm: server.dmUrl, api: await listenApi(api, config.api.listen) };
    log.info('server is ready', addresses);
    return { addresses };
  });
}

async function gatewayAccounts(
  config: ServerConfig,
  configFile: string,
  environment: Environment,
): Promise<GatewayAccount[]> {
  const readSecret = secretReader(configFile, environment);
  const accounts: GatewayAccount[] = [];
  for (const [index, gateway] of config.gateways.entries()) {
    const secret = await readSecret(gateway.secret, `gateways.${index}.secret`);
    const serverSecret = await readSecret(gateway.serverSecret, `gateways.${index}.serverSecret`);
    accounts.push({
      id: gateway.id,
      peer: principal(gateway.scheme, gateway.userName, secret),
      own: principal(gateway.serverScheme, config.server.id, serverSecret),
      notify: gateway.notify,
    });
  }
  return accounts;
}
