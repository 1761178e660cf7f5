import { z } from 'zod';
import { measureCeiling } from './ceiling.ts';
import { fleetCountsSchema } from './fan-out-run.ts';
import { expectEqual, medians, rounded } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { usageSchema } from './process-side.ts';
import type { BenchReport } from './report.ts';
import { prepareSite } from './site.ts';

const DEFAULT_DEVICES = 10_000;
const DEVICE_DEADLINE_S = 600;

interface Measured {
  readonly sessionsPerSecond: number;
  readonly ceilingSessionsPerSecond: number;
  readonly ratio: number;
  readonly gatewayCpuUs: number;
  readonly bareCpuUs: number;
  readonly loopP99Ms: number;
}

/** One warm gateway, and devices that come by themselves, prove themselves, and find no work: what a session costs. */
export async function session(options: BenchOptions): Promise<BenchReport> {
  const devices = options.devices ?? DEFAULT_DEVICES;
  const site = await prepareSite({ ...options, devices, deviceDeadlineS: DEVICE_DEADLINE_S });
  const measured: Measured[] = [];
  try {
    const actors = await site.open();
    const { gateway, fleet } = actors;
    if (fleet === undefined) throw new TypeError('there are no devices');
    try {
      await fleet.ask('pollAll', z.unknown());
      for (let run = 0; run < options.runs; run++) {
        await gateway.ask('start', z.unknown());
        const begin = performance.now();
        await fleet.ask('pollAll', z.unknown());
        const sessionsPerSecond = (devices * 1000) / (performance.now() - begin);
        const usage = await gateway.ask('usage', usageSchema);
        const { sessions, failures, reasons, exchanges } = await fleet.ask('counts', fleetCountsSchema);
        expectEqual(`failed sessions: ${reasons.join('; ')}`, failures, 0);
        expectEqual('sessions', sessions, (run + 2) * devices);
        expectEqual('exchanges in a session', exchanges.length, 1);
        const sizes = exchanges.map(({ count, bytesUp, bytesDown }) => ({
          bytesUp: Math.round(bytesUp / count),
          bytesDown: Math.round(bytesDown / count),
        }));
        const ceiling = await measureCeiling(options, devices, sizes);
        measured.push({
          sessionsPerSecond,
          ceilingSessionsPerSecond: ceiling.devicesPerSecond,
          ratio: sessionsPerSecond / ceiling.devicesPerSecond,
          gatewayCpuUs: usage.cpuUs / devices,
          bareCpuUs: ceiling.serverCpuUsPerDevice,
          loopP99Ms: usage.loopDelayP99Ms,
        });
      }
    } finally {
      await actors.close();
    }
  } finally {
    await site.remove();
  }
  const middle = medians<keyof Measured>(measured.map((run) => ({ ...run })));
  const { encoding, auth, store, connections, client, runs } = options;
  return {
    title: `session: ${devices} sessions of one exchange, ${encoding}, ${auth}, ${store}, ${connections} connections, ${client} client, median of ${runs}`,
    columns: ['figure', 'value'],
    rows: [
      ['sessions/s', rounded(middle.sessionsPerSecond)],
      ['sessions/s of the bare server', rounded(middle.ceilingSessionsPerSecond)],
      ['ratio', rounded(middle.ratio, 3)],
      ['gateway CPU a session, us', rounded(middle.gatewayCpuUs)],
      ['bare server CPU a session, us', rounded(middle.bareCpuUs)],
      ['event loop delay p99, ms', rounded(middle.loopP99Ms, 1)],
    ],
    document: {
      sessions: devices,
      sessionsPerSecond: rounded(middle.sessionsPerSecond),
      ceiling: { sessionsPerSecond: rounded(middle.ceilingSessionsPerSecond) },
      ratio: rounded(middle.ratio, 3),
      cpuUsPerSession: { gateway: rounded(middle.gatewayCpuUs, 1), bare: rounded(middle.bareCpuUs, 1) },
      eventLoopDelayP99Ms: rounded(middle.loopP99Ms, 1),
      encoding,
      auth,
      store,
      connections,
      client,
    },
  };
}
