import type { AlertCommand, Answer, RequestCommand } from '../protocol/message/message.ts';
import type { ActiveRun, ActiveRuns } from './active-runs.ts';
import { AsyncAlerts } from './async-alerts.ts';
import { acceptedExecs, tellsOf } from './async-exec.ts';
import { isRepeatable } from './command-list.ts';
import { decodeDeResult, encodeDeResult, missingStatus } from './de-result.ts';
import type { Assignment, Carrier, EngineOptions } from './engine.ts';
import { keepAnswers, type KeptAnswers, NO_ANSWERS } from './kept-answers.ts';
import type { Policy } from './policy.ts';
import type { Ending, EpochMs, Settlement, Target } from './store.ts';
import {
  deadlineAt,
  endAnswered,
  endTooLarge,
  endUnanswered,
  hasCome,
  hasEnded,
  isToAwait,
  outcomeOfAnswer,
  scheduleAfter,
} from './target.ts';

/** Targets in one page of the recovery. */
const PAGE = 500;
/** When what the store refused of a lost session is tried again. */
const RETRY_MS = 1_000;

/** What a session with a device has come to. */
interface Progress {
  /** When an earlier session took the commands away; a refusal of this one puts it back. */
  readonly sentBefore: EpochMs | undefined;
  kept: KeptAnswers;
  isSettled: boolean;
}

/** What the work needs from the rest of the engine. */
interface DeviceWorkOptions extends Pick<EngineOptions, 'store' | 'clock' | 'random' | 'events' | 'maxAnswerBytes'> {
  readonly runs: ActiveRuns;
  /** Keys of the devices with an open session. */
  readonly openSessions: ReadonlySet<number>;
  readonly onSettled: (settled: Settlement) => void;
  /** A member is due, or ends, at this time. */
  readonly onDueAt: (at: EpochMs) => void;
}

/** Hands the commands of the runs to sessions with devices and takes their answers in. [FANOUT 2, 5] */
export class DeviceWork {
  readonly #options: DeviceWorkOptions;
  /** Ends with the session that holds the assignment. */
  readonly #progress = new WeakMap<Assignment, Progress>();
  /** By device, what its session was given last and has not finished. */
  readonly #current = new Map<number, Assignment>();
  readonly #asyncAlerts: AsyncAlerts;
  #isClosed = false;

  constructor(options: DeviceWorkOptions) {
    this.#options = options;
    this.#asyncAlerts = new AsyncAlerts(options);
  }

