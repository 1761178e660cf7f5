import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { jobSchema } from '../../src/api/server-shape.ts';
import { type ApiClient, apiClient } from '../../src/app/api-client.ts';
import { type Child, startChild } from '../../src/app/demo/child.ts';
import { DMGW } from './dmgw.ts';

export type Actor = 'server' | 'gateway' | 'devices';

/** Ports that no outgoing connection is given: an actor that comes back finds its own free. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
/** What the message of a failed test quotes. */
const SAID_LINES = 40;

export interface SiteOptions {
  readonly devices: number;
  readonly seed: number;
  /** Policy of every run, by key of the configuration. */
  readonly fanout?: Readonly<Record<string, number>>;
  /** More of the gateway’s `servers` entry. */
  readonly server?: Readonly<Record<string, unknown>>;
  /** More of the gateway’s `store`. */
  readonly store?: Readonly<Record<string, unknown>>;
  /** More of the gateway’s `southbound`. */
  readonly southbound?: Readonly<Record<string, unknown>>;
  /** What devices do wrong, as `dmgw devices --faults` takes it. */
  readonly faults?: string;
  /** Whether the devices write what they send and get; true by default. */
  readonly isTraced?: boolean;
}

/** The three actors as processes of their own, each at the same address again when it is started again. */
export interface Site {
  readonly dir: string;
  readonly gatewayId: string;
  readonly serverConfig: string;
  readonly gatewayConfig: string;
  /** What the devices sent and got, every body. */
  readonly deviceTrace: string;
  /** What the devices executed, a file for each. */
  readonly execLog: string;
  readonly server: ApiClient;
  readonly gateway: ApiClient;
  readonly serverUrl: string;
  readonly gatewayUrl: string;
  /** Where the devices post to. */
  readonly dmUrl: string;
  /** Starts it and waits until it is ready. */
  start(actor: Actor): Promise<void>;
  /** Ends it as a crash would. */
  kill(actor: Actor): Promise<void>;
  stop(actor: Actor): Promise<void>;
  /** Has the DM Server make a group of these devices, or of all, through DM sessions. */
  makeGroup(group: string, members?: readonly string[]): Promise<void>;
  /** What the actors said on stderr last, for the message of a failed test. */
  said(): string;
  /** Everything that an actor said on stderr. */
  linesOf(actor: Actor): readonly string[];
  /** Ends what is still running and removes the folder. */
  close(): Promise<void>;
}

