import type { WireForm } from '../protocol/codec.ts';
import type { AlertCommand, Answer, RequestCommand } from '../protocol/message/message.ts';
import { ActiveRuns } from './active-runs.ts';
import { DeviceWork } from './device-work.ts';
import type { Policy, PolicyInput } from './policy.ts';
import type { SettledOutcome } from './outcome.ts';
import { createStarts } from './starts.ts';
import { createSteering } from './steering.ts';
import type { FanOutStore, LastContact, Run, Settlement, Target } from './store.ts';
import { TurnLoop } from './turn-loop.ts';

/** How long after a start no member expires that an earlier process left. [FANOUT 7] */
const START_GRACE_MS = 30_000;

/** Tells a device that commands wait for it. */
export interface Notifier {
  /** `refused`: the transport would not take it. Never rejects. */
  notify(target: Target): Promise<'sent' | 'refused'>;
}

/** Time as the engine sees it. Timers do not keep a process alive. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Epoch ms as the wall clock says, which may jump; `now` never does. */
  wallNow(): number;
  /** Calls back once, after `delayMs`; answers how to call it off. */
  after(delayMs: number, callback: () => void): () => void;
}

/** What the engine reports while it works. Nothing secret is in it. */
export interface EngineEvents {
  runStarted(run: Run): void;
  runCompleted(run: Run): void;
  /** Its state was changed by what somebody asked for, or by its policy. */
  runChanged(run: Run): void;
  /** An alert for this server was put into the outbox. */
  alertReady(serverId: string): void;
  /** The wall clock has jumped; no deadline has moved. */
  clockJumped(byMs: number): void;
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

/** What is asked for when the members of an earlier run are to be run again. */
export interface RetryRequest {
  readonly run: number;
  /** At least one. */
  readonly outcomes: readonly SettledOutcome[];
  /** As in `StartRequest`. */
  readonly serverId: string | undefined;
  readonly correlator: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** What is to be otherwise than in the earlier run, whose NotBefore and NotAfter are over. */
  readonly policy: PolicyInput;
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
  /**
   * Makes the run durable; a start that was asked for before answers the run of then. Throws `StatusError` 404 (no
   * group), 412 (no members, no commands), 403 (too many active runs), 409 (the key was used for another order), 400 (its
   * NotAfter has passed).
   */
  startRun(request: StartRequest): Promise<Run>;
  /**
   * Starts a run with the same commands for the members of an ended run that had one of the outcomes. Throws like
   * `startRun`; 404 also when there is no such run, 405 while it is active, 412 when no member had such an outcome, 400
   * when the policy has a value that is not allowed.
   */
  retryRun(request: RetryRequest): Promise<Run>;
  /**
   * No more turns and commands until it is resumed; what has left may be answered, deadlines go on. Nothing changes when
   * it is paused already. This and the next two throw `StatusError` 404 (no run) and 405 (its state does not allow it).
   */
  pauseRun(run: number): Promise<Run>;
  /** A paused run goes on; after too many failures with its next wave. Nothing changes when it is running or scheduled. */
  resumeRun(run: number): Promise<Run>;
  /** Members that were never sent their commands end as `cancelled`, the others at their answer or deadline. */
  cancelRun(run: number): Promise<Run>;
  /**
   * An authenticated session with this device is open: a slot of the window that it has is its own until
   * `sessionClosed`, or until the device falls silent.
   */
  sessionOpened(deviceKey: number): void;
  sessionClosed(deviceKey: number): void;
  /**
   * The commands this device is to get next, oldest run first; durably marked as sent. Members whose commands this
   * carrier cannot take are settled on the way. Undefined: nothing waits for it.
   */
  nextFor(deviceKey: number, carrier: Carrier): Promise<Assignment | undefined>;
  /**
   * Stores what one message brought, and settles the member when every Status is there. Durable when it resolves.
   * Of an answer larger than `maxAnswerBytes` only a part is kept, and a 413 for what is missing.
   * `more`: the device's package goes on in a further message, which may bring Results: the member settles when that
   * one is answered, at `nextFor`, or when the session ends.
   */
  answered(assignment: Assignment, answers: readonly Answer[], more?: boolean): Promise<void>;
  /**
   * The session ended before it finished the assignment. `refused`: the device did not accept our credentials and
   * executed nothing. `lost`: commands that may run twice wait to be sent again, others keep the member until its
   * deadline. What the store refuses is a `problem`, and tried again.
   */
  sessionLost(assignment: Assignment, how: 'lost' | 'refused'): Promise<void>;
  /** There will be no session with the device any more: what waits for it is `unreachable`. Answers how many members. */
  deviceGone(deviceKey: number): Promise<number>;
  /**
   * A Generic Alert of a device: when it tells the end of an Exec that the device took on with 202, it is kept, and the
   * member that waited for it settles. Durable when it resolves; false: it tells of no such Exec. [FANOUT 5]
   */
  asyncAlert(deviceKey: number, alert: AlertCommand): Promise<boolean>;
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
  /** What is kept of one device's answer to the commands of one run: `keepAnswers` says what becomes of the rest. */
  readonly maxAnswerBytes: number;
}

/** The engine over its store. Until `open` it works on the runs that are started, not on those an earlier process left. */
export function createFanOutEngine(options: EngineOptions): FanOutEngine {
  const { store, clock, events } = options;
  const runs = new ActiveRuns();
  const openSessions = new Set<number>();
  const loop = new TurnLoop({ ...options, runs, openSessions, onSettled });
  const work = new DeviceWork({ ...options, runs, openSessions, onSettled, onDueAt: (at) => loop.wakeBy(at) });
  const starts = createStarts(options);

  function onSettled({ completed, alerted }: Pick<Settlement, 'completed' | 'alerted'>): void {
    if (completed) {
      runs.remove(completed.number);
      events.runCompleted(completed);
    }
    if (alerted !== undefined) events.alertReady(alerted);
  }

  function begin({ run, isNew }: { readonly run: Run; readonly isNew: boolean }): Run {
    if (!isNew) return run;
    runs.add(run, clock.now());
    events.runStarted(run);
    loop.wake();
    return run;
  }

  return {
    async open() {
      const now = clock.now();
      for (const run of await store.activeRuns()) runs.add(run, now, now + START_GRACE_MS);
      await work.recover();
      loop.wake();
    },

    close() {
      work.close();
      return loop.close();
    },

    startRun: async (request) => begin(await starts.start(request)),
    retryRun: async (request) => begin(await starts.retry(request)),
    ...createSteering({ ...options, runs, wake: () => loop.wake() }),

    sessionOpened(deviceKey) {
      openSessions.add(deviceKey);
      for (const { window } of runs.all()) window.keep(deviceKey, clock.now());
    },

    sessionClosed(deviceKey) {
      openSessions.delete(deviceKey);
      work.sessionClosed(deviceKey);
      for (const { window } of runs.all()) window.giveBack(deviceKey);
      loop.wake();
    },

    deviceGone: (deviceKey) => work.deviceGone(deviceKey),
    nextFor: (deviceKey, carrier) => work.nextFor(deviceKey, carrier),
    answered: (assignment, answers, more = false) => work.answered(assignment, answers, more),
    sessionLost: (assignment, how) => work.sessionLost(assignment, how),
    asyncAlert: (deviceKey, alert) => work.asyncAlert(deviceKey, alert),
    contactFailed: (deviceKey, contact) => store.noteContact(deviceKey, contact),
  };
}