  async nextFor(deviceKey: number, carrier: Carrier): Promise<Assignment | undefined> {
    const { store, clock, openSessions, onDueAt, onSettled } = this.#options;
    await this.#finish(deviceKey);
    for (;;) {
      const target = await store.nextForDevice(deviceKey);
      const run = target && (await this.#runOf(target));
      if (!run) return undefined;
      const now = clock.now();
      const ending = endingInsteadOf(target, run, carrier, now, clock.wallNow());
      if (ending) {
        onSettled(await store.endUnsent(target, ending, now));
        continue;
      }
      const { firstTurnAt = now } = target;
      const endsAt = deadlineAt(firstTurnAt, run);
      if (!(await store.markSent(target, now, endsAt))) continue;
      const assignment: Assignment = {
        target: { ...target, phase: 'sent', firstTurnAt, sentAt: now, endsAt },
        commands: run.commands,
      };
      this.#progress.set(assignment, { sentBefore: target.sentAt, kept: NO_ANSWERS, isSettled: false });
      if (openSessions.has(deviceKey)) {
        this.#current.set(deviceKey, assignment);
        run.window.take(deviceKey, now);
      }
      onDueAt(endsAt);
      return assignment;
    }
  }

  async answered(assignment: Assignment, answers: readonly Answer[], more: boolean): Promise<void> {
    const progress = this.#progressOf(assignment);
    if (progress.isSettled || answers.length === 0) return;
    const { target, commands } = assignment;
    const { store, clock, runs, maxAnswerBytes } = this.#options;
    if (target.deviceKey !== undefined) runs.get(target.run)?.window.keep(target.deviceKey, clock.now());
    const kept = keepAnswers(progress.kept, commands, answers, maxAnswerBytes);
    if (!more && missingStatus(commands, kept.answers).length === 0) {
      await this.#complete(target, commands, kept.answers);
      progress.isSettled = true;
    } else if (kept !== progress.kept) {
      await store.recordPartial(target, encodeDeResult(commands, kept.answers));
      progress.kept = kept;
    }
  }

  /** Tells nobody any more when the store refuses. */
  close(): void {
    this.#isClosed = true;
  }

  /** What the store refuses is tried again: nobody else would take the member up before its deadline. */
  async sessionLost(assignment: Assignment, how: 'lost' | 'refused'): Promise<void> {
    const { clock, events } = this.#options;
    try {
      await this.#endSession(assignment, how);
    } catch (error) {
      if (this.#isClosed) return;
      events.problem(`lost session with ${assignment.target.deviceId}`, error);
      clock.after(RETRY_MS, () => void this.sessionLost(assignment, how));
    }
  }

  async #endSession(assignment: Assignment, how: 'lost' | 'refused'): Promise<void> {
    const progress = this.#progressOf(assignment);
    const { target, commands } = assignment;
    if (target.deviceKey !== undefined && this.#current.get(target.deviceKey) === assignment) {
      this.#current.delete(target.deviceKey);
    }
    if (progress.isSettled) return;
    if (how === 'lost') return this.#lose(target, commands, progress.kept.answers);
    await this.#putBack(target, { lastContact: 'unauthorized', sentAt: progress.sentBefore });
  }

  /** Ends what waits for a device that will not come any more; what its session carries may still be answered. */
  async deviceGone(deviceKey: number): Promise<number> {
    const { store, clock, onSettled } = this.#options;
    let settled = 0;
    for (;;) {
      const page = await store.unsentOfDevice(deviceKey, PAGE);
      const ended = await Promise.all(
        page.map(async (target) => {
          const run = await this.#runOf(target);
          if (!run) return false;
          const ending = endUnanswered({ ...target, deviceKey: undefined }, run);
          const settlement = await store.endUnsent(target, ending, clock.now());
          onSettled(settlement);
          return settlement.applied;
        }),
      );
      settled += ended.filter((applied) => applied).length;
      if (page.length < PAGE) return settled;
    }
  }

  async asyncAlert(deviceKey: number, alert: AlertCommand): Promise<boolean> {
    await this.#completeBefore(deviceKey, alert);
    return this.#asyncAlerts.told(deviceKey, alert);
  }

  /** Nothing more is kept for this device. */
  sessionClosed(deviceKey: number): void {
    this.#current.delete(deviceKey);
  }

  /** Takes up what the sessions of an earlier process carried: they are gone. */
  async recover(): Promise<void> {
    const { store, runs } = this.#options;
    let page: readonly Target[] = [];
    do {
      page = await store.sentTargets(page.at(-1), PAGE);
      await Promise.all(
        page.map(async (target) => {
          const run = runs.get(target.run);
          if (run) await this.#lose(target, run.commands, answersOf(target));
        }),
      );
    } while (page.length === PAGE);
  }

  /** An answer that is whole counts, though its session ended early; commands that may run twice are sent again. */
  async #lose(target: Target, commands: readonly RequestCommand[], answers: readonly Answer[]): Promise<void> {
    if (missingStatus(commands, answers).length === 0) return this.#complete(target, commands, answers);
    const { repeatUnsafe = false } = this.#options.runs.get(target.run)?.policy ?? {};
    if (repeatUnsafe || isRepeatable(commands)) await this.#putBack(target, target);
  }

