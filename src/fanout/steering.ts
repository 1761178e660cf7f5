import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { ActiveRuns } from './active-runs.ts';
import type { EngineOptions, FanOutEngine } from './engine.ts';
import type { Run, RunState } from './store.ts';
import { hasCome } from './target.ts';
import { releasedBy } from './waves.ts';

/** What somebody asks of a run. */
interface Wish {
  /** `paused`: what a run is then, for the refusal. */
  readonly done: string;
  readonly from: readonly RunState[];
  /** States in which there is nothing to do. */
  readonly already: readonly RunState[];
  /** Undefined: the run is in another state by now. */
  readonly change: (run: Run) => Promise<Run | undefined>;
}

interface SteeringOptions extends Pick<EngineOptions, 'store' | 'clock' | 'events'> {
  readonly runs: ActiveRuns;
  /** Something has changed that the loop has to look at. */
  readonly wake: () => void;
}

/** Changes of a run that somebody asks for: each happens between two steps of the loop, so that none comes after it. [FANOUT 3] */
export function createSteering({
  store,
  clock,
  events,
  runs,
  wake,
}: SteeringOptions): Pick<FanOutEngine, 'pauseRun' | 'resumeRun' | 'cancelRun'> {
  async function steer(number: number, wish: Wish): Promise<Run> {
    const active = runs.get(number);
    const step = async (): Promise<Run> => {
      const run = await store.run(number);
      if (!run) throw new StatusError(STATUS.notFound, 'FANOUT_NO_RUN', `there is no run ${number}`);
      if (wish.already.includes(run.state)) return run;
      if (!wish.from.includes(run.state)) throw refused(run, wish);
      const changed = await wish.change(run);
      if (!changed) return step();
      if (active) {
        active.current = changed;
        active.mayHaveUnreleased = true;
      }
      events.runChanged(changed);
      wake();
      return changed;
    };
    return active ? active.steps.do(step) : step();
  }

  return {
    pauseRun: (number) =>
      steer(number, {
        done: 'paused',
        from: ['scheduled', 'running'],
        already: ['paused'],
        change: () => store.changeState(number, ['scheduled', 'running'], 'paused', 'asked'),
      }),

    resumeRun: (number) =>
      steer(number, {
        done: 'resumed',
        from: ['paused'],
        already: ['scheduled', 'running'],
        async change({ policy, pauseCause, wave, released, counts }) {
          const isToCome = policy.notBefore !== undefined && !hasCome(policy.notBefore, clock.wallNow());
          const next = releasedBy(policy.waves, wave, released, counts.targets);
          // The wave is not judged again after a crash.
          const [, changed] = await store.together(() =>
            Promise.all([
              pauseCause === 'failures' && store.beginWave(number, wave + 1, next),
              store.changeState(number, ['paused'], isToCome ? 'scheduled' : 'running'),
            ]),
          );
          return changed;
        },
      }),

    cancelRun: (number) =>
      steer(number, {
        done: 'cancelled',
        from: ['scheduled', 'running', 'paused'],
        already: ['cancelling'],
        change: ({ policy }) =>
          store.changeState(
            number,
            ['scheduled', 'running', 'paused'],
            'cancelling',
            undefined,
            clock.now() + policy.deviceDeadlineMs,
          ),
      }),
  };
}

function refused({ number, state }: Run, { from, done }: Wish): StatusError {
  const allowed = from.length > 1 ? `${from.slice(0, -1).join(', ')} or ${from.at(-1)}` : from[0];
  return new StatusError(
    STATUS.commandNotAllowed,
    'FANOUT_RUN_STATE',
    `run ${number} is ${state}; only a run that is ${allowed} can be ${done}`,
  );
}
