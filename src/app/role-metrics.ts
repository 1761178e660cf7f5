import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricsSource } from '../api/metrics-route.ts';
import type { CommitMeter, StoreSize } from '../store/measures.ts';
import type { DmLoad, DmMeter } from '../transport/dm-meter.ts';

/** Metrics of a role, with the counters that every role has. Nothing about a single device goes in. */
export interface RoleMetrics extends MetricsSource {
  readonly registry: Registry;
  readonly dm: DmMeter;
  readonly commit: CommitMeter;
  /** Sets gauges anew, each time before they are told. */
  beforeEach(sample: () => Promise<void>): void;
  close(): Promise<void>;
}

const LOOP_RESOLUTION_MS = 10;
const NS_PER_S = 1e9;
const LOOP_PERCENTILES = [50, 90, 99, 100];

/** Begins to count. */
export function openRoleMetrics(): RoleMetrics {
  const registry = new Registry();
  const samples: (() => Promise<void>)[] = [];
  collectDefaultMetrics({ register: registry, prefix: 'dmgw_' });
  const loop = watchEventLoop(registry);
  return {
    registry,
    contentType: registry.contentType,
    dm: dmMeter(registry),
    commit: commitMeter(registry),
    beforeEach: (sample) => void samples.push(sample),
    async text() {
      loop.sample();
      await Promise.all(samples.map((sample) => sample()));
      return registry.metrics();
    },
    close() {
      loop.stop();
      registry.clear();
      return Promise.resolve();
    },
  };
}

/** A gauge, with at most one label. */
export function gauge(registry: Registry, name: string, help: string, label?: string): Gauge {
  return new Gauge({ name, help, labelNames: label === undefined ? [] : [label], registers: [registry] });
}

/** A counter with one label; it begins with 0 for each of the values that are known. */
export function counter(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  values: readonly string[],
): Counter {
  const made = new Counter({ name, help, labelNames: [label], registers: [registry] });
  for (const value of values) made.inc({ [label]: value }, 0);
  return made;
}

/** Has it told what a DM endpoint holds. */
export function addLoad(metrics: RoleMetrics, load: () => DmLoad): void {
  const { registry } = metrics;
  const sessions = gauge(registry, 'dmgw_dm_sessions_open', 'DM sessions that are open with clients');
  const connections = gauge(registry, 'dmgw_dm_connections_open', 'HTTP connections of DM clients');
  const bytes = gauge(registry, 'dmgw_dm_in_flight_bytes', 'Held by messages that are being read or handled');
  metrics.beforeEach(() => {
    const { openSessions, connections: open, bytesInFlight } = load();
    sessions.set(openSessions);
    connections.set(open);
    bytes.set(bytesInFlight);
    return Promise.resolve();
  });
}

/** Answers how to set the size of a database. */
export function storeSizeGauge(registry: Registry): (size: StoreSize) => void {
  const bytes = gauge(registry, 'dmgw_store_bytes', 'Size of the database');
  const free = gauge(registry, 'dmgw_store_free_bytes', 'What of it is used before it grows');
  return (size) => {
    bytes.set(size.bytes);
    free.set(size.freeBytes);
  };
}

function watchEventLoop(registry: Registry): { sample(): void; stop(): void } {
  const delay = gauge(
    registry,
    'dmgw_event_loop_delay_seconds',
    'How late the event loop was since this was last asked for; quantile 1 is the longest',
    'quantile',
  );
  const histogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  histogram.enable();
  return {
    sample() {
      for (const percentile of LOOP_PERCENTILES) {
        // It measures from timer to timer, and there is nothing in it before the second.
        const lateS =
          histogram.count === 0 ? 0 : histogram.percentile(percentile) / NS_PER_S - LOOP_RESOLUTION_MS / 1000;
        delay.set({ quantile: String(percentile / 100) }, Math.max(0, lateS));
      }
      histogram.reset();
    },
    stop: () => void histogram.disable(),
  };
}

const SESSION_OUTCOMES = {
  completed: true,
  unauthorized: true,
  refused: true,
  aborted: true,
  unsupported: true,
  'timed-out': true,
} as const satisfies Record<Parameters<DmMeter['sessionEnded']>[0], true>;

function dmMeter(registry: Registry): DmMeter {
  const registers = [registry];
  const messages = counter(
    registry,
    'dmgw_dm_messages_total',
    'Messages of DM clients by the HTTP status of the answer',
    'status',
    ['200', '503'],
  );
  const received = new Counter({ name: 'dmgw_dm_received_bytes_total', help: 'Bodies of messages in', registers });
  const sent = new Counter({ name: 'dmgw_dm_sent_bytes_total', help: 'Bodies of messages out', registers });
  const turnedAway = new Counter({
    name: 'dmgw_dm_connections_refused_total',
    help: 'Connections of DM clients that were closed because there were too many',
    registers,
  });
  const sessions = counter(
    registry,
    'dmgw_dm_sessions_total',
    'DM sessions with clients that are over, by outcome',
    'outcome',
    Object.keys(SESSION_OUTCOMES),
  );
  return {
    answered({ httpStatus, bytesIn, bytesOut }) {
      messages.inc({ status: String(httpStatus) });
      received.inc(bytesIn);
      sent.inc(bytesOut);
    },
    connectionRefused: () => turnedAway.inc(),
    sessionEnded: (outcome) => sessions.inc({ outcome }),
  };
}

function commitMeter(registry: Registry): CommitMeter {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'dmgw_store_commit_seconds',
    help: 'How long a transaction takes, all work in it',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const works = new Histogram({
    name: 'dmgw_store_commit_works',
    help: 'Pieces of work that share a transaction',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500],
    registers,
  });
  const commits = counter(registry, 'dmgw_store_commits_total', 'Transactions by outcome', 'outcome', [
    'committed',
    'failed',
  ]);
  return (commit) => {
    commits.inc({ outcome: commit.outcome });
    if (commit.outcome === 'failed') return;
    seconds.observe(commit.durationMs / 1000);
    works.observe(commit.works);
  };
}
