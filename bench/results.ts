import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import { z } from 'zod';
import { alertOf, checkResults, fetchOf, type FanOutFigures, runFanOut } from './fan-out-run.ts';
import { expectEqual, median, rounded } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { usageSchema } from './process-side.ts';
import { type BenchProcess, startProcess } from './processes.ts';
import { type BenchReport, megabytes } from './report.ts';
import { type Actors, prepareSite } from './site.ts';

const DEFAULT_DEVICES = 10_000;
const DEVICE_DEADLINE_S = 3600;
const MAX_MSG_BYTES = 65_536;
const SAMPLE_MS = 200;

/** Memory of a process while it did something. */
interface Memory {
  readonly beforeBytes: number;
  readonly mostBytes: number;
}

/** The results of a run: got by the DM Server over DM sessions in small WBXML messages, and streamed over the API. */
export async function results(options: BenchOptions): Promise<BenchReport> {
  const devices = options.devices ?? DEFAULT_DEVICES;
  const site = await prepareSite({
    ...options,
    devices,
    deviceDeadlineS: DEVICE_DEADLINE_S,
    northbound: { encoding: 'wbxml', maxMsgBytes: MAX_MSG_BYTES },
  });
  try {
    const actors = await site.open();
    try {
      const figures = await runFanOut(actors, devices);
      await alertOf(actors, figures);
      await actors.gateway.ask('start', z.unknown());
      const fetched = await watchMemory(actors, () => fetchOf(actors, figures, devices));
      const { loopDelayP99Ms } = await actors.gateway.ask('usage', usageSchema);
      await checkResults(actors, figures, devices);
      const streamed = await measureStreams(actors, figures, options.runs);
      return report(options, devices, { ...fetched, loopDelayP99Ms }, streamed);
    } finally {
      await actors.close();
    }
  } finally {
    await site.remove();
  }
}

async function watchMemory(
  { gateway, server }: Actors,
  work: () => Promise<number>,
): Promise<{ readonly tookMs: number; readonly gateway: Memory; readonly server: Memory }> {
  const rss = async (each: BenchProcess): Promise<number> => (await each.ask('usage', usageSchema)).rssBytes;
  const before = { gateway: await rss(gateway), server: await rss(server) };
  const most = { ...before };
  const sample = async (): Promise<void> => {
    most.gateway = Math.max(most.gateway, await rss(gateway));
    most.server = Math.max(most.server, await rss(server));
  };
  const timer = setInterval(() => void sample().catch(() => undefined), SAMPLE_MS);
  const tookMs = await work().finally(() => clearInterval(timer));
  await sample();
  return {
    tookMs,
    gateway: { beforeBytes: before.gateway, mostBytes: most.gateway },
    server: { beforeBytes: before.server, mostBytes: most.server },
  };
}

/** Bytes a second of the API's NDJSON and of a bare server that streams the same octets, in turns. */
async function measureStreams(
  { dir, gatewayUrl }: Actors,
  { runNumber }: FanOutFigures,
  runs: number,
): Promise<{ readonly bytes: number; readonly api: number; readonly bare: number; readonly ratio: number }> {
  const url = `${gatewayUrl.api}/api/v1/runs/${runNumber}/results`;
  const headers = { accept: 'application/x-ndjson' };
  const file = join(dir, 'results.ndjson');
  await pipeline((await request(url, { headers })).body, createWriteStream(file));
  const portSchema = z.object({ port: z.int() });
  const { process: bareServer, ready } = await startProcess(
    'bare-server-process',
    { kind: 'stream', file },
    portSchema,
  );
  const rates: { readonly api: number; readonly bare: number }[] = [];
  let bytes = 0;
  try {
    for (let run = 0; run < runs; run++) {
      const api = await readStream(url, headers);
      const bare = await readStream(`http://127.0.0.1:${ready.port}/`, headers);
      expectEqual('octets of the bare stream', bare.bytes, api.bytes);
      bytes = api.bytes;
      rates.push({ api: api.bytesPerSecond, bare: bare.bytesPerSecond });
    }
  } finally {
    await bareServer.stop();
  }
  return {
    bytes,
    api: median(rates.map((rate) => rate.api)),
    bare: median(rates.map((rate) => rate.bare)),
    ratio: median(rates.map((rate) => rate.api / rate.bare)),
  };
}

async function readStream(
  url: string,
  headers: Record<string, string>,
): Promise<{ readonly bytes: number; readonly bytesPerSecond: number }> {
  const begin = performance.now();
  const { body } = await request(url, { headers });
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) bytes += chunk.byteLength;
  return { bytes, bytesPerSecond: (bytes * 1000) / (performance.now() - begin) };
}

function report(
  { store, runs }: BenchOptions,
  devices: number,
  dm: Awaited<ReturnType<typeof watchMemory>> & { readonly loopDelayP99Ms: number },
  ndjson: Awaited<ReturnType<typeof measureStreams>>,
): BenchReport {
  const memory = ({ beforeBytes, mostBytes }: Memory): string => `${megabytes(beforeBytes)} to ${megabytes(mostBytes)}`;
  return {
    title: `results: a run of ${devices} devices, ${store}; DM sessions in WBXML of at most ${MAX_MSG_BYTES} bytes, NDJSON median of ${runs}`,
    columns: ['figure', 'value'],
    rows: [
      ['results/s over DM sessions', rounded((devices * 1000) / dm.tookMs)],
      ['RSS of the gateway, before to most', memory(dm.gateway)],
      ['RSS of the DM Server, before to most', memory(dm.server)],
      ['event loop delay p99 of the gateway, ms', rounded(dm.loopDelayP99Ms, 1)],
      ['NDJSON of the API, MB/s', rounded(ndjson.api / 1e6, 1)],
      ['bare server, the same octets, MB/s', rounded(ndjson.bare / 1e6, 1)],
      ['ratio', rounded(ndjson.ratio, 3)],
    ],
    document: {
      devices,
      dm: {
        elapsedMs: rounded(dm.tookMs),
        resultsPerSecond: rounded((devices * 1000) / dm.tookMs),
        gatewayRssBytes: dm.gateway,
        serverRssBytes: dm.server,
        eventLoopDelayP99Ms: rounded(dm.loopDelayP99Ms, 1),
      },
      ndjson: {
        bytes: ndjson.bytes,
        bytesPerSecond: rounded(ndjson.api),
        ceiling: { bytesPerSecond: rounded(ndjson.bare) },
        ratio: rounded(ndjson.ratio, 3),
      },
      store,
    },
  };
}
