import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { jobSchema, serverRunSchema } from '../../api/server-shape.ts';
import { resultSchema } from '../../api/shapes.ts';
import { type ApiClient, apiClient } from '../api-client.ts';
import { CancelledError } from '../failure.ts';
import { type Child, startChild } from './child.ts';
import type { DemoDocument, DemoStep } from './document.ts';
import { DEMO, makeWorkplace, type Workplace } from './workplace.ts';

/** What a demo is asked to do. */
export interface DemoOptions {
  readonly devices: number;
  readonly encoding: string;
  readonly auth: string;
  /** Text of the command file. */
  readonly commands: string;
  readonly faults: string | undefined;
  /** Share of the devices, in percent, that lack the nodes the commands ask for. */
  readonly lacks: string | undefined;
  readonly seed: number;
  readonly deviceDeadlineS: number;
  readonly storeUrl: string | undefined;
  readonly traceDir: string | undefined;
  readonly keep: boolean;
}

/** What a demo tells while it runs. */
export interface DemoWatcher {
  step(step: DemoStep): void;
  /** A line that is no step: progress, or what a child process said. */
  note(text: string): void;
}

const POLL_MS = 50;
/** After so long the fleet has reported what it did before. */
const REPORT_MS = 500;
const IMPORT_LINES = 1000;

/**
 * Runs the seven steps of a fan-out with a DM Server, a gateway and a fleet of devices, each a process of its own, on
 * loopback. Every step is reported by an actor that saw it. The processes have ended when it resolves or rejects; it
 * rejects with `CancelledError` when `signal` says so.
 */
export async function runDemo(options: DemoOptions, watcher: DemoWatcher, signal: AbortSignal): Promise<DemoDocument> {
  const begin = performance.now();
  const children: Child[] = [];
  // Whatever waits for a child fails when that ends.
  signal.addEventListener('abort', () => void Promise.all(children.map((child) => child.stop())));
  const start = (name: string, ...args: string[]): Child => {
    const child = startChild(name, args, (line) => watcher.note(`${name}: ${line}`));
    children.push(child);
    return child;
  };
  const workplace = await makeWorkplace(options);
  try {
    const actors = await startActors(workplace, options, start);
    const members = await importAccounts(workplace, actors.gateway);
    const steps = new StepLog(watcher);
    await makeGroup(actors.server, members, steps);
    const document = await fanOut(actors, options, steps);
    return { ...document, elapsedMs: Math.round(performance.now() - begin) };
  } catch (error) {
    throw signal.aborted ? new CancelledError('the demo was cancelled') : error;
  } finally {
    // The gateway ends last: the others may still be talking to it.
    for (const child of [...children].reverse()) await child.stop();
    if (options.keep) watcher.note(`kept ${workplace.dir}`);
    else await workplace.remove();
  }
}

interface Actors {
  readonly server: ApiClient;
  readonly gateway: ApiClient;
  readonly devices: Child;
}

async function startActors(
  workplace: Workplace,
  options: DemoOptions,
  start: (name: string, ...args: string[]) => Child,
): Promise<Actors> {
  const role = async (name: 'server' | 'gateway', config: string) => {
    const ready = await start(name, name, '--config', config, '--json', '--end-with-stdin').event('ready');
    return z.object({ dm: z.string(), api: z.string() }).parse(ready);
  };
  const server = await role('server', workplace.serverConfig);
  const gateway = await role('gateway', await workplace.writeGatewayConfig(server.dm));
  const optional: readonly (readonly [string, string | undefined])[] = [
    ['--faults', options.faults],
    ['--lacks', options.lacks],
    ['--lacks-nodes', options.lacks === undefined ? undefined : askedNodes(options.commands).join(',')],
  ];
  const devices = start(
    'devices',
    'devices',
    '--dm-url',
    gateway.dm,
    ...['--count', String(options.devices), '--encoding', options.encoding, '--auth', options.auth],
    ...['--seed', String(options.seed), '--server-id', DEMO.gatewayServerId],
    ...['--listen', 'udp://127.0.0.1:0', '--write-accounts', workplace.accounts, '--json'],
    ...optional.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
  );
  await devices.event('listening');
  return { server: apiClient(server.api), gateway: apiClient(gateway.api), devices };
}

