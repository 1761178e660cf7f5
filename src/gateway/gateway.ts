import type { AuthScheme, Principal } from '../protocol/auth/principal.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import type { FanOutEngine, RetryRequest } from '../fanout/engine.ts';
import type { Policy } from '../fanout/policy.ts';
import type { Run } from '../fanout/store.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import type { DmLoad } from '../transport/dm-meter.ts';
import type { Enrolment } from './enrolment.ts';
import type { GatewayMeters } from './meters.ts';
import type { MakePlan } from './planning.ts';
import type { Retention } from './retention.ts';

/** A DM Server that manages this gateway. */
export interface DmServerAccount {
  /** ServerID: the name ACLs and runs know it by. */
  readonly id: string;
  readonly url: string;
  /** How the gateway proves itself to it. */
  readonly own: { readonly scheme: AuthScheme; readonly principal: Principal };
  /** How it proves itself to the gateway, and signs its notifications; the principal name is its ServerID. */
  readonly peer: { readonly scheme: AuthScheme; readonly principal: Principal };
  readonly encoding: 'xml' | 'wbxml';
  /** 0: it is never polled. */
  readonly pollIntervalMs: number;
  /** Whether the end of a run is told with its results; default `completion`: without. */
  readonly alerts?: 'completion' | 'aggregation' | undefined;
  /** Which alerts of devices are passed on to it; default `none`. */
  readonly deviceAlerts?: 'none' | 'all' | undefined;
  /** Whether it is told which devices attach and detach; default `none`. */
  readonly inventoryAlerts?: 'none' | 'all' | undefined;
}

/** Everything a gateway is told when it is opened; addresses with port 0 take a free port. */
export interface GatewaySetup {
  /** DevInfo/DevId towards the DM Servers. */
  readonly id: string;
  /** FwV and SwV of `./DevDetail`. */
  readonly version?: string | undefined;
  readonly store: GatewayStore;
  readonly servers: readonly DmServerAccount[];
  readonly northbound: {
    /** Where package #0 of the DM Servers arrives, `udp://host:port`; undefined: the gateway only polls. */
    readonly notifications: string | undefined;
    readonly maxMsgBytes: number;
    readonly maxObjBytes: number;
    readonly timeoutMs: number;
  };
  readonly southbound: {
    readonly listen: { readonly host: string; readonly port: number; readonly path: string };
    readonly maxMsgBytes: number;
    readonly maxObjBytes: number;
    readonly maxSessions: number;
    /** As in `DmListenOptions`. */
    readonly maxConnections?: number | undefined;
    readonly maxBytesInFlight?: number | undefined;
    readonly idleTimeoutMs: number;
    readonly totalTimeoutMs: number;
    /** Put the DeviceID into the vendor-specific body of notifications, for devices that share a socket. */
    readonly deviceIdInNotification: boolean;
    /** Believe devices with scheme none that come from this host. */
    readonly loopbackWithoutProof?: boolean | undefined;
    /** Bounds on notifications over HTTP; `perSecond` 0: no limit. */
    readonly push: { readonly concurrency: number; readonly perSecond: number; readonly timeoutMs: number };
    /** What new devices are told to post to; undefined: where the gateway listens. */
    readonly publicUrl?: string | undefined;
    /** Ask FwV, SwV and HwV again when older than this. */
    readonly inventoryMaxAgeMs: number;
  };
  readonly fanOut: { readonly roots: readonly string[]; readonly policy: Policy; readonly maxActiveRuns: number };
  /** Wait before an alert is sent again, doubled each time up to the maximum. */
  readonly alertRetry: { readonly firstMs: number; readonly maxMs: number };
  /** What is kept, and for how long; undefined: everything, for ever. */
  readonly retention?: Retention | undefined;
  /** Where to write every body and notification; undefined: nowhere. */
  readonly traceDir: string | undefined;
  readonly meters?: GatewayMeters | undefined;
  readonly log: GatewayLog;
}

/** Structured log of what an operator wants to know; no secrets, nonces or digests. */
export interface GatewayLog {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What an operator asks for at the gateway itself. */
interface OperatorStart {
  readonly group: string;
  readonly commands: readonly RequestCommand[];
  readonly policy: Policy;
  readonly correlator: string | undefined;
  readonly idempotencyKey: string | undefined;
}

/** A running DM Gateway. */
export interface Gateway extends Pick<FanOutEngine, 'pauseRun' | 'resumeRun' | 'cancelRun'> {
  readonly store: GatewayStore;
  /** URL devices post to. */
  readonly dmUrl: string;
  /** `udp://host:port` that the DM Servers notify; undefined: none. */
  readonly notificationAddress: string | undefined;
  /** Runs started here alert the first configured DM Server, or nobody. Throws `StatusError` like the Exec would be answered. */
  startRun(request: OperatorStart): Promise<Run>;
  /** The same for members of an earlier run. */
  retryRun(request: Omit<RetryRequest, 'serverId'>): Promise<Run>;
  /** Forgets a run that has ended, with its results. Throws like `RemoveRun`. */
  deleteRun(run: number): Promise<void>;
  /** What a start would come to. */
  readonly planRun: MakePlan;
  readonly enrolment: Enrolment;
  /** Device accounts were added through the API. */
  noteDevicesAdded(accounts: number): Promise<void>;
  /** What its endpoint for devices holds at this moment. */
  readonly load: DmLoad;
  close(): Promise<void>;
}
