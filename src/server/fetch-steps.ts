import { countsFrom, type Counts, OUTCOMES, type Outcome, summaryNodeName } from '../fanout/outcome.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { refusalOf, resultItems, statusOf, valuesBelow } from './answers.ts';
import { get } from './commands.ts';
import { type Advance, type Failure, failure, missingStatus } from './job-step.ts';

/** Results that are asked for with one Get. */
const RESULTS_PER_GET = 100;

/** Where the reading of a run's results stands: its summary first, then its members page by page. */
export type FetchState =
  { readonly phase: 'summary' } | { readonly phase: 'results'; readonly summary: Summary; readonly done: number };

/** `Ext/Summary` of a run. [FANOUT 3] */
export interface Summary {
  readonly state: string;
  readonly generation: number;
  readonly counts: Counts;
  readonly startedAt: string | undefined;
  readonly endedAt: string | undefined;
}

/** One pair of the aggregate, as the DM Server got it. */
interface FetchedResult {
  readonly n: number;
  readonly deviceId: string;
  readonly outcome: Outcome;
  readonly deResult: string | undefined;
}

/** What an exchange brought besides the next state. */
type FetchAdvance = Advance<FetchState> & { readonly results: readonly FetchedResult[] };

/** What to send in this state. Members are numbered 1 to Targets, so no list of their names is needed. */
export function fetchCommands(state: FetchState, resultsUrl: string): readonly RequestCommand[] {
  if (state.phase === 'summary') return [get('1', [`${resultsUrl}/Ext/Summary?list=StructData`])];
  return [
    get(
      '1',
      pageOf(state).map((n) => `${resultsUrl}/Results/${n}?list=StructData`),
    ),
  ];
}

/** Takes in the answers to `fetchCommands`. */
export function advanceFetch(state: FetchState, resultsUrl: string, answers: readonly Answer[]): FetchAdvance {
  if (statusOf(answers, '1') === undefined) return { ...missingStatus(`Get of ${resultsUrl}`), results: [] };
  const refusal = refusalOf(answers, '1');
  if (refusal) return { ...failure(`Get of ${resultsUrl} was refused`, refusal), results: [] };
  const values = valuesBelow(resultItems(answers, '1'), resultsUrl);
  if (state.phase === 'summary') {
    const summary = readSummary(values);
    if (!summary) return { ...incomplete(resultsUrl, 'Ext/Summary'), results: [] };
    return { kind: 'next', state: { phase: 'results', summary, done: 0 }, events: [], results: [] };
  }
  const results: FetchedResult[] = [];
  for (const n of pageOf(state)) {
    const result = readResult(values, n);
    if (!result) return { ...incomplete(resultsUrl, `Results/${n}`), results: [] };
    results.push(result);
  }
  const done = state.done + results.length;
  if (done < state.summary.counts.targets) return { kind: 'next', state: { ...state, done }, events: [], results };
  return { kind: 'done', events: [{ what: `${done} results fetched from ${resultsUrl}` }], results };
}

function pageOf(state: Extract<FetchState, { phase: 'results' }>): readonly number[] {
  const count = Math.min(RESULTS_PER_GET, state.summary.counts.targets - state.done);
  return Array.from({ length: count }, (_value, index) => state.done + index + 1);
}

function readSummary(values: ReadonlyMap<string, string>): Summary | undefined {
  const leaf = (name: string): string | undefined => values.get(`Ext/Summary/${name}`);
  const number = (name: string): number => Number(leaf(name) ?? Number.NaN);
  const counts = countsFrom(
    Object.fromEntries(OUTCOMES.map((outcome) => [outcome, number(summaryNodeName(outcome))])) as Record<
      Outcome,
      number
    >,
  );
  const state = leaf('State');
  if (state === undefined || counts.targets !== number('Targets')) return undefined;
  return {
    state,
    generation: number('Generation'),
    counts,
    startedAt: leaf('StartedAt'),
    endedAt: leaf('EndedAt'),
  };
}

function readResult(values: ReadonlyMap<string, string>, n: number): FetchedResult | undefined {
  const deviceId = values.get(`Results/${n}/DeviceID`);
  const outcome = values.get(`Results/${n}/Ext/Outcome`);
  if (deviceId === undefined || !isOutcome(outcome)) return undefined;
  return { n, deviceId, outcome, deResult: values.get(`Results/${n}/DeResult`) };
}

function isOutcome(text: string | undefined): text is Outcome {
  return OUTCOMES.some((outcome) => outcome === text);
}

function incomplete(resultsUrl: string, what: string): Failure {
  return { kind: 'failed', code: 'RESULTS_INCOMPLETE', message: `${resultsUrl}/${what} came without its values` };
}
