import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { parseAccountLines } from '../src/api/device-accounts.ts';
import { type ApiClient, apiClient } from '../src/app/api-client.ts';
import { configKey } from '../src/app/config-schema.ts';
import { generateAccounts, withNotifyAddresses, writeAccounts } from '../src/device/accounts.ts';
import { openGatewayStore } from '../src/store/sqlite/open.ts';
import { maxSessionsFor } from './fleet-limits.ts';
import type { BenchOptions } from './options.ts';
import { type BenchProcess, startProcess } from './processes.ts';

/** Names of the actors of a benchmark. */
export const SITE = {
  serverId: 'dm-server',
  gatewayId: 'urn:dev:bench:gateway',
  gatewayServerId: 'dm-gateway',
  group: 'all',
} as const;

const SEED = 1;
/** Sockets that the devices share for notifications. */
const UDP_SOCKETS = 4;
const ACCOUNTS_AT_A_TIME = 1000;
const SECRETS = { own: { file: 'gateway.secret' }, peer: { file: 'server.secret' } } as const;

/** What a site is made for. */
export interface SiteSetup extends Pick<BenchOptions, 'encoding' | 'auth' | 'connections' | 'client' | 'profile'> {
  readonly devices: number;
  readonly deviceDeadlineS: number;
  /** Each so manyth device is silent; 0: none. */
  readonly silentEvery?: number;
  /** What gateway and DM Server talk in; XML with the largest messages of the defaults where nothing is said. */
  readonly northbound?: { readonly encoding: 'xml' | 'wbxml'; readonly maxMsgBytes: number };
}

/** A gateway with its devices and its DM Server, each a process of its own. */
export interface Actors {
  readonly dir: string;
  readonly gateway: BenchProcess;
  readonly gatewayUrl: { readonly dm: string; readonly api: string };
  readonly gatewayApi: ApiClient;
  readonly server: BenchProcess;
  readonly serverApi: ApiClient;
  /** Undefined: nobody answers. */
  readonly fleet: BenchProcess | undefined;
  close(): Promise<void>;
}

/** Accounts, secrets and stores of which runs begin. */
export interface Site {
  readonly setup: SiteSetup;
  /** Opens it as it was prepared, each time anew. */
  open(how?: { readonly withFleet?: boolean }): Promise<Actors>;
  /** Starts the gateway of a site that is open a second time, on what its store holds. */
  startGateway(dir: string): Promise<Pick<Actors, 'gateway' | 'gatewayUrl' | 'gatewayApi'>>;
  remove(): Promise<void>;
}

const addressSchema = z.object({ dm: z.string(), api: z.string() });

/**
 * Prepares a site: accounts whose nonces both sides know, devices whose DevDetail the gateway has asked for before, so
 * that a session of theirs is no longer than its work, and the group of them all.
 */
