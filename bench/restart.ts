import { request } from 'undici';
import { z } from 'zod';
import { BUILT_IN_COMMANDS } from '../src/app/demo/built-in-commands.ts';
import { expectEqual, median, rounded } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { type BenchReport, megabytes } from './report.ts';
import { prepareSite, SITE } from './site.ts';

const DEFAULT_DEVICES = 10_000;
const DEVICE_DEADLINE_S = 3600;

const runSchema = z.looseObject({
  state: z.string(),
  counts: z.looseObject({ targets: z.int(), pending: z.int() }),
});

/** A gateway that died with a run open: how long it takes from its start until it serves devices and operators. */
export async function restart(options: BenchOptions): Promise<BenchReport> {
  const devices = options.devices ?? DEFAULT_DEVICES;
  const site = await prepareSite({ ...options, devices, deviceDeadlineS: DEVICE_DEADLINE_S });
  const servingMs: number[] = [];
  const rssBytes: number[] = [];
  try {
    const actors = await site.open({ withFleet: false });
    try {
      const order = { group: SITE.group, commands: BUILT_IN_COMMANDS };
      await actors.gatewayApi.post('/api/v1/runs', order, runSchema);
      await actors.gateway.kill();
      for (let run = 0; run < options.runs; run++) {
        const begin = performance.now();
        const { gateway, gatewayUrl, gatewayApi } = await site.startGateway(actors.dir);
        const { statusCode, body } = await request(gatewayUrl.dm);
        await body.dump();
        const { state, counts } = await gatewayApi.get('/api/v1/runs/1', runSchema);
        servingMs.push(performance.now() - begin);
        rssBytes.push(gateway.peakRssBytes());
        await gateway.kill();
        expectEqual('HTTP status of a GET at the DM endpoint', statusCode, 405);
        expectEqual(`pending members of the ${state} run ${JSON.stringify(counts)}`, counts.pending, devices);
      }
    } finally {
      await actors.close();
    }
  } finally {
    await site.remove();
  }
  return {
    title: `restart: a run of ${devices} devices open, ${options.store}, median of ${options.runs}`,
    columns: ['figure', 'value'],
    rows: [
      ['start to serving, ms', rounded(median(servingMs))],
      ['slowest, ms', rounded(Math.max(...servingMs))],
      ['peak RSS by then', megabytes(median(rssBytes))],
    ],
    document: {
      devices,
      servingMs: rounded(median(servingMs)),
      slowestMs: rounded(Math.max(...servingMs)),
      rssPeakBytes: median(rssBytes),
      store: options.store,
    },
  };
}
