import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { Job, JobChange, JobEventRow } from '../store/server-store.ts';
import { advanceFanOut, fanOutCommands, type FanOutState } from './fan-out-steps.ts';
import { advanceFetch, fetchCommands, type FetchState } from './fetch-steps.ts';
import { advanceGroup, groupCommands, type GroupState } from './group-steps.ts';
import type { Advance, Failure, JobEvent } from './job-step.ts';

/** Where the exchanges of a job stand within a session; what has to survive a restart is in the job itself. */
export type Progress =
  | { readonly kind: 'group'; readonly state: GroupState }
  | { readonly kind: 'fanout'; readonly state: FanOutState }
  | { readonly kind: 'fetch'; readonly state: FetchState };

/** Where to begin or go on with a job that has work to do; undefined when it has none. */
export function progressOf(job: Job): Progress | undefined {
  switch (job.state) {
    case 'queued':
    case 'sending':
      return job.spec.kind === 'group'
        ? { kind: 'group', state: { phase: 'creating', resumed: job.state === 'sending' } }
        : { kind: 'fanout', state: { phase: 'setting' } };
    case 'fetching':
      return { kind: 'fetch', state: { phase: 'summary' } };
    case 'running':
    case 'complete':
    case 'failed':
      return undefined;
  }
}

/** What to send next for this job. */
export function jobCommands(job: Job, progress: Progress): readonly RequestCommand[] {
  if (progress.kind === 'fetch') return fetchCommands(progress.state, requireUrl(job));
  if (progress.kind === 'group' && job.spec.kind === 'group') return groupCommands(progress.state, job.spec);
  if (progress.kind === 'fanout' && job.spec.kind === 'fanout') return fanOutCommands(progress.state, job.spec);
  throw new TypeError(`job ${job.id} is no ${progress.kind} job`);
}

/** What the answers to `jobCommands` make of a job: what to store, and where its exchanges go on. */
interface JobMove {
  readonly change: JobChange;
  /** Undefined: nothing more to send for this job. */
  readonly progress: Progress | undefined;
  /** Of the aggregate, when its summary came with these answers. */
  readonly generation?: number;
}

/** Takes in the answers to `jobCommands`. */
export function advanceJob(job: Job, progress: Progress, answers: readonly Answer[], now: number): JobMove {
  switch (progress.kind) {
    case 'group': {
      if (job.spec.kind !== 'group') throw new TypeError(`job ${job.id} is no group job`);
      const advance = advanceGroup(progress.state, job.spec, answers);
      return moveOf(advance, 'complete', now, (state) => ({ kind: 'group', state }));
    }
    case 'fanout': {
      if (job.spec.kind !== 'fanout') throw new TypeError(`job ${job.id} is no fan-out job`);
      const advance = advanceFanOut(progress.state, job.spec, answers);
      return moveOf(advance, 'running', now, (state) => ({ kind: 'fanout', state }));
    }
    case 'fetch':
      return fetchMove(job, progress.state, answers, now);
  }
}

function fetchMove(job: Job, before: FetchState, answers: readonly Answer[], now: number): JobMove {
  const advance = advanceFetch(before, requireUrl(job), answers);
  const move = moveOf(advance, 'complete', now, (state): Progress => ({ kind: 'fetch', state }));
  const change: JobChange = advance.results.length === 0 ? move.change : { ...move.change, results: advance.results };
  if (before.phase === 'results') {
    const { counts, generation } = before.summary;
    return { ...move, change: advance.kind === 'done' ? { ...change, counts, generation } : change };
  }
  if (advance.kind !== 'next' || advance.state.phase !== 'results') return { ...move, change };
  const { counts, generation } = advance.state.summary;
  // A repeated alert of an aggregate whose results are here already.
  if (job.generation === generation) return { change: { state: 'complete' }, progress: undefined, generation };
  return { ...move, change: { ...change, counts }, generation };
}

function moveOf<State>(
  advance: Advance<State>,
  doneState: 'complete' | 'running',
  now: number,
  wrap: (state: State) => Progress,
): JobMove {
  switch (advance.kind) {
    case 'next':
      return { change: { events: eventRows(advance.events, now) }, progress: wrap(advance.state) };
    case 'done': {
      const events = eventRows(advance.events, now);
      return doneState === 'running'
        ? { change: { state: doneState, events }, progress: undefined }
        : { change: { state: doneState, endedAt: now, events }, progress: undefined };
    }
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

function requireUrl(job: Job): string {
  if (job.resultsUrl === undefined) throw new TypeError(`job ${job.id} has no results URL`);
  return job.resultsUrl;
}
