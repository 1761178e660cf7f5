import type { AuthScheme, Principal } from '../protocol/auth/principal.ts';
import type { ServerStore } from '../store/server-store.ts';

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
  readonly traceDir: string | undefined;
  readonly log: ServerLog;
}

/** Structured log of what an operator wants to know; no secrets, nonces or digests. */
interface ServerLog {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A group to be made on a gateway, through DM sessions. */
interface GroupOrder {
  readonly gatewayId: string;
  readonly group: string;
  readonly deviceIds: readonly string[];
  readonly idempotencyKey: string | undefined;
}

/** A fan-out to be run on a gateway, through DM sessions. */
interface FanOutOrder {
  readonly gatewayId: string;
  /** Root of the Fan-Out MO, `./SCM` by default. */
  readonly fanOutRoot: string;
  readonly group: string;
  /** Text of the command file, as it goes into ToBeFannedOut. */
  readonly commands: string;
  /** Sent with the Exec; made up when absent. */
  readonly correlator: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** A running DM Server. Orders are carried out in the sessions that the gateway opens; progress is in the store's jobs. */
export interface DmServer {
  readonly store: ServerStore;
  readonly dmUrl: string;
  /**
   * Both answer the id of the job, durable; of the job of then when the key was seen before. Throw `DmError`
   * GATEWAY_UNKNOWN, JOB_KEY_CONFLICT when the key was used for another order.
   */
  createGroup(order: GroupOrder): Promise<number>;
  startFanOut(order: FanOutOrder): Promise<number>;
  close(): Promise<void>;
}