export async function prepareSite(setup: SiteSetup): Promise<Site> {
  const root = await mkdtemp(join(tmpdir(), 'dmgw-bench-'));
  const base = join(root, 'base');
  await mkdir(base);
  const ports = await freeUdpPorts(UDP_SOCKETS + 1);
  const [serverPort = 0, ...devicePorts] = ports;
  const notifications = `udp://127.0.0.1:${serverPort}`;
  for (const { file } of Object.values(SECRETS))
    await writeFile(join(base, file), randomBytes(18).toString('base64url'));
  await fillStore(setup, base, devicePorts);
  let opened = 0;

  async function startGateway(dir: string): Promise<Pick<Actors, 'gateway' | 'gatewayUrl' | 'gatewayApi'>> {
    const order = { role: 'gateway', config: join(dir, 'gateway.yaml'), profile: setup.profile };
    const { process: gateway, ready } = await startProcess('role-process', order, addressSchema);
    return { gateway, gatewayUrl: ready, gatewayApi: apiClient(ready.api) };
  }

  async function startFleet(dir: string, dmUrl: string): Promise<BenchProcess> {
    const { process: fleet } = await startProcess(
      'fleet-process',
      {
        client: setup.client,
        dmUrl,
        accounts: join(dir, 'accounts.jsonl'),
        encoding: setup.encoding,
        connections: setup.connections,
        maxSessions: maxSessionsFor(setup.connections),
        udpPorts: devicePorts,
        silentEvery: setup.silentEvery ?? 0,
      },
      z.unknown(),
    );
    return fleet;
  }

  return {
    setup,
    startGateway,
    async open({ withFleet = true } = {}) {
      opened += 1;
      const dir = join(root, `run-${opened}`);
      await cp(base, dir, { recursive: true });
      const started: BenchProcess[] = [];
      try {
        const order = { role: 'server', config: join(dir, 'server.yaml') };
        await writeFile(order.config, stringify(serverConfig(setup, dir, notifications)));
        const { process: server, ready } = await startProcess('role-process', order, addressSchema);
        started.push(server);
        await writeFile(join(dir, 'gateway.yaml'), stringify(gatewayConfig(setup, dir, notifications, ready.dm)));
        const running = await startGateway(dir);
        started.push(running.gateway);
        const fleet = withFleet ? await startFleet(dir, running.gatewayUrl.dm) : undefined;
        if (fleet) started.push(fleet);
        return {
          dir,
          server,
          serverApi: apiClient(ready.api),
          ...running,
          fleet,
          async close() {
            for (const each of [...started].reverse()) await each.stop();
            await rm(dir, { recursive: true, force: true });
          },
        };
      } catch (error) {
        for (const each of started) await each.kill();
        throw error;
      }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

function serverConfig({ northbound }: SiteSetup, dir: string, notify: string): unknown {
  return {
    role: 'server',
    server: {
      id: SITE.serverId,
      listen: 'http://127.0.0.1:0/dm',
      ...(northbound === undefined ? {} : { maxMsgBytes: northbound.maxMsgBytes }),
    },
    store: { url: `sqlite:${join(dir, 'server.db')}` },
    gateways: [
      { id: SITE.gatewayId, userName: 'bench-gateway', secret: SECRETS.own, serverSecret: SECRETS.peer, notify },
    ],
    log: { level: 'warn' },
  };
}

function gatewayConfig(
  { northbound, auth, deviceDeadlineS }: SiteSetup,
  dir: string,
  notifications: string,
  url: string,
): unknown {
  const { encoding = 'xml', ...limits } = northbound ?? {};
  return {
    role: 'gateway',
    gateway: { id: SITE.gatewayId },
    store: { url: `sqlite:${join(dir, 'gateway.db')}` },
    servers: [
      { id: SITE.serverId, url, encoding, userName: 'bench-gateway', secret: SECRETS.own, serverSecret: SECRETS.peer },
    ],
    northbound: { notifications, ...limits },
    southbound: {
      listen: 'http://127.0.0.1:0/dm',
      deviceIdInNotification: true,
      loopbackWithoutProof: auth === 'none',
    },
    fanout: { [configKey('DeviceDeadline')]: deviceDeadlineS },
    log: { level: 'warn' },
  };
}

async function fillStore({ devices: count, auth }: SiteSetup, dir: string, ports: readonly number[]) {
  const scheme = auth === 'none' ? 'md5' : auth;
  const made = generateAccounts({ seed: SEED, count, auth: scheme, serverId: SITE.gatewayServerId });
  const notified = withNotifyAddresses(
    made,
    ports.map((port) => `udp://127.0.0.1:${port}`),
  );
  const accounts = auth === 'none' ? notified.map((each) => ({ ...each, scheme: auth, serverScheme: auth })) : notified;
  await writeAccounts(join(dir, 'accounts.jsonl'), accounts);
  const lines = (await readFile(join(dir, 'accounts.jsonl'), 'utf8')).trimEnd().split('\n');
  const store = await openGatewayStore(`sqlite:${join(dir, 'gateway.db')}`);
  const now = Date.now();
  const inventory = { man: 'bench', mod: 'bench', dmV: '1.2', lang: 'en', fwV: '1', swV: '1', hwV: '1', detailAt: now };
  await store.groups.create(SITE.group);
  for (let at = 0; at < lines.length; at += ACCOUNTS_AT_A_TIME) {
    await store.devices.add(parseAccountLines(lines.slice(at, at + ACCOUNTS_AT_A_TIME).join('\n')));
    const added = await store.devices.list(at, ACCOUNTS_AT_A_TIME);
    await Promise.all(added.map(({ key }) => store.devices.saveInventory(key, inventory, now)));
    const members = added.map(({ deviceId }, index) => ({ name: String(at + index + 1), deviceId }));
    await store.groups.addMembers(SITE.group, members);
  }
  await store.close();
}

/** Ports that were free a moment ago: accounts name them before the devices are there. */
async function freeUdpPorts(count: number): Promise<number[]> {
  const sockets = Array.from({ length: count }, () => createSocket('udp4').bind(0, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'listening')));
  const ports = sockets.map((socket) => socket.address().port);
  for (const socket of sockets) socket.close();
  return ports;
}
