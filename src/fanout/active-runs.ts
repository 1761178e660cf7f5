import { CommandSizes } from './carrier.ts';
import { commandsFromSyncBody } from './commands.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { StartRate } from './start-rate.ts';
import type { EpochMs, Run } from './store.ts';
import type { RunTerms } from './target.ts';
import { Window } from './window.ts';

/** What the engine keeps of a run while members of it are open; its size does not depend on how many they are. */
export interface ActiveRun extends RunTerms {
  readonly number: number;
  readonly sizes: CommandSizes;
  readonly window: Window;
  readonly startRate: StartRate;
  /** Passes over its members and changes of its state. */
  readonly steps: OneAtATime;
  /** As it was last written; its counts may be older. */
  current: Run;
  /** Whether members of waves that have begun may still be held. */
  mayHaveUnreleased: boolean;
  /** After a failure it is left alone until then. */
  retryAt: EpochMs;
}

/** The active runs, oldest first. */
export class ActiveRuns {
  readonly #runs = new Map<number, ActiveRun>();

  /** Takes a run up, unless it is there. */
  add(run: Run, now: EpochMs, expiresNotBefore = 0): ActiveRun {
    const { number, endsAt, policy } = run;
    const known = this.#runs.get(number);
    if (known) return known;
    const commands = commandsFromSyncBody(run.commands);
    const active: ActiveRun = {
      number,
      endsAt,
      policy,
      expiresNotBefore,
      commands,
      sizes: new CommandSizes(commands),
      window: new Window(policy.concurrency),
      startRate: new StartRate(policy.startRate, now),
      steps: new OneAtATime(),
      current: run,
      mayHaveUnreleased: true,
      retryAt: 0,
    };
    this.#runs.set(number, active);
    return active;
  }

  get(number: number): ActiveRun | undefined {
    return this.#runs.get(number);
  }

  remove(number: number): void {
    this.#runs.delete(number);
  }

  /** A snapshot: runs may come and go while it is walked through. */
  all(): readonly ActiveRun[] {
    return [...this.#runs.values()];
  }
}
