import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { WireForm } from '../protocol/codec.ts';
import type { Policy } from './policy.ts';
import type { FanOutStore, LastContact, Run, Target } from './store.ts';

/** Tells a device that commands wait for it. */
export interface Notifier {
  /** `refused`: the transport would not take it. Never rejects. */
  notify(target: Target): Promise<'sent' | 'refused'>;
}

/** Time as the engine sees it. Timers do not keep a process alive. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Calls back once, after `delayMs`; answers how to call it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What the engine reports while it works. Nothing secret is in it. */
export interface EngineEvents {
  runStarted(run: Run): void;
  runCompleted(run: Run): void;
  /** An alert for this server was put into the outbox. */
  alertReady(serverId: string): void;
  /** Something failed that the engine will try again, for example the store. */
  problem(where: string, error: unknown): void;
}

export interface StartRequest {
  readonly fanOutRoot: string;
  readonly serverId: string | undefined;
  readonly group: string;
  readonly commands: readonly RequestCommand[];
  readonly correlator: string | undefined;
  readonly policy: Policy;
  readonly idempotencyKey: string | undefined;
}

/** What one session with a device is to carry. */
export interface Assignment {
  readonly target: Target;
  readonly commands: readonly RequestCommand[];
}

/** The limits of the session that is to carry the commands. */
export interface Carrier {
  readonly form: WireForm;
  readonly maxMsgBytes: number | undefined;
  readonly maxObjBytes: number | undefined;
}

/** The heart: starts runs, gives devices their turns, takes their answers, ends runs. */
export interface FanOutEngine {
  /** Takes up the runs that an earlier process left and starts to work. */
  open(): Promise<void>;
  /** Stops to give turns; what is in flight settles by itself. */
  close(): Promise<void>;
  /** Makes the run durable. Throws `StatusError` 404 (no group), 412 (no members, no commands), 403 (too many active runs). */
  startRun(request: StartRequest): Promise<Run>;
  /** An authenticated session with this device is open: it takes a slot of the window until `sessionClosed`. */
  sessionOpened(deviceKey: number): void;
  sessionClosed(deviceKey: number): void;
  /**
   * The commands this device is to get next, oldest run first; durably marked as sent. Members whose commands this
   * carrier cannot take are settled on the way. Undefined: nothing waits for it.
   */
  nextFor(deviceKey: number, carrier: Carrier): Promise<Assignment | undefined>;
  /** Stores what has come so far; with every Status there, settles the member. Durable when it resolves. */
  answered(assignment: Assignment, answers: readonly Answer[]): Promise<void>;
  /** The session ended before every Status came. `refused`: the device did not accept our credentials and executed nothing. */
  sessionLost(assignment: Assignment, how: 'lost' | 'refused'): Promise<void>;
  /** A contact with the device failed before any commands left. */
  contactFailed(deviceKey: number, contact: Extract<LastContact, 'unauthorized'>): Promise<void>;
}

export interface EngineOptions {
  readonly store: FanOutStore;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly events: EngineEvents;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  readonly maxActiveRuns: number;
}
