import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { configKey } from '../config-schema.ts';

/** Names of the actors of a demo. */
export const DEMO = {
  serverId: 'dm-server',
  gatewayId: 'urn:dev:demo:gateway',
  /** ServerID of the gateway towards its devices. */
  gatewayServerId: 'dm-gateway',
  group: 'demo',
  correlator: 'demo-1',
} as const;

/**
 * All devices of a demo share the processors with the gateway: more sessions at a time make none of them faster. On a
 * busy machine they would only have more devices wait, notified, for a session until their deadline.
 */
const CONCURRENCY = 32;

/** The folder of one demo: configurations, secrets, stores. */
export interface Workplace {
  readonly dir: string;
  readonly serverConfig: string;
  readonly accounts: string;
  /** Writes the gateway's configuration once the DM Server's URL is known; answers its path. */
  writeGatewayConfig(dmServerUrl: string): Promise<string>;
  remove(): Promise<void>;
}

export interface WorkplaceOptions {
  readonly deviceDeadlineS: number;
  /** Store of the gateway; the DM Server keeps its own in the folder. */
  readonly storeUrl: string | undefined;
  readonly traceDir: string | undefined;
}

/** Makes the folder; secrets are random and only their owner can read the files. */
export async function makeWorkplace(options: WorkplaceOptions): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), 'dmgw-demo-'));
  const secret = async (name: string): Promise<{ file: string }> => {
    await writeFile(join(dir, name), randomBytes(18).toString('base64url'), { mode: 0o600 });
    return { file: name };
  };
  const own = await secret('gateway.secret');
  const peer = await secret('server.secret');
  // The DM Server has to know where the gateway listens before the gateway, which needs the DM Server's URL, is up.
  const notifications = `udp://127.0.0.1:${await freeUdpPort()}`;
  const serverConfig = join(dir, 'server.yaml');
  await writeFile(
    serverConfig,
    stringify({
      role: 'server',
      server: { id: DEMO.serverId, listen: 'http://127.0.0.1:0/dm' },
      store: { url: `sqlite:${join(dir, 'server.db')}` },
      gateways: [
        { id: DEMO.gatewayId, userName: 'demo-gateway', secret: own, serverSecret: peer, notify: notifications },
      ],
      log: { level: 'warn' },
    }),
  );
  return {
    dir,
    serverConfig,
    accounts: join(dir, 'accounts.jsonl'),
    async writeGatewayConfig(dmServerUrl) {
      const path = join(dir, 'gateway.yaml');
      await writeFile(
        path,
        stringify({
          role: 'gateway',
          gateway: { id: DEMO.gatewayId },
          store: { url: options.storeUrl ?? `sqlite:${join(dir, 'gateway.db')}` },
          servers: [{ id: DEMO.serverId, url: dmServerUrl, userName: 'demo-gateway', secret: own, serverSecret: peer }],
          northbound: { notifications },
          southbound: { listen: 'http://127.0.0.1:0/dm', deviceIdInNotification: true },
          fanout: {
            [configKey('DeviceDeadline')]: options.deviceDeadlineS,
            [configKey('Concurrency')]: CONCURRENCY,
          },
          log: { level: 'warn' },
          ...(options.traceDir === undefined ? {} : { trace: { dir: options.traceDir } }),
        }),
      );
      return path;
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
