import { type Ceiling, measureCeiling } from './ceiling.ts';
import { alertOf, checkResults, fetchOf, type FanOutFigures, makeGroup, runFanOut } from './fan-out-run.ts';
import { medians, rounded } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { type BenchReport, megabytes } from './report.ts';
import { type Actors, prepareSite, type Site } from './site.ts';

const DEFAULT_DEVICES = 10_000;
const DEVICE_DEADLINE_S = 3600;
/** Members of a group that is made by DM sessions, to time that; the group of the run is in the store before. */
const MAX_TIMED_MEMBERS = 500;

/** What is timed once, outside the run. */
interface TimedApart {
  readonly finalGetMs: number;
  readonly groupCreation: { readonly members: number; readonly elapsedMs: number };
}

interface MeasuredRun {
  readonly figures: FanOutFigures;
  readonly alertDelayMs: number;
  readonly apart: TimedApart | undefined;
}

/** The figures of one run and of the ceiling beside it. */
interface Measured {
  readonly elapsedMs: number;
  readonly devicesPerSecond: number;
  readonly ceilingDevicesPerSecond: number;
  readonly ceilingRoundTripsPerSecond: number;
  readonly ratio: number;
  readonly gatewayCpuUs: number;
  readonly devicesCpuUs: number;
  readonly bareCpuUs: number;
  readonly cpuRatio: number;
  readonly gatewayRss: number;
  readonly devicesRss: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly alertDelayMs: number;
}

/**
 * The whole workflow: a DM Server starts a fan-out on a gateway, which reaches each device by notification and session
 * and stores its answer, until the alert is at the DM Server; each run beside the ceiling of this machine.
 */
export async function fanout(options: BenchOptions): Promise<BenchReport> {
  const devices = options.devices ?? DEFAULT_DEVICES;
  const site = await prepareSite({ ...options, devices, deviceDeadlineS: DEVICE_DEADLINE_S });
  const measured: Measured[] = [];
  let apart: TimedApart = { finalGetMs: NaN, groupCreation: { members: 0, elapsedMs: NaN } };
  try {
    for (let left = options.runs; left > 0; left--) {
      const run = await measureRun(site, devices, left === 1);
      measured.push(compared(run, await measureCeiling(options, devices, run.figures.sizes), devices));
      apart = run.apart ?? apart;
    }
  } finally {
    await site.remove();
  }
  return report(options, devices, measured, apart);
}

/** Runs one fan-out and checks it; after the last one what belongs to the workflow and is no part of the run is timed. */
async function measureRun(site: Site, devices: number, isLast: boolean): Promise<MeasuredRun> {
  const actors = await site.open();
  try {
    const figures = await runFanOut(actors, devices);
    const alertDelayMs = (await alertOf(actors, figures)) - figures.endedAtMs;
    const apart = isLast ? await timeApart(actors, figures, devices) : undefined;
    await checkResults(actors, figures, devices);
    return { figures, alertDelayMs, apart };
  } finally {
    await actors.close();
  }
}

async function timeApart(actors: Actors, figures: FanOutFigures, devices: number): Promise<TimedApart> {
  const finalGetMs = rounded(await fetchOf(actors, figures, devices));
  const members = Math.min(devices, MAX_TIMED_MEMBERS);
  const deviceIds = Array.from({ length: members }, (_, index) => `urn:dev:demo:${index + 1}`);
  return { finalGetMs, groupCreation: { members, elapsedMs: rounded(await makeGroup(actors, 'timed', deviceIds)) } };
}

function compared({ figures, alertDelayMs }: MeasuredRun, ceiling: Ceiling, devices: number): Measured {
  const devicesPerSecond = (devices * 1000) / figures.elapsedMs;
  const gatewayCpuUs = figures.gateway.cpuUs / devices;
  return {
    elapsedMs: figures.elapsedMs,
    devicesPerSecond,
    ceilingDevicesPerSecond: ceiling.devicesPerSecond,
    ceilingRoundTripsPerSecond: ceiling.roundTripsPerSecond,
    ratio: devicesPerSecond / ceiling.devicesPerSecond,
    gatewayCpuUs,
    devicesCpuUs: figures.fleet.cpuUs / devices,
    bareCpuUs: ceiling.serverCpuUsPerDevice,
    cpuRatio: ceiling.serverCpuUsPerDevice / gatewayCpuUs,
    gatewayRss: figures.rssPeakBytes.gateway,
    devicesRss: figures.rssPeakBytes.devices,
    loopP99Ms: figures.gateway.loopDelayP99Ms,
    loopMaxMs: figures.gateway.loopDelayMaxMs,
    alertDelayMs,
  };
}

function report(
  { encoding, auth, store, connections, client, runs }: BenchOptions,
  devices: number,
  measured: readonly Measured[],
  apart: TimedApart,
): BenchReport {
  const middle = medians<keyof Measured>(measured.map((run) => ({ ...run })));
  const spread = measured.map((run) => rounded(run.devicesPerSecond));
  return {
    title: `fanout: ${devices} devices, ${encoding}, ${auth}, ${store}, ${connections} connections, ${client} client, median of ${runs}`,
    columns: ['figure', 'value'],
    rows: [
      ['devices/s', rounded(middle.devicesPerSecond)],
      ['devices/s of the bare server', rounded(middle.ceilingDevicesPerSecond)],
      ['ratio', rounded(middle.ratio, 3)],
      ['gateway CPU a device, us', rounded(middle.gatewayCpuUs)],
      ['bare server CPU a device, us', rounded(middle.bareCpuUs)],
      ['CPU ratio', rounded(middle.cpuRatio, 3)],
      ['simulator CPU a device, us', rounded(middle.devicesCpuUs)],
      ['peak RSS of the gateway', megabytes(middle.gatewayRss)],
      ['peak RSS of the devices', megabytes(middle.devicesRss)],
      ['event loop delay p99, ms', rounded(middle.loopP99Ms, 1)],
      ['event loop delay max, ms', rounded(middle.loopMaxMs)],
      ['last outcome to alert, ms', rounded(middle.alertDelayMs)],
      [`making a group of ${apart.groupCreation.members}, ms`, apart.groupCreation.elapsedMs],
      ['final Get, ms', apart.finalGetMs],
      ['devices/s of each run', spread.join(', ')],
    ],
    document: {
      devices,
      elapsedMs: rounded(middle.elapsedMs),
      devicesPerSecond: rounded(middle.devicesPerSecond),
      ceiling: {
        roundTripsPerSecond: rounded(middle.ceilingRoundTripsPerSecond),
        devicesPerSecond: rounded(middle.ceilingDevicesPerSecond),
      },
      ratio: rounded(middle.ratio, 3),
      cpuUsPerDevice: {
        gateway: rounded(middle.gatewayCpuUs, 1),
        devices: rounded(middle.devicesCpuUs, 1),
        bare: rounded(middle.bareCpuUs, 1),
      },
      cpuRatio: rounded(middle.cpuRatio, 3),
      rssPeakBytes: { gateway: middle.gatewayRss, devices: middle.devicesRss },
      eventLoopDelayP99Ms: rounded(middle.loopP99Ms, 1),
      eventLoopDelayMaxMs: rounded(middle.loopMaxMs, 1),
      alertDelayMs: rounded(middle.alertDelayMs),
      groupCreation: apart.groupCreation,
      finalGetMs: apart.finalGetMs,
      encoding,
      auth,
      store,
      connections,
      client,
      runs: spread,
      worstLoopDelayP99Ms: rounded(Math.max(...measured.map((run) => run.loopP99Ms)), 1),
    },
  };
}