  async #putBack(target: Target, values: Pick<Target, 'lastContact' | 'sentAt'>): Promise<void> {
    const { store, runs, clock, random, onDueAt } = this.#options;
    const run = runs.get(target.run);
    if (!run) return;
    const now = clock.now();
    const schedule = scheduleAfter(target.attempts, target, run, now, random());
    const { lastContact, sentAt } = values;
    if (!(await store.markUnsent(target, { lastContact, sentAt, ...schedule }))) return;
    onDueAt(run.current.state === 'cancelling' ? now : schedule.dueAt);
  }

  /** Every Status is there: the member settles, unless it is to wait for the end of its Execs. [FANOUT 5] */
  async #complete(target: Target, commands: readonly RequestCommand[], answers: readonly Answer[]): Promise<void> {
    const ending = endAnswered(commands, answers);
    const policy = ending.asyncExecs > 0 ? await this.#policyOf(target) : undefined;
    if (!policy || !isToAwait(ending, policy)) await this.#settle(target, ending);
    else if (!(await this.#await(target, ending)) && !(await this.#hasWholeAnswer(target, commands))) {
      await this.#settle(target, { ...ending, outcome: 'unknown' });
    }
  }

  /** It ended with the answer of its device already: what replaces that is the end of its Execs, not the same again. */
  async #hasWholeAnswer({ run, n }: Target, commands: readonly RequestCommand[]): Promise<boolean> {
    const member = await this.#options.store.member(run, n);
    return member?.deResult !== undefined && outcomeOfAnswer(commands, decodeDeResult(member.deResult)) === 'succeeded';
  }

  /** False when the member has ended meanwhile. */
  async #await(target: Target, ending: Ending): Promise<boolean> {
    const { store, runs, onDueAt } = this.#options;
    const run = runs.get(target.run);
    if (!run) return false;
    // Of a cancelled run what has left may end until the device deadline, and not later.
    const isCancelling = run.current.state === 'cancelling';
    const endsAt = Math.max(isCancelling ? target.endsAt : run.endsAt, run.expiresNotBefore);
    const isAwaiting = await store.markAwaiting(target, ending, endsAt);
    if (isAwaiting) onDueAt(endsAt);
    return isAwaiting;
  }

  async #policyOf({ run }: Target): Promise<Policy | undefined> {
    const { store, runs } = this.#options;
    return (runs.get(run) ?? (await store.run(run)))?.policy;
  }

  /** The session goes on to the next commands: a last answer that came in parts is whole now. */
  async #finish(deviceKey: number): Promise<void> {
    const assignment = this.#current.get(deviceKey);
    if (!assignment) return;
    const progress = this.#progressOf(assignment);
    if (isWhole(assignment, progress)) await this.#completeNow(assignment, progress);
    this.#current.delete(deviceKey);
  }

  /** An alert can tell the end of an Exec in the very package whose Status took it on. */
  async #completeBefore(deviceKey: number, alert: AlertCommand): Promise<void> {
    const assignment = this.#current.get(deviceKey);
    if (!assignment) return;
    const progress = this.#progressOf(assignment);
    const execs = acceptedExecs(assignment.commands, progress.kept.answers);
    if (!execs.some((exec) => tellsOf(alert, exec)) || !isWhole(assignment, progress)) return;
    await this.#completeNow(assignment, progress);
  }

  async #completeNow({ target, commands }: Assignment, progress: Progress): Promise<void> {
    await this.#complete(target, commands, progress.kept.answers);
    progress.isSettled = true;
  }

  async #settle(target: Target, ending: Ending): Promise<void> {
    const { store, clock, onSettled } = this.#options;
    onSettled(await store.settle(target, ending, clock.now()));
  }

  /** A run that is being started can have a waiting target before the engine has taken the run up. */
  async #runOf({ run: number }: Target): Promise<ActiveRun | undefined> {
    const { store, runs, clock } = this.#options;
    const known = runs.get(number);
    if (known) return known;
    const run = await store.run(number);
    return run && run.endedAt === undefined ? runs.add(run, clock.now()) : undefined;
  }

  #progressOf(assignment: Assignment): Progress {
    let progress = this.#progress.get(assignment);
    if (!progress) {
      progress = { sentBefore: undefined, kept: NO_ANSWERS, isSettled: false };
      this.#progress.set(assignment, progress);
    }
    return progress;
  }
}

function answersOf({ partial }: Target): readonly Answer[] {
  return partial === undefined ? [] : decodeDeResult(partial);
}

/** Whether every Status is there of an assignment that has not ended. */
function isWhole({ commands }: Assignment, { isSettled, kept }: Progress): boolean {
  return !isSettled && missingStatus(commands, kept.answers).length === 0;
}

/** Why a waiting member gets no commands although its device is there. */
function endingInsteadOf(
  target: Target,
  run: ActiveRun,
  carrier: Carrier,
  now: EpochMs,
  wallNow: EpochMs,
): Ending | undefined {
  if (hasEnded(target, run, now) || hasCome(run.policy.notAfter, wallNow)) return endUnanswered(target, run);
  const tooLarge = run.sizes.firstTooLarge(carrier);
  return tooLarge && endTooLarge(run.commands, tooLarge.command);
}
