import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { ActiveRun, ActiveRuns } from './active-runs.ts';
import { isRepeatable } from './command-list.ts';
import { decodeDeResult, encodeDeResult, missingStatus } from './de-result.ts';
import type { Assignment, Carrier, EngineOptions } from './engine.ts';
import { keepAnswers, type KeptAnswers, NO_ANSWERS } from './kept-answers.ts';
import type { EpochMs, Run, Target } from './store.ts';
import { deadlineAt, endAnswered, type Ending, endTooLarge, endUnanswered, hasEnded, scheduleAfter } from './target.ts';

/** Targets in one page of the recovery. */
const PAGE = 500;

/** What a session with a device has come to. */
interface Progress {
  /** When an earlier session took the commands away; a refusal of this one puts it back. */
  readonly sentBefore: EpochMs | undefined;
  kept: KeptAnswers;
  isSettled: boolean;
}

/** What the work needs from the rest of the engine. */
interface DeviceWorkOptions extends Pick<EngineOptions, 'store' | 'clock' | 'random' | 'maxAnswerBytes'> {
  readonly runs: ActiveRuns;
  /** Keys of the devices with an open session. */
  readonly openSessions: ReadonlySet<number>;
  readonly onCompleted: (run: Run) => void;
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

  constructor(options: DeviceWorkOptions) {
    this.#options = options;
  }

  async nextFor(deviceKey: number, carrier: Carrier): Promise<Assignment | undefined> {
    const { store, clock, openSessions, onDueAt } = this.#options;
    await this.#finish(deviceKey);
    for (;;) {
      const target = await store.nextForDevice(deviceKey);
      const run = target && (await this.#runOf(target));
      if (!run) return undefined;
      const now = clock.now();
      const ending = endingInsteadOf(target, run, carrier, now);
      if (ending) {
        await this.#settle(target, ending);
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
        run.window.sessionUsed(deviceKey);
      }
      onDueAt(endsAt);
      return assignment;
    }
  }

  async answered(assignment: Assignment, answers: readonly Answer[], more: boolean): Promise<void> {
    const progress = this.#progressOf(assignment);
    if (progress.isSettled || answers.length === 0) return;
    const { target, commands } = assignment;
    const { store, maxAnswerBytes } = this.#options;
    const kept = keepAnswers(progress.kept, commands, answers, maxAnswerBytes);
    if (!more && missingStatus(commands, kept.answers).length === 0) {
      await this.#settle(target, endAnswered(commands, kept.answers));
      progress.isSettled = true;
    } else if (kept !== progress.kept) {
      await store.recordPartial(target, encodeDeResult(commands, kept.answers));
      progress.kept = kept;
    }
  }

  async sessionLost(assignment: Assignment, how: 'lost' | 'refused'): Promise<void> {
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
    const { store } = this.#options;
    let settled = 0;
    for (;;) {
      const target = await store.nextForDevice(deviceKey);
      const run = target && (await this.#runOf(target));
      if (!run) return settled;
      await this.#settle(target, endUnanswered({ ...target, deviceKey: undefined }, run.commands));
      settled += 1;
    }
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
    if (missingStatus(commands, answers).length === 0) return this.#settle(target, endAnswered(commands, answers));
    if (isRepeatable(commands)) await this.#putBack(target, target);
  }

  async #putBack(target: Target, values: Pick<Target, 'lastContact' | 'sentAt'>): Promise<void> {
    const { store, runs, clock, random, onDueAt } = this.#options;
    const run = runs.get(target.run);
    if (!run) return;
    const schedule = scheduleAfter(target.attempts, target, run, clock.now(), random());
    const { lastContact, sentAt } = values;
    if (await store.markUnsent(target, { lastContact, sentAt, ...schedule })) onDueAt(schedule.dueAt);
  }

  /** The session goes on to the next commands: a last answer that came in parts is whole now. */
  async #finish(deviceKey: number): Promise<void> {
    const assignment = this.#current.get(deviceKey);
    if (!assignment) return;
    const { target, commands } = assignment;
    const progress = this.#progressOf(assignment);
    if (!progress.isSettled && missingStatus(commands, progress.kept.answers).length === 0) {
      await this.#settle(target, endAnswered(commands, progress.kept.answers));
      progress.isSettled = true;
    }
    this.#current.delete(deviceKey);
  }

  async #settle(target: Target, ending: Ending): Promise<void> {
    const { store, clock, onCompleted } = this.#options;
    const { completed } = await store.settle(target, ending.outcome, ending.deResult, clock.now());
    if (completed) onCompleted(completed);
  }

  /** A run that is being started can have a waiting target before the engine has taken the run up. */
  async #runOf({ run: number }: Target): Promise<ActiveRun | undefined> {
    const { store, runs, clock } = this.#options;
    const known = runs.get(number);
    if (known) return known;
    const run = await store.run(number);
    return run?.state === 'running' ? runs.add(run, clock.now()) : undefined;
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

/** Why a waiting member gets no commands although its device is there. */
function endingInsteadOf(target: Target, run: ActiveRun, carrier: Carrier, now: EpochMs): Ending | undefined {
  if (hasEnded(target, run, now)) return endUnanswered(target, run.commands);
  const tooLarge = run.sizes.firstTooLarge(carrier);
  return tooLarge && endTooLarge(run.commands, tooLarge);
}
