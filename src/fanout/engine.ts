import type { WireForm } from '../protocol/codec.ts';
import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { ActiveRuns } from './active-runs.ts';
import { commandsToSyncBody } from './commands.ts';
import { DeviceWork } from './device-work.ts';
import type { Policy } from './policy.ts';
import type { FanOutStore, LastContact, Run, Target } from './store.ts';
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
  /**
   * Makes the run durable; a start that was asked for before answers the run of then. Throws `StatusError` 404 (no
   * group), 412 (no members, no commands), 403 (too many active runs), 409 (the key was used for another order).
   */
  startRun(request: StartRequest): Promise<Run>;
  /** An authenticated session with this device is open: it takes a slot of the window until `sessionClosed`. */
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
   * deadline.
   */
  sessionLost(assignment: Assignment, how: 'lost' | 'refused'): Promise<void>;
  /** There will be no session with the device any more: what waits for it is `unreachable`. Answers how many members. */
  deviceGone(deviceKey: number): Promise<number>;
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
  const loop = new TurnLoop({ ...options, runs, openSessions, onCompleted });
  const work = new DeviceWork({ ...options, runs, openSessions, onCompleted, onDueAt: (at) => loop.wakeBy(at) });

  function onCompleted(run: Run): void {
    runs.remove(run.number);
    events.runCompleted(run);
    if (run.serverId !== undefined) events.alertReady(run.serverId);
  }

  return {
    async open() {
      const now = clock.now();
      for (const run of await store.activeRuns()) runs.add(run, now, now + START_GRACE_MS);
      await work.recover();
      loop.wake();
    },

    close: () => loop.close(),

    async startRun({ commands, ...request }) {
      if (commands.length === 0)
        throw new StatusError(STATUS.incompleteCommand, 'FANOUT_NO_COMMANDS', 'there are no commands');
      const started = await store.createRun(
        { ...request, commands: commandsToSyncBody(commands), startedAt: clock.now() },
        options.maxActiveRuns,
      );
      switch (started.kind) {
        case 'created':
          runs.add(started.run, clock.now());
          events.runStarted(started.run);
          loop.wake();
          return started.run;
        case 'existing':
          return started.run;
        case 'key-conflict':
          throw new StatusError(
            STATUS.conflict,
            'FANOUT_KEY_CONFLICT',
            `the idempotency key ${request.idempotencyKey} was used for another order`,
          );
        case 'no-group':
          throw new StatusError(STATUS.notFound, 'FANOUT_NO_GROUP', `there is no group ${request.group}`);
        case 'empty-group':
          throw new StatusError(
            STATUS.incompleteCommand,
            'FANOUT_EMPTY_GROUP',
            `group ${request.group} has no members`,
          );
        case 'too-many-active':
          throw new StatusError(
            STATUS.forbidden,
            'FANOUT_TOO_MANY_RUNS',
            `${options.maxActiveRuns} runs are active, and no more may be`,
          );
      }
    },

    sessionOpened(deviceKey) {
      openSessions.add(deviceKey);
      for (const { window } of runs.all()) window.sessionOpened(deviceKey, clock.now());
    },

    sessionClosed(deviceKey) {
      openSessions.delete(deviceKey);
      work.sessionClosed(deviceKey);
      for (const { window } of runs.all()) window.sessionClosed(deviceKey);
      loop.wake();
    },

    deviceGone: (deviceKey) => work.deviceGone(deviceKey),
    nextFor: (deviceKey, carrier) => work.nextFor(deviceKey, carrier),
    answered: (assignment, answers, more = false) => work.answered(assignment, answers, more),
    sessionLost: (assignment, how) => work.sessionLost(assignment, how),
    contactFailed: (deviceKey, contact) => store.noteContact(deviceKey, contact),
  };
}