/** Makes the folder with configurations, secrets and accounts. Nothing runs yet. */
export async function makeSite(options: SiteOptions): Promise<Site> {
  const dir = await mkdtemp(join(tmpdir(), 'dmgw-site-'));
  const gatewayId = 'urn:dev:test:gateway';
  const secret = async (name: string): Promise<{ file: string }> => {
    await writeFile(join(dir, name), randomBytes(18).toString('base64url'), { mode: 0o600 });
    return { file: name };
  };
  const [own, peer] = [await secret('gateway.secret'), await secret('server.secret')];
  const [serverDm, serverApi, gatewayDm, gatewayApi] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const notifications = `udp://127.0.0.1:${await freePort()}`;
  const devicesAt = `udp://127.0.0.1:${await freePort()}`;
  const at = (port: number, path = ''): string => `http://127.0.0.1:${port}${path}`;
  const serverConfig = join(dir, 'server.yaml');
  const gatewayConfig = join(dir, 'gateway.yaml');
  const accounts = join(dir, 'accounts.jsonl');
  const deviceTrace = join(dir, 'device-trace');
  const execLog = join(dir, 'exec-log');
  await writeFile(
    serverConfig,
    stringify({
      role: 'server',
      // A session whose gateway is gone is given up soon, so that the next one is asked for soon.
      server: {
        id: 'dm-server',
        listen: at(serverDm, '/dm'),
        idleTimeoutMs: 2_000,
        notifyRetryFirstMs: 300,
        notifyRetryMaxMs: 1_000,
      },
      store: { url: `sqlite:${join(dir, 'server.db')}` },
      gateways: [{ id: gatewayId, userName: 'gateway', secret: own, serverSecret: peer, notify: notifications }],
      api: { listen: at(serverApi) },
      log: { level: 'warn' },
    }),
  );
  await writeFile(
    gatewayConfig,
    stringify({
      role: 'gateway',
      gateway: { id: gatewayId },
      store: { url: `sqlite:${join(dir, 'gateway.db')}`, ...options.store },
      servers: [
        {
          id: 'dm-server',
          url: at(serverDm, '/dm'),
          userName: 'gateway',
          secret: own,
          serverSecret: peer,
          ...options.server,
        },
      ],
      northbound: { notifications, alertRetryFirstMs: 300, alertRetryMaxMs: 1_000 },
      southbound: { listen: at(gatewayDm, '/dm'), deviceIdInNotification: true, ...options.southbound },
      fanout: { ...options.fanout },
      api: { listen: at(gatewayApi) },
      log: { level: 'warn' },
    }),
  );

  const lines: { readonly actor: Actor; readonly line: string }[] = [];
  const running = new Map<Actor, Child>();
  const server = apiClient(at(serverApi));
  const gateway = apiClient(at(gatewayApi));
  let hasAccounts = false;

  async function start(actor: Actor): Promise<void> {
    const args = actor === 'devices' ? deviceArgs() : roleArgs(actor);
    const child = startChild(actor, args, (line) => lines.push({ actor, line }), DMGW);
    running.set(actor, child);
    await child.event(actor === 'devices' ? 'listening' : 'ready');
    if (actor === 'devices' && !hasAccounts) {
      hasAccounts = true;
      await gateway.postNdjson('/api/v1/devices', await readFile(accounts, 'utf8'), z.object({ added: z.int() }));
    }
  }

  function roleArgs(role: 'server' | 'gateway'): string[] {
    return [role, '--config', role === 'server' ? serverConfig : gatewayConfig, '--json', '--end-with-stdin'];
  }

  /** The first time they make their accounts, then they are the same devices again. */
  function deviceArgs(): string[] {
    const common = [
      ...['devices', '--dm-url', at(gatewayDm, '/dm'), '--seed', String(options.seed), '--exec-log', execLog, '--json'],
      ...(options.isTraced === false ? [] : ['--trace', deviceTrace]),
      ...(options.faults === undefined ? [] : ['--faults', options.faults]),
    ];
    if (hasAccounts) return [...common, '--accounts', accounts];
    return [
      ...common,
      ...['--count', String(options.devices), '--auth', 'mixed', '--server-id', 'dm-gateway'],
      ...['--listen', devicesAt, '--write-accounts', accounts],
    ];
  }

  return {
    dir,
    gatewayId,
    serverConfig,
    gatewayConfig,
    deviceTrace,
    execLog,
    server,
    gateway,
    serverUrl: at(serverApi),
    gatewayUrl: at(gatewayApi),
    dmUrl: at(gatewayDm, '/dm'),
    start,
    kill: async (actor) => running.get(actor)?.kill(),
    stop: async (actor) => running.get(actor)?.stop(),
    async makeGroup(group, members = Array.from({ length: options.devices }, (_, index) => deviceIdOf(index))) {
      let job = await server.post('/api/v1/groups', { gatewayId, group, members }, jobSchema);
      await until(`group ${group} is there`, 60_000, async () => {
        job = await server.get(`/api/v1/jobs/${job.id}`, jobSchema);
        return job.state === 'complete' || job.error !== null;
      });
      if (job.error) throw new Error(`group ${group}: ${job.error.message}`);
    },
    said: () =>
      lines
        .slice(-SAID_LINES)
        .map(({ actor, line }) => `${actor}: ${line}`)
        .join('\n'),
    linesOf: (actor) => lines.filter((said) => said.actor === actor).map(({ line }) => line),
    async close() {
      await Promise.all([...running.values()].map((child) => child.kill()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** DeviceID of a simulated device, by its place in the fleet from 0. */
export function deviceIdOf(index: number): string {
  return `urn:dev:demo:${index + 1}`;
}

/** Asks until the answer is yes; rejects when it is not within the time. */
export async function until(
  what: string,
  limitMs: number,
  ask: () => Promise<boolean> | boolean,
  everyMs = 50,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await delay(everyMs);
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const taken = new Set<number>();

/** A port that is free for TCP and UDP at the moment, another one each time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const tcp = createServer();
  const udp = createSocket('udp4');
  try {
    await once(tcp.listen(port, '127.0.0.1'), 'listening');
    await once(udp.bind(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => tcp.close(resolve));
    udp.close();
  }
}
