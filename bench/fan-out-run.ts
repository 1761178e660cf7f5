import { z } from 'zod';
import { BUILT_IN_COMMANDS } from '../src/app/demo/built-in-commands.ts';
import { expectEqual, wrongResult } from './figures.ts';
import { type Usage, usageSchema } from './process-side.ts';
import { type Actors, SITE } from './site.ts';

/** Asking costs the gateway as much as a device; what is asked for has times of its own. */
const POLL_MS = 250;
/** Nothing a benchmark waits for takes longer. */
const PATIENCE_MS = 15 * 60_000;

const exchangeSchema = z.object({ count: z.int(), bytesUp: z.int(), bytesDown: z.int() });
export const fleetCountsSchema = z.object({
  notified: z.int(),
  sessions: z.int(),
  failures: z.int(),
  reasons: z.array(z.string()),
  exchanges: z.array(exchangeSchema),
});

const gatewayRunSchema = z.looseObject({
  number: z.int(),
  state: z.string(),
  counts: z.looseObject({ targets: z.int(), pending: z.int(), succeeded: z.int(), 'timed-out': z.int() }),
  startedAt: z.string(),
  lastAnswerAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});
type GatewayRun = z.infer<typeof gatewayRunSchema>;
const gatewayRunsSchema = z.object({ runs: z.array(gatewayRunSchema) });

/** What is looked at of the answers of the API. */
const jobSchema = z.looseObject({
  id: z.int(),
  state: z.string(),
  error: z.looseObject({ message: z.string() }).nullable(),
});
const serverRunSchema = jobSchema.extend({
  events: z.array(z.looseObject({ at: z.string(), step: z.int().nullable() })),
  alert: z.looseObject({}).nullable(),
  endedAt: z.string().nullable(),
});
type ServerRun = z.infer<typeof serverRunSchema>;
const resultSchema = z.looseObject({ deviceId: z.string(), outcome: z.string(), deResult: z.string().nullable() });

