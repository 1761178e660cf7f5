import type { Counts, Outcome, SettledOutcome } from './outcome.ts';
import type { Policy } from './policy.ts';

/** Milliseconds since 1970-01-01 UTC. */
export type EpochMs = number;

export type RunState = 'running' | 'complete' | 'cancelled';

/** What is asked for when a run starts. */
export interface NewRun {
  /** Root of the Fan-Out MO instance, `./SCM`; for a run started at the gateway the default instance. */
  readonly fanOutRoot: string;
  /** ServerID of the DM Server whose Exec started it, and who gets the alert; undefined: started at the gateway, nobody is told. */
  readonly serverId: string | undefined;
  readonly group: string;
  /** Canonical SyncBody of the commands, with the CmdIDs of ToBeFannedOut. */
  readonly commands: string;
  readonly correlator: string | undefined;
  readonly policy: Policy;
  readonly startedAt: EpochMs;
  /** A start with a key that was seen before starts nothing: it answers the run of then, or is refused as another order. */
  readonly idempotencyKey: string | undefined;
}

export interface Run extends Omit<NewRun, 'idempotencyKey'> {
  /** N of `./SCR/Results/Results<N>`; counts up for the life of the gateway. */
  readonly number: number;
  readonly state: RunState;
  readonly counts: Counts;
  /** 0 before the first alert of the run, then up with every change of the aggregate. */
  readonly generation: number;
  readonly endedAt: EpochMs | undefined;
  /** When the first of its commands left, and when the last answer came: for people who watch. */
  readonly firstSentAt: EpochMs | undefined;
  readonly lastAnswerAt: EpochMs | undefined;
}

/** Where a member stands. `waiting` for its turn, a notification or a session; `sent`: commands have left; `settled`. */
type TargetPhase = 'waiting' | 'sent' | 'settled';

/**
 * What the last session that brought no commands came to; it decides the outcome of a member that was never sent its
 * commands. A notification is no contact: nobody answers it.
 */
export type LastContact = 'none' | 'unauthorized';

/** One member of a run: the state that decisions are made from. Identified by run and `n`, its place in the snapshot from 1. */
export interface Target {
  readonly run: number;
  readonly n: number;
  readonly deviceId: string;
  /** Key of the device account; undefined: no account. */
  readonly deviceKey: number | undefined;
  readonly phase: TargetPhase;
  readonly attempts: number;
  /** Notifications that the transport refused. */
  readonly refusedAttempts: number;
  readonly lastContact: LastContact;
  /** When it may have its next turn; not before `endsAt` when there is none left. */
  readonly dueAt: EpochMs;
  /**
   * When it settles if nothing comes: its deadline, or the end of the last attempt's wait. Before its first turn the
   * end of the run: `startedAt` + `runDeadlineMs`.
   */
  readonly endsAt: EpochMs;
  /** First notification, or turn of a polling device. */
  readonly firstTurnAt: EpochMs | undefined;
  /** When commands last left; kept while it waits to be sent them again. */
  readonly sentAt: EpochMs | undefined;
  /** Whether another notification can make sense: false for a device that only polls. */
  readonly notifiable: boolean;
  /** The part of the answer that has come so far, a canonical SyncBody. */
  readonly partial: string | undefined;
}

/** A decision about a due target, made by a pure function inside the claiming transaction. */
export type TargetMove =
  /** Its turn: notify it (or, polling, let its deadline start). Takes a slot of the window. */
  | { readonly kind: 'turn'; readonly dueAt: EpochMs; readonly endsAt: EpochMs }
  | { readonly kind: 'wait'; readonly dueAt: EpochMs; readonly endsAt: EpochMs }
  | { readonly kind: 'settle'; readonly outcome: SettledOutcome; readonly deResult: string };

/** What became of a write that settles. `completed`: the run, when this settled its last member. */
export interface Settlement {
  readonly applied: boolean;
  readonly completed: Run | undefined;
}

/** What became of a start. `existing`: it was asked for before. `key-conflict`: its key was used for another order. */
export type Started =
  | { readonly kind: 'created' | 'existing'; readonly run: Run }
  | { readonly kind: 'key-conflict' | 'no-group' | 'empty-group' | 'too-many-active' };

/** Which targets a claim takes, and how many. */
export interface ClaimLimits {
  /** `dueAt`: waiting targets whose `dueAt` has come. `endsAt`: waiting and sent ones whose `endsAt` has. Oldest first. */
  readonly by: 'dueAt' | 'endsAt';
  readonly limit: number;
  /** The claim ends at the first target that is to have a turn more than this; 0 still applies the other moves. */
  readonly maxTurns: number;
}

/** What a claim did. */
export interface Claim {
  /** The targets that got a turn, as they are after it. */
  readonly turns: readonly Target[];
  readonly settled: number;
  /** Whether it ended at a limit, before the due targets did. */
  readonly more: boolean;
  /** The run, when this settled its last member. */
  readonly completed: Run | undefined;
}

