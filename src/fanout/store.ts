import type { Decide } from './decide.ts';
import type { Counts, Outcome, SettledOutcome } from './outcome.ts';
import type { Policy } from './policy.ts';

/** Milliseconds since 1970-01-01 UTC. */
export type EpochMs = number;

/**
 * `scheduled`: its NotBefore is to come; `paused`: no turns and no commands until it is resumed; `cancelling`: commands
 * that have left may still be answered. A run in one of the last two states has ended. [FANOUT 3]
 */
export type RunState = 'scheduled' | 'running' | 'paused' | 'cancelling' | 'complete' | 'cancelled';

/** Why a run is paused: somebody asked for it, or too many members of its waves did not succeed. */
export type PauseCause = 'asked' | 'failures';

/** The members of an earlier run that a run takes up again. */
export interface RetryOf {
  readonly run: number;
  readonly outcomes: readonly SettledOutcome[];
}

/** What is asked for when a run starts. */
export interface NewRun {
  /** Root of the Fan-Out MO instance, `./SCM`; for a run started at the gateway the default instance. */
  readonly fanOutRoot: string;
  /** ServerID of the DM Server whose Exec started it, and who gets the alert; undefined: started at the gateway, nobody is told. */
  readonly serverId: string | undefined;
  readonly group: string;
  /** Undefined: the run has the members of the group; else those of the earlier run that had these outcomes. */
  readonly retryOf: RetryOf | undefined;
  /** Canonical SyncBody of the commands, with the CmdIDs of ToBeFannedOut. */
  readonly commands: string;
  readonly correlator: string | undefined;
  readonly policy: Policy;
  readonly startedAt: EpochMs;
  /** When it ends at the latest, and every member that has no turn before: RunDeadline from Start or NotBefore. */
  readonly endsAt: EpochMs;
  readonly state: Extract<RunState, 'scheduled' | 'running'>;
  /** A start with a key that was seen before starts nothing: it answers the run of then, or is refused as another order. */
  readonly idempotencyKey: string | undefined;
}

export interface Run extends Omit<NewRun, 'idempotencyKey' | 'state'> {
  /** N of `./SCR/Results/Results<N>`; counts up for the life of the gateway. */
  readonly number: number;
  readonly state: RunState;
  /** Of a paused run. */
  readonly pauseCause: PauseCause | undefined;
  /** Members with `n` up to this may have their turn: those of the waves that have begun. */
  readonly released: number;
  /** How many waves have begun. */
  readonly wave: number;
  readonly counts: Counts;
  /**
   * Of all (n, DeviceID, DeResult) of settled members, whatever their order: `digest.ts`. Undefined for runs that were
   * started before digests and clusters were kept.
   */
  readonly digest: string | undefined;
  /** 0 before the first alert of the run, then up with every change of the aggregate. */
  readonly generation: number;
  readonly endedAt: EpochMs | undefined;
  /** When the first of its commands left, and when the last answer came: for people who watch. */
  readonly firstSentAt: EpochMs | undefined;
  readonly lastAnswerAt: EpochMs | undefined;
}

/**
 * Where a member stands. `held`: its wave has not begun; `waiting` for its turn, a notification or a session; `sent`:
 * commands have left; `awaiting`: all of them have a Status, and the Generic Alert that tells the end of an Exec is to
 * come; `settled`.
 */
type TargetPhase = 'held' | 'waiting' | 'sent' | 'awaiting' | 'settled';

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
  /** The part of the answer that has come so far, a canonical SyncBody; the whole of it while `awaiting`. */
  readonly partial: string | undefined;
}

/** How a member ends. */
export interface Ending {
  readonly outcome: SettledOutcome;
  /** A canonical SyncBody. */
  readonly deResult: string;
  /** What the answers of a run are compared by: `facetsOf` this DeResult, each once. */
  readonly facets: readonly Facet[];
  /** Execs that the device took on with 202 and will report the end of. */
  readonly asyncExecs: number;
}