/** Bodies of one exchange of a session, on average. */
export interface ExchangeSize {
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** What a fan-out took, by the clocks of the gateway's store and of the DM Server. */
export interface FanOutFigures {
  readonly runNumber: number;
  readonly serverRunId: number;
  /** From the start of the run to its last answer. */
  readonly elapsedMs: number;
  readonly endedAtMs: number;
  readonly gateway: Usage;
  readonly fleet: Usage;
  readonly rssPeakBytes: { readonly gateway: number; readonly devices: number };
  /** By exchange of a session. */
  readonly sizes: readonly ExchangeSize[];
  readonly counts: GatewayRun['counts'];
}

/** Has the DM Server make a group, by DM sessions; answers how many milliseconds that took. */
export async function makeGroup({ serverApi }: Actors, group: string, deviceIds: readonly string[]): Promise<number> {
  const begin = performance.now();
  const order = { gatewayId: SITE.gatewayId, group, members: deviceIds };
  const { id } = await serverApi.post('/api/v1/groups', order, jobSchema);
  const job = await until(
    'the group',
    () => serverApi.get(`/api/v1/jobs/${id}`, jobSchema),
    ({ state }) => state === 'complete' || state === 'failed',
  );
  if (job.state === 'failed') throw wrongResult(`the group was not made: ${job.error?.message ?? 'unknown'}`);
  return performance.now() - begin;
}

/** Starts a fan-out to all devices through the DM Server, and waits for the outcomes of those that answer. */
export async function runFanOut(actors: Actors, answering: number): Promise<FanOutFigures> {
  const { serverApi, gatewayApi, gateway, fleet } = actors;
  if (fleet === undefined) throw new TypeError('there are no devices to answer');
  await gateway.ask('startProfile', z.unknown());
  await Promise.all([gateway, fleet].map((each) => each.ask('start', z.unknown())));
  const order = { gatewayId: SITE.gatewayId, group: SITE.group, commands: BUILT_IN_COMMANDS };
  const { id: serverRunId } = await serverApi.post('/api/v1/runs', order, serverRunSchema);
  const run = await until(
    'the run',
    async () => (await gatewayApi.get('/api/v1/runs?limit=1', gatewayRunsSchema)).runs[0],
    (found) => found !== undefined && (found.counts.succeeded >= answering || found.endedAt !== null),
  );
  const [used, usedByFleet] = await Promise.all([gateway, fleet].map((each) => each.ask('usage', usageSchema)));
  await gateway.ask('stopProfile', z.unknown());
  const { exchanges, reasons } = await fleet.ask('counts', fleetCountsSchema);
  if (run === undefined || used === undefined || usedByFleet === undefined) throw new TypeError('no run, no usage');
  if (run.counts.succeeded !== answering) {
    throw wrongResult(`${JSON.stringify(run.counts)}, expected ${answering} succeeded; ${reasons.join('; ')}`);
  }
  const lastAnswerAt = Date.parse(run.lastAnswerAt ?? '');
  return {
    runNumber: run.number,
    serverRunId,
    elapsedMs: lastAnswerAt - Date.parse(run.startedAt),
    endedAtMs: lastAnswerAt,
    gateway: used,
    fleet: usedByFleet,
    rssPeakBytes: { gateway: gateway.peakRssBytes(), devices: fleet.peakRssBytes() },
    sizes: exchanges.map(({ count, bytesUp, bytesDown }) => ({
      bytesUp: Math.round(bytesUp / count),
      bytesDown: Math.round(bytesDown / count),
    })),
    counts: run.counts,
  };
}

/** When the alert of the run was at the DM Server. */
export async function alertOf({ serverApi }: Actors, { serverRunId }: FanOutFigures): Promise<number> {
  const run = await until('the alert', () => serverRun(serverApi, serverRunId), hasAlert);
  return alertAt(run);
}

/** Waits for the DM Server to have got all results; answers how long that took from the alert on, and checks the rows. */
export async function fetchOf({ serverApi }: Actors, { serverRunId }: FanOutFigures, devices: number): Promise<number> {
  const run = await until(
    'the results at the DM Server',
    () => serverRun(serverApi, serverRunId),
    ({ state }) => state === 'complete' || state === 'failed',
  );
  if (run.state === 'failed') throw wrongResult(`the results were not got: ${run.error?.message ?? 'unknown'}`);
  await checkRows(serverApi, `/api/v1/runs/${serverRunId}/results`, devices);
  return Date.parse(run.endedAt ?? '') - alertAt(run);
}

/** Checks what the gateway holds of a run in which every device succeeded. */
export async function checkResults(
  { gatewayApi }: Actors,
  { runNumber }: FanOutFigures,
  devices: number,
): Promise<void> {
  await checkRows(gatewayApi, `/api/v1/runs/${runNumber}/results?outcome=succeeded`, devices);
}

async function checkRows(api: Actors['gatewayApi'], path: string, devices: number): Promise<void> {
  const seen = new Set<string>();
  let rows = 0;
  for await (const { deviceId, deResult, outcome } of api.rows(path, resultSchema)) {
    rows += 1;
    seen.add(deviceId);
    const own = `Demo Device ${deviceId.slice(deviceId.lastIndexOf(':') + 1)}`;
    if (outcome !== 'succeeded' || deResult?.includes(`${own}<`) !== true) {
      throw wrongResult(`${path}: ${deviceId} ${outcome} without its own value`);
    }
  }
  expectEqual(`rows of ${path}`, rows, devices);
  expectEqual(`DeviceIDs of ${path}`, seen.size, devices);
}

function serverRun(api: Actors['serverApi'], id: number): Promise<ServerRun> {
  return api.get(`/api/v1/runs/${id}`, serverRunSchema);
}

function hasAlert({ events, state }: ServerRun): boolean {
  return events.some(({ step }) => step === 7) || state === 'failed';
}

function alertAt({ events, error }: ServerRun): number {
  const event = events.find(({ step }) => step === 7);
  if (event === undefined) throw wrongResult(`there was no alert: ${error?.message ?? 'unknown'}`);
  return Date.parse(event.at);
}

/** Asks until it is so. Throws `DmError` BENCH_WRONG_RESULT when it takes too long. */
async function until<T>(what: string, ask: () => Promise<T>, isSo: (found: T) => boolean): Promise<T> {
  const begin = performance.now();
  for (;;) {
    const found = await ask();
    if (isSo(found)) return found;
    if (performance.now() - begin > PATIENCE_MS) throw wrongResult(`${what} took longer than ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
