import type { EpochMs, RunState } from '../fanout/store.ts';
import type { JobState } from './server-store.ts';

/** What became of one transaction and of the pieces of work in it. */
export interface Commit {
  readonly outcome: 'committed' | 'failed';
  readonly works: number;
  readonly durationMs: number;
}

/** Told of every transaction when it is over. Must not throw. */
export type CommitMeter = (commit: Commit) => void;

/** A database file; what is free in it is used before it grows. */
export interface StoreSize {
  readonly bytes: number;
  readonly freeBytes: number;
}

/** Alerts that wait for a DM Server. */
export interface WaitingAlerts {
  readonly count: number;
  /** When the oldest came about: for runs, their end. Undefined: there is none. */
  readonly oldestAt: EpochMs | undefined;
}

/** How much is in the database of a gateway, whatever the number of its devices. */
export interface GatewayMeasures extends StoreSize {
  /** Runs that are kept; states of no run are absent. */
  readonly runs: { readonly [K in RunState]?: number };
  /** Members of all runs that have not settled. */
  readonly pendingMembers: number;
  readonly alerts: { readonly run: WaitingAlerts; readonly device: WaitingAlerts };
}

/** How much is in the database of a DM Server. */
export interface ServerMeasures extends StoreSize {
  /** States of no job are absent. */
  readonly jobs: { readonly [K in JobState]?: number };
}
