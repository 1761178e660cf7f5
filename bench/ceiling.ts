import { z } from 'zod';
import { expectEqual } from './figures.ts';
import type { ExchangeSize } from './fan-out-run.ts';
import { maxSessionsFor } from './fleet-limits.ts';
import type { BenchOptions } from './options.ts';
import { usageSchema } from './process-side.ts';
import { startProcess } from './processes.ts';

/** What a bare HTTP server does with the same octets. */
export interface Ceiling {
  readonly devicesPerSecond: number;
  readonly roundTripsPerSecond: number;
  readonly serverCpuUsPerDevice: number;
}

/**
 * Measures the ceiling: the HTTP client of the devices with the same concurrency and connections, bodies of these sizes
 * that were ready before, nothing decoded, against a bare `node:http` server in a process of its own.
 */
export async function measureCeiling(
  { client, connections }: Pick<BenchOptions, 'client' | 'connections'>,
  devices: number,
  sizes: readonly ExchangeSize[],
): Promise<Ceiling> {
  const bytesDown = sizes.map((size) => size.bytesDown);
  const bytesUp = sizes.map((size) => size.bytesUp);
  const portSchema = z.object({ port: z.int() });
  const server = await startProcess('bare-server-process', { kind: 'exchange', bytesDown }, portSchema);
  try {
    const maxSessions = maxSessionsFor(connections);
    const order = { port: server.ready.port, client, connections, maxSessions, devices, bytesUp };
    const load = await startProcess('ceiling-process', order, z.unknown());
    try {
      await server.process.ask('start', z.unknown());
      const ran = await load.process.ask('run', z.object({ elapsedMs: z.number(), failures: z.int() }));
      const { cpuUs } = await server.process.ask('usage', usageSchema);
      expectEqual('failed sessions with the bare server', ran.failures, 0);
      const devicesPerSecond = (devices * 1000) / ran.elapsedMs;
      return {
        devicesPerSecond,
        roundTripsPerSecond: devicesPerSecond * sizes.length,
        serverCpuUsPerDevice: cpuUs / devices,
      };
    } finally {
      await load.process.stop();
    }
  } finally {
    await server.process.stop();
  }
}