/** One thing a DeResult says: the Status of a command, or a value that a Get brought. */
export interface Facet {
  readonly kind: 'status' | 'value';
  /** `status`: CmdRef and Cmd, `1 Get`; `value`: the LocURI. */
  readonly key: string;
  /** A Status code, or the value; a long one as its beginning and its digest. */
  readonly value: string;
}

/** Answers that are equal, or say the same in one thing, folded together. */
export interface Cluster {
  /** Unique within the run and kind; it stays while there are members of which it is true. */
  readonly id: number;
  readonly kind: 'answer' | Facet['kind'];
  /** Of a facet; empty for whole answers. */
  readonly key: string;
  /** Of a facet; of a whole answer its DeResult. */
  readonly value: string;
  readonly members: number;
}

/** The end of an Exec that a device took on with 202, as its Generic Alert told it. */
export interface AsyncAnswer {
  /** CmdID of the Exec in ToBeFannedOut. */
  readonly cmdId: string;
  /** Data of the alert. */
  readonly data: string;
  /** The alert as a canonical SyncBody. */
  readonly alert: string;
  readonly at: EpochMs;
}

/** A decision about a due target, made by a pure function inside the claiming transaction. */
export type TargetMove =
  /** Its turn: notify it (or, polling, let its deadline start). Takes a slot of the window. */
  | { readonly kind: 'turn'; readonly dueAt: EpochMs; readonly endsAt: EpochMs }
  | { readonly kind: 'wait'; readonly dueAt: EpochMs; readonly endsAt: EpochMs }
  | ({ readonly kind: 'settle' } & Ending);

/** What became of a write that settles. */
export interface Settlement {
  readonly applied: boolean;
  /** The run, when this settled its last member. */
  readonly completed: Run | undefined;
  /** The server for which an alert was put into the outbox or changed there. */
  readonly alerted: string | undefined;
}

/** What became of a start. `existing`: it was asked for before. `key-conflict`: its key was used for another order. */
export type Started =
  | { readonly kind: 'created' | 'existing'; readonly run: Run }
  | { readonly kind: 'key-conflict' | 'no-group' | 'empty-group' | 'too-many-active' | 'no-run' | 'run-active' };

/** Bounds on a start, and how its members begin. */
export interface StartTerms {
  readonly maxActiveRuns: number;
  /** How many of so many members may have their turn at once; the others are `held`. */
  readonly firstWave: (targets: number) => number;
  /** How many of so many members settle before the first alert goes out; undefined: there is none before the end. */
  readonly quorum: (targets: number) => number | undefined;
}

/** Which targets a claim takes, and how many. */
export interface ClaimLimits {
  /**
   * `dueAt`: waiting targets whose `dueAt` has come. `endsAt`: those of any phase whose `endsAt` has. Oldest first.
   * `unsent`: all held ones by `n`, then the waiting ones, oldest `dueAt` first.
   */
  readonly by: 'dueAt' | 'endsAt' | 'unsent';
  readonly limit: number;
  /** The claim ends at the first target that is to have a turn more than this; 0 still applies the other moves. */
  readonly maxTurns: number;
}

/** What a claim did. */
export interface Claim {
  /** The targets that got a turn, as they are after it. */
  readonly turns: readonly Target[];
  readonly settled: readonly SettledOutcome[];
  /** Whether it ended at a limit, before the due targets did. */
  readonly more: boolean;
  /** The run, when this settled its last member. */
  readonly completed: Run | undefined;
  /** The server for which an alert was put into the outbox or changed there. */
  readonly alerted: string | undefined;
}

/** What is next in a run, and what of it is under way. */
export interface RunOutlook {
  /** The smallest `dueAt` of waiting targets. */
  readonly dueAt: EpochMs | undefined;
  /** The smallest `endsAt` of all that are open; undefined: none is. */
  readonly endsAt: EpochMs | undefined;
  /** Whether any member is held. */
  readonly hasHeld: boolean;
  /** Whether any member is waiting, sent or awaiting: its wave is under way. */
  readonly isUnderWay: boolean;
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
  /** What came of Execs that the device took on with 202, in the order in which it came. */
  readonly asyncAnswers: readonly AsyncAnswer[];
}

