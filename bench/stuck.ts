import { checkResults, runFanOut } from './fan-out-run.ts';
import { expectEqual, median, rounded } from './figures.ts';
import type { BenchOptions } from './options.ts';
import type { BenchReport } from './report.ts';
import { prepareSite } from './site.ts';

const DEFAULT_DEVICES = 10_000;
/** One device in ten. */
const SILENT_EVERY = 10;
/** Longer than the live devices take: nobody is given up while they answer. */
const DEVICE_DEADLINE_S = 3600;

/** What silent devices cost the others: answers of live devices a second, up to the last of them, with and without silent ones. */
export async function stuck(options: BenchOptions): Promise<BenchReport> {
  const devices = options.devices ?? DEFAULT_DEVICES;
  const setup = { ...options, devices, deviceDeadlineS: DEVICE_DEADLINE_S };
  const silent = Math.ceil(devices / SILENT_EVERY);
  const allLive = await prepareSite(setup);
  const someSilent = await prepareSite({ ...setup, silentEvery: SILENT_EVERY });
  const rates: { readonly allLive: number; readonly someSilent: number }[] = [];
  try {
    for (let run = 0; run < options.runs; run++) {
      rates.push({ allLive: await rateOf(allLive, devices, 0), someSilent: await rateOf(someSilent, devices, silent) });
    }
  } finally {
    await Promise.all([allLive.remove(), someSilent.remove()]);
  }
  const live = median(rates.map((rate) => rate.allLive));
  const withSilent = median(rates.map((rate) => rate.someSilent));
  const kept = median(rates.map((rate) => rate.someSilent / rate.allLive));
  const { encoding, auth, store, connections, client, runs } = options;
  return {
    title: `stuck: ${devices} devices, ${silent} of them silent, ${encoding}, ${auth}, ${store}, ${connections} connections, ${client} client, median of ${runs}`,
    columns: ['figure', 'value'],
    rows: [
      ['answers/s, all live', rounded(live)],
      ['answers/s of the live ones', rounded(withSilent)],
      ['kept', rounded(kept, 3)],
    ],
    document: {
      devices,
      silent,
      liveAnswersPerSecond: { allLive: rounded(live), someSilent: rounded(withSilent) },
      kept: rounded(kept, 3),
      encoding,
      auth,
      store,
      connections,
      client,
    },
  };
}

async function rateOf(site: Awaited<ReturnType<typeof prepareSite>>, devices: number, silent: number): Promise<number> {
  const actors = await site.open();
  try {
    const live = devices - silent;
    const figures = await runFanOut(actors, live);
    expectEqual('silent devices that are waited for', figures.counts.pending, silent);
    await checkResults(actors, figures, live);
    return (live * 1000) / figures.elapsedMs;
  } finally {
    await actors.close();
  }
}
