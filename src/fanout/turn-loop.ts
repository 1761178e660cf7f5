import type { ActiveRun, ActiveRuns } from './active-runs.ts';
import { type Decide, decideBy } from './decide.ts';
import type { EngineOptions } from './engine.ts';
import { nextStep } from './next-step.ts';
import type { ClaimLimits, EpochMs, Settlement, Target } from './store.ts';
import { hasTooManyFailures, releasedBy } from './waves.ts';

/** Targets in one claim. */
const PAGE = 500;
/** How long a run is left alone after its store failed. */
const RETRY_MS = 1_000;
/** How often the wall clock is looked at while runs are active. */
const WALL_CLOCK_MS = 5_000;
/** By how much the wall clock has to move against the monotonic one before that is a jump. [FANOUT 7] */
const JUMP_MS = 5_000;

/** What the loop needs from the rest of the engine. */
interface TurnLoopOptions extends Pick<EngineOptions, 'store' | 'notifier' | 'clock' | 'random' | 'events'> {
  readonly runs: ActiveRuns;
  /** Keys of the devices with an open session. */
  readonly openSessions: ReadonlySet<number>;
  readonly onSettled: (settled: Pick<Settlement, 'completed' | 'alerted'>) => void;
}

/**
 * Gives members their turns as slots come free, begins waves, and ends members whose time is over. It works when it is
 * woken and when the next member is due, one pass at a time; between passes it holds no member. [FANOUT 7]
 */
export class TurnLoop {
  readonly #options: TurnLoopOptions;
  readonly #notifying = new Set<Promise<void>>();
  #isWanted = false;
  #isClosed = false;
  #working: Promise<void> | undefined;
  #timerAt = Infinity;
  #cancelTimer: () => void = () => undefined;
  /** How far the wall clock was ahead of the monotonic one when it was last looked at. */
  #wallAheadMs: number;

  constructor(options: TurnLoopOptions) {
    this.#options = options;
    this.#wallAheadMs = options.clock.wallNow() - options.clock.now();
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
    const { clock, runs } = this.#options;
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false;
      this.#lookAtWallClock();
      let nextAt = Infinity;
      for (const run of runs.all()) nextAt = Math.min(nextAt, await this.#tryStep(run));
      if (nextAt <= clock.now()) this.#isWanted = true;
      else if (nextAt < Infinity) this.wakeBy(Math.min(nextAt, clock.now() + WALL_CLOCK_MS));
    }
  }

  #lookAtWallClock(): void {
    const { clock, events } = this.#options;
    const aheadMs = clock.wallNow() - clock.now();
    const movedMs = aheadMs - this.#wallAheadMs;
    this.#wallAheadMs = aheadMs;
    if (Math.abs(movedMs) > JUMP_MS) events.clockJumped(movedMs);
  }

  async #tryStep(run: ActiveRun): Promise<EpochMs> {
    const { clock, events } = this.#options;
    if (clock.now() < run.retryAt) return run.retryAt;
    try {
      return await run.steps.do(() => this.#step(run));
    } catch (error) {
      events.problem(`turns of run ${run.number}`, error);
      run.retryAt = clock.now() + RETRY_MS;
      return run.retryAt;
    }
  }

  /** Answers when the run needs its next step; now, when this one did something. */
  async #step(run: ActiveRun): Promise<EpochMs> {
    const { store, clock, random, runs } = this.#options;
    const { expiresNotBefore } = run;
    const outlook = await store.outlook(run.number);
    const now = clock.now();
    const step = nextStep(run, outlook, now, clock.wallNow());
    const decide = (kind: NonNullable<Decide['terms']>['kind']) =>
      decideBy({ kind, now, expiresNotBefore }, run, random);
    switch (step.kind) {
      case 'over':
        runs.remove(run.number);
        return Infinity;
      case 'wait':
        return step.until;
      case 'expire':
        await this.#claim(run, now, { by: 'endsAt', limit: PAGE, maxTurns: 0 }, decide('due'));
        return now;
      case 'settle-unsent': {
        const how = run.current.state === 'cancelling' ? 'cancelled' : 'unanswered';
        await this.#claim(run, now, { by: 'unsent', limit: PAGE, maxTurns: 0 }, decide(how));
        return now;
      }
      case 'give-turns':
        await this.#claim(run, now, { by: 'dueAt', limit: PAGE, maxTurns: step.maxTurns }, decide('due'));
        return now;
      case 'release':
        if ((await store.releaseHeld(run.number, now, PAGE)) < PAGE) run.mayHaveUnreleased = false;
        return now;
      case 'begin':
        await this.#changeState(run, 'scheduled', 'running');
        return now;
      case 'next-wave':
        await this.#endWave(run);
        return now;
    }
  }

  async #claim(run: ActiveRun, now: EpochMs, limits: ClaimLimits, decide: Decide): Promise<void> {
    const { store, onSettled } = this.#options;
    const claim = await store.claimDue(run.number, now, limits, decide);
    run.startRate.take(claim.turns.filter(({ notifiable }) => notifiable).length);
    for (const target of claim.turns) this.#giveTurn(run, target);
    onSettled(claim);
  }

  /** Begins the next wave, or pauses the run when too many of those before did not succeed. [FANOUT 7] */
  async #endWave(run: ActiveRun): Promise<void> {
    const { store } = this.#options;
    const { policy, number } = run;
    const { wave, released, counts } = (await store.run(number)) ?? run.current;
    if (wave > 0 && hasTooManyFailures(counts, policy.maxFailures)) {
      return this.#changeState(run, 'running', 'paused', 'failures');
    }
    await store.beginWave(number, wave + 1, releasedBy(policy.waves, wave, released, counts.targets));
    run.mayHaveUnreleased = true;
  }

  async #changeState(
    run: ActiveRun,
    from: 'scheduled' | 'running',
    to: 'running' | 'paused',
    cause?: 'failures',
  ): Promise<void> {
    const { store, events } = this.#options;
    const changed = await store.changeState(run.number, [from], to, cause);
    if (!changed) return;
    run.current = changed;
    events.runChanged(changed);
  }

  /** A device that polls takes a slot when it comes. */
  #giveTurn(run: ActiveRun, target: Target): void {
    const { clock, openSessions } = this.#options;
    const { deviceKey } = target;
    if (deviceKey === undefined) return;
    if (!target.notifiable) {
      if (openSessions.has(deviceKey)) run.window.take(deviceKey, clock.now());
      return;
    }
    run.window.hold(deviceKey);
    const notifying = this.#notify(run, target, deviceKey).finally(() => this.#notifying.delete(notifying));
    this.#notifying.add(notifying);
  }

  async #notify(run: ActiveRun, target: Target, deviceKey: number): Promise<void> {
    const { store, notifier, clock, events } = this.#options;
    try {
      if ((await notifier.notify(target)) === 'sent') {
        const now = clock.now();
        run.window.letGo(deviceKey, now);
        // It may sleep without an end: while nothing is out there is no silence to wait for.
        if (run.window.free(now) === 0) this.wakeBy(run.window.nextFreeAt() ?? Infinity);
        return;
      }
      run.window.giveBack(deviceKey);
      this.wake();
      await store.noteRefusedNotification(target);
    } catch (error) {
      events.problem(`notification of ${target.deviceId}`, error);
    }
  }
}