/** An alert that its DM Server has not accepted yet. */
export interface PendingAlert {
  readonly id: number;
  readonly run: number;
  readonly serverId: string;
  readonly correlator: string | undefined;
  /** Data of the alert: 200, 250, 550, 551, or 101 while the run is still going. */
  readonly data: number;
  /** Of the aggregate it announces. While it is open, the end of the run and a late answer change it too. */
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
   * Snapshots the members of the group, or of the earlier run, and creates run and targets in one transaction. Members
   * without a device are none, and each DeviceID is one member. The first wave's targets are `waiting` and due at
   * `startedAt`, the others `held`; all end at `endsAt`.
   *
   * A start that was asked for before creates nothing and comes before every refusal. With an idempotencyKey the key
   * alone tells: the run of then when that was the same order (`isSameOrder`), else a conflict. Without one the
   * Correlator does: a DM Server that repeats an Exec whose answer it never got sends the same one. The same order with
   * `serverId` and `correlator` set is the newest such run that is active or whose alert is still in the outbox; once
   * the server has answered the alert for good, the same Correlator means another run.
   *
   * `no-run`, `run-active`: of the earlier run. `empty-group`: nobody would be a member.
   */
  createRun(run: NewRun, terms: StartTerms): Promise<Started>;
  run(number: number): Promise<Run | undefined>;
  /** Runs with `number < before`, newest first. */
  runs(before: number | undefined, limit: number): Promise<readonly Run[]>;
  /** Runs that have not ended, oldest first. */
  activeRuns(): Promise<readonly Run[]>;
  /**
   * The run in its new state; undefined when it is in none of `from`. Awaiting members that would end after
   * `awaitingEndsAt` end then.
   */
  changeState(
    run: number,
    from: readonly RunState[],
    to: Exclude<RunState, 'complete' | 'cancelled'>,
    pauseCause?: PauseCause,
    awaitingEndsAt?: EpochMs,
  ): Promise<Run | undefined>;
  /** Begins wave number `wave` (from 1): members up to `released` may have their turn. False when it had begun before. */
  beginWave(run: number, wave: number, released: number): Promise<boolean>;
  /** Held members of waves that have begun become `waiting`, due `now`; at most `limit`. Answers how many. */
  releaseHeld(run: number, now: EpochMs, limit: number): Promise<number>;
  /**
   * Numbers of runs that have ended before a time, or that more than `keep` others ended after, oldest end first. None
   * with an alert that is still in the outbox.
   */
  prunableRuns(endedBefore: EpochMs, keep: number, limit: number): Promise<readonly number[]>;
  /**
   * Deletes a run that has ended, with its members; alerts that are still in the outbox stay. The run is gone at once,
   * its members go page by page. False while active or when there is none.
   */
  deleteRun(number: number): Promise<boolean>;

  /**
   * Takes targets of the run, asks `decide` for each and applies its move, in one transaction. A turn counts an
   * attempt and sets `firstTurnAt` when it is the first.
   */
  claimDue(run: number, now: EpochMs, limits: ClaimLimits, decide: Decide): Promise<Claim>;
  outlook(run: number): Promise<RunOutlook>;

