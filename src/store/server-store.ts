import type { EpochMs, RunState } from '../fanout/store.ts';
import type { Counts, Outcome, SettledOutcome } from '../fanout/outcome.ts';
import type { PolicyName } from '../fanout/policy-table.ts';
import { DmError } from '../protocol/errors.ts';
import type { ServerMeasures } from './measures.ts';
import type { PeerNonceStore } from './nodes.ts';
import type { PassedOnAlertStore } from './passed-on-alerts.ts';
import type { ReadResultLines } from './result-lines.ts';

/**
 * `queued`: nothing was sent yet; `sending`: commands may have reached the gateway; `running`: the gateway has taken it
 * on; `fetching`: its results are being read; `cancelled`: the run was, and its results are here.
 */
export type JobState = 'queued' | 'sending' | 'running' | 'fetching' | 'complete' | 'cancelled' | 'failed';

/** Policy values of an order as nodes hold them, by node name. */
export type PolicyTexts = { readonly [K in PolicyName]?: string };

/** What can be asked of a run that is under way. */
export type SteeringAction = 'pause' | 'resume' | 'cancel';

/** A group as it was ordered: its members, devices before other groups, and the filter that chooses more. */
export interface GroupSpec {
  readonly group: string;
  readonly deviceIds: readonly string[];
  readonly groupRefs?: readonly string[] | undefined;
  readonly filter?: string | undefined;
}

/** Commands for a group: what a fan-out sends, and what a plan asks about. */
export interface FanOutTarget {
  /** Root of the Fan-Out MO. */
  readonly fanOutRoot: string;
  readonly group: string;
  readonly commands: string;
  readonly policy?: PolicyTexts | undefined;
}

/** The members of an earlier fan-out that a fan-out takes up again. */
export interface JobRetry {
  /** The job that ordered the earlier one, and the number of its run at the gateway. */
  readonly job: number;
  readonly run: number;
  readonly outcomes: readonly SettledOutcome[];
}

/** A fan-out as it was ordered. */
export interface FanOutSpec extends FanOutTarget {
  readonly kind: 'fanout';
  /** Comes back in the alert; an Exec that is sent again after a lost answer carries the same. */
  readonly correlator: string;
  readonly retryOf?: JobRetry | undefined;
}

/** Something that is asked of a run at the gateway. */
export interface SteerSpec {
  readonly kind: 'steer';
  readonly fanOutRoot: string;
  readonly action: SteeringAction;
  /** The job that ordered the run, and the number of the run at the gateway. */
  readonly job: number;
  readonly run: number;
}

/** What a job is to do, as it was ordered. `plan` starts nothing: the gateway tells what a start would come to. */
export type JobSpec =
  ({ readonly kind: 'group' } & GroupSpec) | FanOutSpec | SteerSpec | ({ readonly kind: 'plan' } & FanOutTarget);

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
  /** Of the run at the gateway, once it was told: by the Status of its Exec or by its alert. */
  readonly resultsUrl: string | undefined;
  /** The state of the run as the gateway told it last; undefined: it has not told any. */
  readonly runState: RunState | undefined;
  /** Of the run, once its summary was read. */
  readonly counts: Counts | undefined;
  /** Generation of the aggregate that was read; undefined before its results are complete. */
  readonly generation: number | undefined;
  /** Digest of the aggregate as the gateway told it with its summary. */
  readonly digest: string | undefined;
  /** How many alerts have come for the run. */
  readonly alerts: number;
  /** What a plan came to, as JSON. */
  readonly plan: string | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** What changes in a job at one moment. */
export interface JobChange {
  readonly state?: JobState;
  /** The state changes only where it is one of these: an alert can be here before the Status of the Exec. */
  readonly from?: readonly JobState[];
  /** The state changes only where no more alerts have come than these. */
  readonly ifAlerts?: number;
  /** One more alert has come. */
  readonly alerted?: true;
  readonly endedAt?: EpochMs;
  readonly resultsUrl?: string | undefined;
  readonly runState?: RunState | undefined;
  readonly counts?: Counts | undefined;
  readonly generation?: number | undefined;
  readonly digest?: string | undefined;
  readonly plan?: string | undefined;
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

/** An alert of a run: its completion, or its quorum (Data 101); repeats are folded by gateway, URL, Data and Generation. [FANOUT 6] */
export interface CompletionRow {
  readonly gatewayId: string;
  readonly type: string;
  readonly resultsUrl: string;
  /** 101, 200, 250, 550, 551; `results` where the alert carried the results themselves. */
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
  readonly passedOnAlerts: PassedOnAlertStore;
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
  /** Results with `n > after`, in order; all outcomes or one; `query` is a part of the DeviceID. */
  results(
    id: number,
    after: number,
    limit: number,
    filter?: { readonly outcome?: Outcome | undefined; readonly query?: string | undefined },
  ): Promise<readonly JobResult[]>;
  readonly resultLines: ReadResultLines;
  /** The result of this device; undefined: there is none. */
  resultOfDevice(id: number, deviceId: string): Promise<JobResult | undefined>;
  /** How often each DeResult is among the results, the most frequent first. */
  equalAnswers(id: number, limit: number): Promise<readonly { readonly deResult: string; readonly members: number }[]>;
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
  measure(): Promise<ServerMeasures>;
  /** Rejects with `DmError` STORE_WRITE while nothing can be written; it changes nothing that means anything. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** The key belongs to another order. */
export function keyConflict(idempotencyKey: string): DmError {
  return new DmError('JOB_KEY_CONFLICT', `the idempotency key ${idempotencyKey} was used for another order`);
}
