import type { RunState } from '../fanout/store.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { SteeringAction, SteerSpec } from '../store/server-store.ts';
import { refusalOf, resultItems, statusOf, textOf } from './answers.ts';
import { exec, get } from './commands.ts';
import { type Advance, failure, missingStatus } from './job-step.ts';
import { runNodeUri } from './run-url.ts';

interface Steering {
  readonly node: 'Pause' | 'Resume' | 'Cancel';
  /** States of a run for which what was asked is done. */
  readonly reached: readonly RunState[];
}

const STEERING: Readonly<Record<SteeringAction, Steering>> = {
  pause: { node: 'Pause', reached: ['paused'] },
  resume: { node: 'Resume', reached: ['scheduled', 'running'] },
  cancel: { node: 'Cancel', reached: ['cancelling', 'cancelled'] },
};

const RUN_STATES: readonly RunState[] = ['scheduled', 'running', 'paused', 'cancelling', 'complete', 'cancelled'];

/** What the answers say of the run, besides whether it could be steered. */
type SteerAdvance = Advance<never> & { readonly runState: RunState | undefined };

/** The Exec, and a Get of the state that the run is in then. [FANOUT 3] */
export function steerCommands({ fanOutRoot, run, action }: SteerSpec): readonly RequestCommand[] {
  return [
    exec('1', runNodeUri(fanOutRoot, run, STEERING[action].node)),
    get('2', [runNodeUri(fanOutRoot, run, 'State')]),
  ];
}

/**
 * Takes in the answers to `steerCommands`. A refusal is none where the run is as it was to be: an Exec that is sent
 * again after a lost answer finds it so.
 */
export function advanceSteer({ fanOutRoot, run, action }: SteerSpec, answers: readonly Answer[]): SteerAdvance {
  const { node, reached } = STEERING[action];
  const uri = runNodeUri(fanOutRoot, run, node);
  const told = textOf(resultItems(answers, '2')[0]?.data)?.trim();
  const runState = runStateOf(told);
  const status = statusOf(answers, '1');
  if (status === undefined) return { ...missingStatus(`Exec ${uri}`), runState };
  const refusal = refusalOf(answers, '1');
  if (refusal && !(runState && reached.includes(runState))) {
    return { ...failure(`Exec ${uri} was refused`, refusal), runState };
  }
  const now = runState === undefined ? '' : `, the run is ${runState}`;
  return { kind: 'done', events: [{ what: `Exec ${uri} answered ${status}${now}` }], runState };
}

/** The state that a text names. */
export function runStateOf(text: string | undefined): RunState | undefined {
  return RUN_STATES.find((state) => state === text);
}