  /** The waiting target of the oldest run in state `running` that waits for this device. */
  nextForDevice(deviceKey: number): Promise<Target | undefined>;
  /** Held and waiting targets of this device in runs that have not ended, oldest run first. */
  unsentOfDevice(deviceKey: number, limit: number): Promise<readonly Target[]>;
  /**
   * waiting -> sent, `sentAt` = now; `firstTurnAt` too when it had no turn. Sets the run's `firstSentAt` when it is the
   * first. False when the run is not `running` any more.
   */
  markSent(target: Target, now: EpochMs, endsAt: EpochMs): Promise<boolean>;
  /** sent -> waiting, with these values: the device executed nothing, or the commands may be sent again. */
  markUnsent(target: Target, values: Pick<Target, 'lastContact' | 'sentAt' | 'dueAt' | 'endsAt'>): Promise<boolean>;
  /** sent -> awaiting: `ending` is what the device has said so far; the end of `ending.asyncExecs` Execs is to come. */
  markAwaiting(target: Target, ending: Pick<Ending, 'deResult' | 'asyncExecs'>, endsAt: EpochMs): Promise<boolean>;
  /** Counts a notification that the transport refused. */
  noteRefusedNotification(target: Target): Promise<void>;
  /** Sets `lastContact` of every held and waiting target of this device. */
  noteContact(deviceKey: number, contact: LastContact): Promise<void>;
  /** Stores the part of an answer that has come, in place of an earlier one. Needs a `sent` target. */
  recordPartial(target: Target, deResult: string): Promise<boolean>;
  /**
   * Stores outcome and answer of an open target, moves counts, clusters and digest, and puts an alert into the outbox
   * when it was the last member (the run is `complete`, or `cancelled` when it was `cancelling`) or when it reached the
   * quorum and is not being cancelled, all in one transaction. For a target that was settled as `unknown` while its answer was on the way, the
   * answer replaces the synthetic one and is marked late; of a run that had an alert the open one follows, and with
   * policy LateAlert there is another one when none is open. Sets the member's `answeredAt` and the run's `lastAnswerAt`; a claim that
   * settles sets neither. `generation` is 1 with the first alert, and goes up with every change after it.
   */
  settle(target: Target, ending: Ending, now: EpochMs): Promise<Settlement>;
  /**
   * `settle` for a held or waiting target to which nothing more is sent: not its device ends it, so no time of an answer
   * is set. Nothing changes when it is neither any more: its commands may have left.
   */
  endUnsent(target: Target, ending: Ending, now: EpochMs): Promise<Settlement>;
  /** Writes that `ask` asks for before it first waits are one: all of them are durable, or none. */
  together<Result>(ask: () => Result): Result;
  /** All `sent` targets of runs that have not ended, in pages: after a start their sessions are gone. */
  sentTargets(after: { run: number; n: number } | undefined, limit: number): Promise<readonly Target[]>;

  /** Targets of this device with Execs whose end is to come: the awaiting ones first, oldest run first. */
  expectingAsync(deviceKey: number, limit: number): Promise<readonly Target[]>;
  /** Keeps the end of one Exec. `left`: how many of the member's are still to come; undefined: it was kept before. */
  recordAsync(target: Target, answer: AsyncAnswer): Promise<{ readonly left: number } | undefined>;

  member(run: number, n: number): Promise<Member | undefined>;
  /** Members with `n > after`, in order; all outcomes or one; `query` is a part of the DeviceID, a-z in any case. */
  members(
    run: number,
    after: number,
    limit: number,
    filter?: { readonly outcome?: Outcome | undefined; readonly query?: string | undefined },
  ): Promise<readonly Member[]>;
  /** The member of this device; undefined: it is none of the run. */
  memberOfDevice(run: number, deviceId: string): Promise<Member | undefined>;
  /** Clusters of one kind, the largest first; at most `limit`, of facets for each key. */
  clusters(run: number, kind: Cluster['kind'], limit: number): Promise<readonly Cluster[]>;
  /** One cluster of whole answers. */
  cluster(run: number, id: number): Promise<Cluster | undefined>;
  /** Members of a cluster of whole answers with `n > after`, in order. */
  clusterMembers(
    run: number,
    id: number,
    after: number,
    limit: number,
  ): Promise<readonly Pick<Member, 'n' | 'deviceId'>[]>;

  /** Alerts for this server that are due, oldest first. */
  dueAlerts(serverId: string, now: EpochMs, limit: number): Promise<readonly PendingAlert[]>;
  /** Alerts of a run, accepted or not. */
  alertsOfRun(run: number): Promise<readonly (PendingAlert & { readonly state: 'open' | 'accepted' | 'rejected' })[]>;
  /** When the next alert for this server is due; undefined when there is none. */
  nextAlertDueAt(serverId: string): Promise<EpochMs | undefined>;
  /** The server took the alert with this generation. It stays open, and is due, when the aggregate changed meanwhile. */
  alertAccepted(id: number, generation: number, now: EpochMs): Promise<void>;
  /** Refused for good: it is not sent again. */
  alertRejected(id: number, now: EpochMs): Promise<void>;
  alertDeferred(id: number, dueAt: EpochMs): Promise<void>;
}
