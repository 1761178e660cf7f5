import type { RunState } from '../fanout/store.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { FanOutSpec, Job, JobChange, JobEventRow, JobSpec, SteerSpec } from '../store/server-store.ts';
import { QUORUM_REACHED, RUN_CANCELLED } from './alerts.ts';
import { advanceFanOut, fanOutCommands, type FanOutState, firstFanOutState } from './fan-out-steps.ts';
import { advanceFetch, fetchCommands, type FetchState } from './fetch-steps.ts';
import type { Summary } from './fetched.ts';
import { advanceGroup, groupCommands, type GroupState } from './group-steps.ts';
import type { Advance, Failure, JobEvent } from './job-step.ts';
import { advancePlan, planCommands, type PlanState } from './plan-steps.ts';
import { advanceSteer, steerCommands } from './steer-steps.ts';

type Spec<Kind extends JobSpec['kind']> = Extract<JobSpec, { kind: Kind }>;

/** Where the exchanges of a job stand within a session; what has to survive a restart is in the job itself. */
export type Progress =
  | { readonly kind: 'group'; readonly spec: Spec<'group'>; readonly state: GroupState }
  | { readonly kind: 'fanout'; readonly spec: FanOutSpec; readonly state: FanOutState }
  | { readonly kind: 'steer'; readonly spec: SteerSpec }
  | { readonly kind: 'plan'; readonly spec: Spec<'plan'>; readonly state: PlanState }
  | { readonly kind: 'fetch'; readonly resultsUrl: string; readonly state: FetchState };

/** Where to begin or go on with a job that has work to do; undefined when it has none. */
export function progressOf(job: Job): Progress | undefined {
  switch (job.state) {
    case 'queued':
    case 'sending':
      return firstProgress(job.spec, job.state === 'sending');
    case 'fetching':
      return job.resultsUrl === undefined
        ? undefined
        : { kind: 'fetch', resultsUrl: job.resultsUrl, state: { phase: 'summary', again: 0 } };
    case 'running':
    case 'complete':
    case 'cancelled':
    case 'failed':
      return undefined;
  }
}

function firstProgress(spec: JobSpec, resumed: boolean): Progress {
  switch (spec.kind) {
    case 'group':
      return { kind: 'group', spec, state: { phase: 'creating', resumed } };
    case 'fanout':
      return { kind: 'fanout', spec, state: firstFanOutState(spec) };
    case 'steer':
      return { kind: 'steer', spec };
    case 'plan':
      return { kind: 'plan', spec, state: { phase: 'setting' } };
  }
}

/** What to send next. */
export function jobCommands(progress: Progress): readonly RequestCommand[] {
  switch (progress.kind) {
    case 'group':
      return groupCommands(progress.state, progress.spec);
    case 'fanout':
      return fanOutCommands(progress.state, progress.spec);
    case 'steer':
      return steerCommands(progress.spec);
    case 'plan':
      return planCommands(progress.state, progress.spec);
    case 'fetch':
      return fetchCommands(progress.state, progress.resultsUrl);
  }
}

/** What the answers to `jobCommands` make of a job: what to store, and where its exchanges go on. */
export interface JobMove {
  readonly change: JobChange;
  /** Undefined: nothing more to send for this job. */
  readonly progress: Progress | undefined;
  /** Of the aggregate, when its summary came with these answers. */
  readonly generation?: number;
  /** What they tell of the run of another job. */
  readonly other?: { readonly job: number; readonly change: JobChange };
}

/**
 * Takes in the answers to `jobCommands`. `lastAlert` is the Data of the last alert of its run: without a summary it
 * tells how the run ended.
 */
export function advanceJob(
  job: Job,
  progress: Progress,
  answers: readonly Answer[],
  now: number,
  lastAlert?: string,
): JobMove {
  switch (progress.kind) {
    case 'group': {
      const advance = advanceGroup(progress.state, progress.spec, answers);
      return moveOf(advance, now, { state: 'complete', endedAt: now }, (state) => ({ ...progress, state }));
    }
    case 'fanout': {
      const advance = advanceFanOut(progress.state, progress.spec, answers);
      const done: JobChange = { state: 'running', from: ['queued', 'sending'], resultsUrl: advance.resultsUrl };
      return moveOf(advance, now, done, (state) => ({ ...progress, state }));
    }
    case 'steer':
      return steerMove(progress.spec, answers, now);
    case 'plan': {
      const { plan, ...advance } = advancePlan(progress.state, progress.spec, answers);
      const done: JobChange = { state: 'complete', endedAt: now, plan };
      return moveOf(advance, now, done, (state) => ({ ...progress, state }));
    }
    case 'fetch':
      return fetchMove(job, progress, answers, now, lastAlert);
  }
}