/** One finished or unfinished member as the Results MO and the API show it. */
export interface Member {
  readonly n: number;
  readonly deviceId: string;
  readonly outcome: Outcome;
  /** Absent while nothing came. */
  readonly deResult: string | undefined;
  readonly attempts: number;
  readonly startedAt: EpochMs | undefined;
  readonly answeredAt: EpochMs | undefined;
  readonly late: boolean;
}

/** An alert that its DM Server has not accepted yet. */
export interface PendingAlert {
  readonly id: number;
  readonly run: number;
  readonly serverId: string;
  readonly correlator: string | undefined;
  /** Data of the alert: 200, 250, 550, 551. */
  readonly data: number;
  readonly generation: number;
  readonly attempts: number;
  readonly dueAt: EpochMs;
}

/**
 * What the fan-out engine needs from a database. Every write is durable when its promise resolves; writes asked for in
 * the same moment share a transaction. Times come from the caller. A write that finds the target in another phase than
 * it needs changes nothing and says so.
 */
export interface FanOutStore {
  /**
   * Snapshots the members of the group and creates run and targets in one transaction. Members without a device are
   * none. The targets are due at `startedAt`.
   *
   * A start that was asked for before creates nothing and comes before every refusal. With an idempotencyKey the key
   * alone tells: the run of then when that was the same order (`isSameOrder`), else a conflict. Without one the
   * Correlator does: a DM Server that repeats an Exec whose answer it never got sends the same one. The same order with
   * `serverId` and `correlator` set is the newest such run that is active or whose alert is still in the outbox; once
   * the server has answered the alert for good, the same Correlator means another run.
   */
  createRun(run: NewRun, maxActiveRuns: number): Promise<Started>;
  run(number: number): Promise<Run | undefined>;
  /** Runs with `number < before`, newest first. */
  runs(before: number | undefined, limit: number): Promise<readonly Run[]>;
  activeRuns(): Promise<readonly Run[]>;
  /** Deletes a run that is not active, with its members. False while active or when there is none. */
  deleteRun(number: number): Promise<boolean>;

  /**
   * Takes due targets of the run, asks `decide` for each and applies its move, in one transaction. A turn counts an
   * attempt and sets `firstTurnAt` when it is the first.
   */
  claimDue(run: number, now: EpochMs, limits: ClaimLimits, decide: (target: Target) => TargetMove): Promise<Claim>;
  /** The smallest `dueAt` of the run's waiting targets and the smallest `endsAt` of its waiting and sent ones. */
  nextDueAt(run: number): Promise<{ readonly dueAt: EpochMs | undefined; readonly endsAt: EpochMs | undefined }>;

  /** The waiting target of the oldest running run of this device. */
  nextForDevice(deviceKey: number): Promise<Target | undefined>;
  /** waiting -> sent, `sentAt` = now; `firstTurnAt` too when it had no turn. Sets the run's `firstSentAt` when it is the first. */
  markSent(target: Target, now: EpochMs, endsAt: EpochMs): Promise<boolean>;
  /** sent -> waiting, with these values: the device executed nothing, or the commands may be sent again. */
  markUnsent(target: Target, values: Pick<Target, 'lastContact' | 'sentAt' | 'dueAt' | 'endsAt'>): Promise<boolean>;
  /** Counts a notification that the transport refused. */
  noteRefusedNotification(target: Target): Promise<void>;
  /** Sets `lastContact` of every waiting target of this device. */
  noteContact(deviceKey: number, contact: LastContact): Promise<void>;
  /** Stores the part of an answer that has come, in place of an earlier one. Needs a `sent` target. */
  recordPartial(target: Target, deResult: string): Promise<boolean>;
  /**
   * Stores outcome and answer of a waiting or sent target, moves the counts, and when it was the last member completes
   * the run with `generation` 1 and puts the alert into the outbox, all in one transaction. For a target that was
   * settled as `unknown` while its answer was on the way, the answer replaces the synthetic one and is marked late.
   * Sets the member's `answeredAt` and the run's `lastAnswerAt`; a claim that settles sets neither.
   */
  settle(target: Target, outcome: SettledOutcome, deResult: string, now: EpochMs): Promise<Settlement>;
  /** All `sent` targets of active runs, in pages: after a start their sessions are gone. */
  sentTargets(after: { run: number; n: number } | undefined, limit: number): Promise<readonly Target[]>;

  member(run: number, n: number): Promise<Member | undefined>;
  /** Members with `n > after`, in order; all outcomes or one. */
  members(run: number, after: number, limit: number, outcome?: Outcome): Promise<readonly Member[]>;

  /** Alerts for this server that are due, oldest first. */
  dueAlerts(serverId: string, now: EpochMs, limit: number): Promise<readonly PendingAlert[]>;
  /** When the next alert for this server is due; undefined when there is none. */
  nextAlertDueAt(serverId: string): Promise<EpochMs | undefined>;
  alertAccepted(id: number, now: EpochMs): Promise<void>;
  /** Refused for good: it is not sent again. */
  alertRejected(id: number, now: EpochMs): Promise<void>;
  alertDeferred(id: number, dueAt: EpochMs): Promise<void>;
}
