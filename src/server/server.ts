import type { AuthScheme, Principal } from '../protocol/auth/principal.ts';
import type { SettledOutcome } from '../fanout/outcome.ts';
import type { PolicyInput } from '../fanout/policy.ts';
import type { GroupSpec, ServerStore, SteeringAction } from '../store/server-store.ts';
import type { DmLoad, DmMeter } from '../transport/dm-meter.ts';

/** A gateway that this DM Server manages. */
export interface GatewayAccount {
  /** Source LocURI of its messages. */
  readonly id: string;
  /** How the gateway proves itself to this server. */
  readonly peer: { readonly scheme: AuthScheme; readonly principal: Principal };
  /** How this server proves itself to the gateway; the principal name is our ServerID. */
  readonly own: { readonly scheme: AuthScheme; readonly principal: Principal };
  /** Where to send package #0, `udp://host:port`; undefined: the gateway polls. */
  readonly notify: string | undefined;
}

/** Everything a DM Server is told when it is opened. */
export interface DmServerSetup {
  readonly id: string;
  readonly store: ServerStore;
  readonly gateways: readonly GatewayAccount[];
  readonly listen: { readonly host: string; readonly port: number; readonly path: string };
  readonly maxMsgBytes: number;
  readonly maxObjBytes: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** Believe gateways with scheme none that come from this host. */
  readonly loopbackWithoutProof?: boolean | undefined;
  /** Wait before a gateway that did not come is notified again, doubled each time up to the maximum. */
  readonly notifyRetry: { readonly firstMs: number; readonly maxMs: number };
  /** How long, and how many, alerts that gateways passed on are kept; undefined: all of them, for ever. */
  readonly keepAlerts?: { readonly maxAgeMs: number; readonly maxCount: number } | undefined;
  readonly traceDir: string | undefined;
  readonly meter?: DmMeter | undefined;
  readonly log: ServerLog;
}

/** Structured log of what an operator wants to know; no secrets, nonces or digests. */
interface ServerLog {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A group to be made on a gateway, through DM sessions. */
interface GroupOrder extends GroupSpec {
  readonly gatewayId: string;
  readonly idempotencyKey: string | undefined;
}

/** What a start would do is asked for, through DM sessions. */
interface PlanOrder {
  readonly gatewayId: string;
  /** Root of the Fan-Out MO, `./SCM` by default. */
  readonly fanOutRoot: string;
  readonly group: string;
  /** Text of the command file, as it goes into ToBeFannedOut. */
  readonly commands: string;
  /** What the gateway's configuration does not decide. */
  readonly policy: PolicyInput;
}

/** A fan-out to be run on a gateway, through DM sessions. */
interface FanOutOrder extends PlanOrder {
  /** Sent with the Exec; made up when absent. */
  readonly correlator: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** Members of a fan-out that has ended are to be taken up again. */
interface RetryOrder {
  /** The job that ordered the fan-out. */
  readonly job: number;
  readonly outcomes: readonly SettledOutcome[];
  /** What is to be otherwise than in the earlier run. */
  readonly policy: PolicyInput;
  /** As of a fan-out. */
  readonly correlator: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** A running DM Server. Orders are carried out in the sessions that the gateway opens; progress is in the store's jobs. */
export interface DmServer {
  readonly store: ServerStore;
  readonly dmUrl: string;
  /** What its endpoint for gateways holds at this moment. */
  readonly load: DmLoad;
  /**
   * All answer the id of the job, durable; of the job of then when the key was seen before. Throw `DmError`
   * GATEWAY_UNKNOWN, JOB_KEY_CONFLICT when the key was used for another order, `StatusError` 400 when the policy has a
   * value that is not allowed.
   */
  createGroup(order: GroupOrder): Promise<number>;
  startFanOut(order: FanOutOrder): Promise<number>;
  planFanOut(order: PlanOrder): Promise<number>;
  /**
   * Both ask something of the run of a fan-out: `job` is the one that ordered it. Throw `DmError` JOB_UNKNOWN when it
   * ordered none, `StatusError` 405 while the gateway has not told which run is its, or when that has ended.
   */
  steerFanOut(job: number, action: SteeringAction): Promise<number>;
  retryFanOut(order: RetryOrder): Promise<number>;
  close(): Promise<void>;
}
