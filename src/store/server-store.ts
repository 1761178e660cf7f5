import type { EpochMs } from '../fanout/store.ts';
import type { Counts, Outcome } from '../fanout/outcome.ts';
import { DmError } from '../protocol/errors.ts';
import type { PeerNonceStore } from './nodes.ts';

/**
 * `queued`: nothing was sent yet; `sending`: commands may have reached the gateway; `running`: the gateway has taken it
 * on; `fetching`: its results are being read.
 */
export type JobState = 'queued' | 'sending' | 'running' | 'fetching' | 'complete' | 'failed';

/** What a job is to do, as it was ordered. */
export type JobSpec =
  | { readonly kind: 'group'; readonly group: string; readonly deviceIds: readonly string[] }
  | {
      readonly kind: 'fanout';
      readonly fanOutRoot: string;
      readonly group: string;
      readonly commands: string;
      readonly correlator: string;
    };

/** Something worth telling about a job; `step` is the step of the fan-out workflow it shows. */
export interface JobEventRow {
  readonly at: EpochMs;
  readonly step: number | undefined;
  readonly what: string;
}

/** Work of a DM Server on one gateway. */
export interface Job {
  readonly id: number;
  readonly gatewayId: string;
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly createdAt: EpochMs;
  readonly endedAt: EpochMs | undefined;
  /** Of the run at the gateway, once its alert came. */
  readonly resultsUrl: string | undefined;
  /** Of the run, once its summary was read. */
  readonly counts: Counts | undefined;
  /** Generation of the aggregate that was read; undefined before its results are complete. */
  readonly generation: number | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** What changes in a job at one moment. */
export interface JobChange {
  /** `running` only where nothing was heard of the run: its alert can be here before the Status of its Exec. */
  readonly state?: JobState;
  readonly endedAt?: EpochMs;
  readonly resultsUrl?: string;
  readonly counts?: Counts;
  readonly generation?: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** Appended. */
  readonly events?: readonly JobEventRow[];
  /** Written over those with the same `n`. */
  readonly results?: readonly JobResult[];
}

/** One pair of the aggregate, as it was got from the gateway. */
export interface JobResult {
  readonly n: number;
  readonly deviceId: string;
  readonly outcome: Outcome;
  readonly deResult: string | undefined;
}

/** An alert of a completed run; repeats are folded by gateway, URL, Data and Generation. [FANOUT 6] */
export interface CompletionRow {
  readonly gatewayId: string;
  readonly type: string;
  readonly resultsUrl: string;
  readonly data: string;
  readonly mark: string | undefined;
  readonly correlator: string | undefined;
  /** Of the aggregate when the summary was read; undefined before. */
  readonly generation: number | undefined;
  /** How often it came. */
  readonly received: number;
  readonly firstAt: EpochMs;
  readonly lastAt: EpochMs;
}

/** All durable state of a DM Server. Writes are durable when their promise resolves. */
export interface ServerStore {
  readonly peerNonces: PeerNonceStore;
  /**
   * A key that was seen before answers the job of then. Throws `DmError` JOB_KEY_CONFLICT when that was another order;
   * the Correlator of a fan-out does not count, because it can be made up anew for each order.
   */
  createJob(gatewayId: string, spec: JobSpec, idempotencyKey: string | undefined, now: EpochMs): Promise<Job>;
  job(id: number): Promise<Job | undefined>;
  /** Jobs of a kind with `id < before`, newest first. */
  jobs(kind: JobSpec['kind'], before: number | undefined, limit: number): Promise<readonly Job[]>;
  /** Jobs of a gateway in these states, oldest first. */
  openJobs(gatewayId: string, states: readonly JobState[], limit: number): Promise<readonly Job[]>;
  /** The newest fan-out job of this gateway with this correlator. */
  jobByCorrelator(gatewayId: string, correlator: string): Promise<Job | undefined>;
  change(id: number, change: JobChange): Promise<void>;
  events(id: number): Promise<readonly JobEventRow[]>;
  /** Results with `n > after`, in order; all outcomes or one. */
  results(id: number, after: number, limit: number, outcome?: Outcome): Promise<readonly JobResult[]>;
  /** Folds an alert into the last one of the same gateway, URL and Data; answers whether it was the first. */
  noteCompletion(
    completion: Omit<CompletionRow, 'generation' | 'received' | 'firstAt' | 'lastAt'>,
    now: EpochMs,
  ): Promise<'new' | 'repeat'>;
  /**
   * Says which generation of the aggregate the last alert of this gateway, URL and Data announced. When the alerts
   * before it announced another one, it was a completion of its own and no repeat.
   */
  noteGeneration(gatewayId: string, resultsUrl: string, data: string, generation: number): Promise<void>;
  /** Alerts for this URL, oldest first. */
  completions(gatewayId: string, resultsUrl: string): Promise<readonly CompletionRow[]>;
  /** Rejects with `DmError` STORE_WRITE while nothing can be written; it changes nothing that means anything. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** The key belongs to another order. */
export function keyConflict(idempotencyKey: string): DmError {
  return new DmError('JOB_KEY_CONFLICT', `the idempotency key ${idempotencyKey} was used for another order`);
}