/** LocURIs that the commands ask for, without properties. */
function askedNodes(commands: string): string[] {
  const found = commands.matchAll(/<(?:\w+:)?LocURI>\s*([^<?]*?)\s*(?:\?[^<]*)?<\//g);
  return [...new Set([...found].map(([, locUri = '']) => locUri))];
}

/** Imports the accounts of the fleet; answers the DeviceIDs. */
async function importAccounts(workplace: Workplace, gateway: ApiClient): Promise<string[]> {
  const deviceIds: string[] = [];
  let chunk: string[] = [];
  const send = async (): Promise<void> => {
    if (chunk.length > 0) await gateway.postNdjson('/api/v1/devices', chunk.join('\n'), z.object({ added: z.int() }));
    chunk = [];
  };
  for await (const line of createInterface({ input: createReadStream(workplace.accounts) })) {
    deviceIds.push(z.object({ deviceId: z.string() }).parse(JSON.parse(line)).deviceId);
    chunk.push(line);
    if (chunk.length === IMPORT_LINES) await send();
  }
  await send();
  return deviceIds;
}

async function makeGroup(server: ApiClient, members: readonly string[], steps: StepLog): Promise<void> {
  const order = { gatewayId: DEMO.gatewayId, group: DEMO.group, members };
  let job = await server.post('/api/v1/groups', order, jobSchema);
  while (job.state !== 'complete' && job.state !== 'failed') {
    await pause();
    job = await server.get(`/api/v1/jobs/${job.id}`, jobSchema);
  }
  steps.fromEvents(job.events);
}

async function fanOut(actors: Actors, options: DemoOptions, steps: StepLog): Promise<Omit<DemoDocument, 'elapsedMs'>> {
  const order = {
    gatewayId: DEMO.gatewayId,
    group: DEMO.group,
    commands: options.commands,
    correlator: DEMO.correlator,
  };
  let run = await actors.server.post('/api/v1/runs', order, serverRunSchema);
  for (;;) {
    steps.fromEvents(run.events.filter((event) => event.step !== 7));
    if (steps.has(3)) await watchDevices(actors, steps);
    if (run.state === 'complete' || run.state === 'failed') break;
    await pause();
    run = await actors.server.get(`/api/v1/runs/${run.id}`, serverRunSchema);
  }
  if (run.error) return { steps: steps.inOrder(), run: null, alert: null, results: [], error: run.error };
  steps.fromEvents(run.events);
  const results = [];
  for await (const { deviceId, outcome, deResult } of actors.server.rows(
    `/api/v1/runs/${run.id}/results`,
    resultSchema,
  )) {
    results.push({ deviceId, outcome, deResult });
  }
  const { counts, resultsUrl, alert } = run;
  if (!counts || resultsUrl === null) throw new Error('a complete run without counts or results URL');
  return {
    steps: steps.inOrder(),
    run: { number: Number(/\d+$/.exec(resultsUrl)?.[0]), resultsUrl, state: 'complete', counts },
    alert: alert && {
      type: alert.type,
      source: alert.source,
      data: alert.data,
      mark: alert.mark,
      correlator: alert.correlator,
    },
    results,
  };
}

const gatewayRunsSchema = z.object({
  runs: z.array(
    z.looseObject({
      counts: z.looseObject({ targets: z.int(), pending: z.int() }),
      firstSentAt: z.string().nullable(),
      lastAnswerAt: z.string().nullable(),
    }),
  ),
});
const executedSchema = z.looseObject({ devicesExecuted: z.int(), firstExecutedAt: z.string() });

/** Steps 4 and 6 are the gateway's to tell, step 5 the devices'. */
async function watchDevices({ gateway, devices }: Actors, steps: StepLog): Promise<void> {
  const [run] = (await gateway.get('/api/v1/runs?limit=1', gatewayRunsSchema)).runs;
  if (!run) return;
  const { counts, firstSentAt, lastAnswerAt } = run;
  if (firstSentAt !== null) {
    steps.add({ step: 4, at: firstSentAt, what: `sessions with the ${counts.targets} members open, commands leave` });
  }
  if (counts.pending > 0 || steps.has(6)) return;
  await pause(REPORT_MS);
  const executed = executedSchema.safeParse(devices.latest('progress'));
  if (executed.success) {
    const { devicesExecuted, firstExecutedAt } = executed.data;
    steps.add({ step: 5, at: firstExecutedAt, what: `${devicesExecuted} devices executed commands` });
  }
  if (lastAnswerAt !== null) {
    steps.add({ step: 6, at: lastAnswerAt, what: `${counts.targets} pairs of DeviceID and DeResult stored` });
  }
}

/** Steps as they become known; each is told once. */
class StepLog {
  readonly #steps = new Map<number, DemoStep>();
  readonly #watcher: DemoWatcher;

  constructor(watcher: DemoWatcher) {
    this.#watcher = watcher;
  }

  add(step: DemoStep): void {
    if (this.#steps.has(step.step)) return;
    this.#steps.set(step.step, step);
    this.#watcher.step(step);
  }

  has(step: number): boolean {
    return this.#steps.has(step);
  }

  fromEvents(events: readonly { at: string; step: number | null; what: string }[]): void {
    for (const { at, step, what } of events) if (step !== null) this.add({ step, at, what });
  }

  inOrder(): DemoStep[] {
    return [...this.#steps.values()].sort((left, right) => left.step - right.step);
  }
}

function pause(ms = POLL_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
