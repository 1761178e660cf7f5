import type { ActiveRun, ActiveRuns } from './active-runs.ts';
import type { EngineOptions } from './engine.ts';
import type { EpochMs, Run, Target } from './store.ts';
import { decideDue } from './target.ts';

/** Targets in one claim. */
const PAGE = 500;
/** How long a run is left alone after its store failed. */
const RETRY_MS = 1_000;

/** What the loop needs from the rest of the engine. */
interface TurnLoopOptions extends Pick<EngineOptions, 'store' | 'notifier' | 'clock' | 'random' | 'events'> {
  readonly runs: ActiveRuns;
  /** Keys of the devices with an open session. */
  readonly openSessions: ReadonlySet<number>;
  readonly onCompleted: (run: Run) => void;
}

/**
 * Gives members their turns as slots come free, and ends those whose time is over. It works when it is woken and when
 * the next member is due, one pass at a time; between passes it holds no member. [FANOUT 7]
 */
export class TurnLoop {
  readonly #options: TurnLoopOptions;
  readonly #notifying = new Set<Promise<void>>();
  #isWanted = false;
  #isClosed = false;
  #working: Promise<void> | undefined;
  #timerAt = Infinity;
  #cancelTimer: () => void = () => undefined;

  constructor(options: TurnLoopOptions) {
    this.#options = options;
  }

  /** Something has changed that may let a member have its turn. */
  wake(): void {
    if (this.#isClosed) return;
    this.#isWanted = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#isWanted) this.wake();
    });
  }

  /** Makes sure that a pass starts at that time at the latest. */
  wakeBy(at: EpochMs): void {
    if (this.#isClosed || at >= this.#timerAt) return;
    this.#cancelTimer();
    this.#timerAt = at;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, at - this.#options.clock.now()), () => {
      this.#timerAt = Infinity;
      this.wake();
    });
  }

  /** Resolves when no pass is under way and every notification is out. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    await this.#working;
    await Promise.all(this.#notifying);
  }

  async #work(): Promise<void> {
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false;
      let nextAt = Infinity;
      for (const run of this.#options.runs.all()) nextAt = Math.min(nextAt, await this.#tryPass(run));
      if (nextAt <= this.#options.clock.now()) this.#isWanted = true;
      else if (nextAt < Infinity) this.wakeBy(nextAt);
    }
  }

  async #tryPass(run: ActiveRun): Promise<EpochMs> {
    const { clock, events } = this.#options;
    if (clock.now() < run.retryAt) return run.retryAt;
    try {
      return await this.#pass(run);
    } catch (error) {
      events.problem(`turns of run ${run.number}`, error);
      run.retryAt = clock.now() + RETRY_MS;
      return run.retryAt;
    }
  }

  /** Answers when the run needs the next pass; now, when this one claimed something. */
  async #pass(run: ActiveRun): Promise<EpochMs> {
    const { store, clock, random, runs, onCompleted } = this.#options;
    const { dueAt = Infinity, endsAt = Infinity } = await store.nextDueAt(run.number);
    if (endsAt === Infinity) {
      runs.remove(run.number);
      return Infinity;
    }
    const now = clock.now();
    const endAt = Math.max(endsAt, run.expiresNotBefore);
    const maxTurns = Math.min(run.window.free(now), run.startRate.available(now));
    const by = endAt <= now ? 'endsAt' : 'dueAt';
    if (by === 'dueAt' && (dueAt > now || maxTurns === 0)) {
      return Math.min(endAt, maxTurns > 0 ? dueAt : turnPossibleAt(run, now));
    }
    const claim = await store.claimDue(run.number, now, { by, limit: PAGE, maxTurns }, (target) =>
      decideDue(target, run, now, random()),
    );
    run.startRate.take(claim.turns.length);
    for (const target of claim.turns) this.#giveTurn(run, target);
    if (claim.completed) onCompleted(claim.completed);
    return now;
  }

  #giveTurn(run: ActiveRun, target: Target): void {
    const { clock, openSessions } = this.#options;
    const { deviceKey } = target;
    if (deviceKey === undefined) return;
    if (openSessions.has(deviceKey)) run.window.sessionUsed(deviceKey);
    else run.window.turnGiven(deviceKey, clock.now());
    if (!target.notifiable) return;
    const notifying = this.#notify(run, target, deviceKey).finally(() => this.#notifying.delete(notifying));
    this.#notifying.add(notifying);
  }

  async #notify(run: ActiveRun, target: Target, deviceKey: number): Promise<void> {
    const { store, notifier, events } = this.#options;
    try {
      if ((await notifier.notify(target)) === 'sent') return;
      run.window.turnReturned(deviceKey);
      this.wake();
      await store.noteRefusedNotification(target);
    } catch (error) {
      events.problem(`notification of ${target.deviceId}`, error);
    }
  }
}

/** When a full window or a spent rate lets the next turn through, if no session ends before. */
function turnPossibleAt({ window, startRate }: ActiveRun, now: EpochMs): EpochMs {
  if (window.free(now) > 0) return startRate.nextAt(now);
  return window.nextFreeAt() ?? Infinity;
}