function steerMove(spec: SteerSpec, answers: readonly Answer[], now: number): JobMove {
  const { runState, ...advance } = advanceSteer(spec, answers);
  const move = moveOf(advance, now, { state: 'complete', endedAt: now }, () => ({ kind: 'steer', spec }));
  return { ...move, other: { job: spec.job, change: { runState, events: move.change.events ?? [] } } };
}

function fetchMove(
  job: Job,
  progress: Extract<Progress, { kind: 'fetch' }>,
  answers: readonly Answer[],
  now: number,
  lastAlert: string | undefined,
): JobMove {
  const advance = advanceFetch(progress.state, progress.resultsUrl, answers);
  const { summary, counts, results } = advance;
  const wrap = (state: FetchState): Progress => ({ ...progress, state });
  if (summary) return summaryMove(job, summary, moveOf(advance, now, {}, wrap), now);
  if (lastAlert === QUORUM_REACHED && advance.kind === 'next' && advance.state.phase === 'names') {
    return { change: { state: 'running', from: ['fetching'], ifAlerts: job.alerts }, progress: undefined };
  }
  const known = progress.state.phase === 'results' ? progress.state.summary : undefined;
  const runState = known?.state ?? (lastAlert === RUN_CANCELLED ? 'cancelled' : 'complete');
  // What was read of an earlier aggregate stays what it is.
  if (advance.kind === 'failed' && job.endedAt !== undefined) {
    const { events = [] } = failedChange(advance, now);
    return { change: { ...endOf(runState, job, now), ifAlerts: job.alerts, events }, progress: undefined };
  }
  const move = moveOf(
    advance,
    now,
    { ...endOf(runState, job, now), ifAlerts: job.alerts, counts, generation: known?.generation },
    wrap,
  );
  return { ...move, change: { ...move.change, results } };
}

/** A run that is still going has no results to read yet; what was read of this aggregate before need not be read again. */
function summaryMove(job: Job, summary: Summary, move: JobMove, now: number): JobMove {
  const { state, counts, generation, digest } = summary;
  const told = { runState: state, counts, digest };
  if (state !== 'complete' && state !== 'cancelled') {
    const change: JobChange = { ...told, state: 'running', from: ['fetching'], ifAlerts: job.alerts };
    return { change, progress: undefined, generation };
  }
  if (job.generation === generation) {
    return { change: { ...told, ...endOf(state, job, now), ifAlerts: job.alerts }, progress: undefined, generation };
  }
  return { ...move, change: { ...move.change, ...told }, generation };
}

/** How a job ends whose run ended in this state; a later reading does not move the time of its end. */
function endOf(runState: RunState, { endedAt }: Job, now: number): Pick<JobChange, 'state' | 'endedAt'> {
  return { state: runState === 'cancelled' ? 'cancelled' : 'complete', endedAt: endedAt ?? now };
}

function moveOf<State>(
  advance: Advance<State>,
  now: number,
  done: JobChange,
  wrap: (state: State) => Progress,
): JobMove {
  switch (advance.kind) {
    case 'next':
      return { change: { events: eventRows(advance.events, now) }, progress: wrap(advance.state) };
    case 'done':
      return { change: { ...done, events: eventRows(advance.events, now) }, progress: undefined };
    case 'failed':
      return { change: failedChange(advance, now), progress: undefined };
  }
}

/** What the end of a job that cannot go on leaves in the store. */
export function failedChange({ code, message }: Failure, now: number): JobChange {
  const events = [{ at: now, step: undefined, what: message }];
  return { state: 'failed', endedAt: now, error: { code, message }, events };
}

function eventRows(events: readonly JobEvent[], now: number): JobEventRow[] {
  return events.map(({ step, what }) => ({ at: now, step, what }));
}
