import { isDeepStrictEqual } from 'node:util';
import { type Counts, countsFrom, type Outcome } from '../fanout/outcome.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { childNames, refusalOf, resultItems, statusOf, textOf, valuesBelow } from './answers.ts';
import { get } from './commands.ts';
import {
  type FetchedResult,
  type MemberNode,
  membersNamed,
  NO_COUNTS,
  numberedMembers,
  readResult,
  readSummary,
  type Summary,
} from './fetched.ts';
import { type Advance, type Failure, failure, missingStatus } from './job-step.ts';

/** Results that are asked for with one Get, as long as they are not too large together. */
const RESULTS_PER_GET = 100;

/** How often the results are read again when they do not add up to their summary. */
const READ_AGAIN = 3;

/** Where the reading of a run's results stands: its summary first, then its members page by page. */
export type FetchState =
  /** `again`: how often the results did not add up to the summary that was read before them. */
  | { readonly phase: 'summary'; readonly again: number }
  /** The gateway has no summary: the names of the members tell how many there are. */
  | { readonly phase: 'names' }
  | {
      readonly phase: 'results';
      readonly summary: (Summary & { readonly again: number }) | undefined;
      readonly members: readonly MemberNode[];
      /** How many of them were read, how they ended, and how many are asked for next. */
      readonly done: number;
      readonly outcomes: Readonly<Record<Outcome, number>>;
      readonly page: number;
    };

/** What an exchange brought besides the next state. */
export type FetchAdvance = Advance<FetchState> & {
  readonly results: readonly FetchedResult[];
  /** With the summary. */
  readonly summary?: Summary;
  /** With the last of the results: what they add up to. */
  readonly counts?: Counts;
};

/** What to send in this state. [FANOUT 2] */
export function fetchCommands(state: FetchState, resultsUrl: string): readonly RequestCommand[] {
  switch (state.phase) {
    case 'summary':
      return [get('1', [`${resultsUrl}/Ext/Summary?list=StructData`])];
    case 'names':
      return [get('1', [`${resultsUrl}/Results`])];
    case 'results':
      return [
        get(
          '1',
          pageOf(state).map(({ name }) => `${resultsUrl}/Results/${name}?list=StructData`),
        ),
      ];
  }
}

/** Takes in the answers to `fetchCommands`. A run that is still going is over when its summary was read. */
export function advanceFetch(state: FetchState, resultsUrl: string, answers: readonly Answer[]): FetchAdvance {
  if (statusOf(answers, '1') === undefined) return { ...missingStatus(`Get of ${resultsUrl}`), results: [] };
  const refusal = refusalOf(answers, '1');
  if (refusal?.status === STATUS.notFound && state.phase === 'summary') {
    return { kind: 'next', state: { phase: 'names' }, events: [], results: [] };
  }
  if (refusal) return { ...failure(`Get of ${resultsUrl} was refused`, refusal), results: [] };
  const items = resultItems(answers, '1');
  switch (state.phase) {
    case 'summary': {
      const summary = readSummary(valuesBelow(items, resultsUrl));
      if (!summary) return { ...incomplete(resultsUrl, 'Ext/Summary'), results: [] };
      const members = numberedMembers(summary.counts.targets);
      return { ...resultsNext(members, { ...summary, again: state.again }), results: [], summary };
    }
    case 'names': {
      const members = membersNamed(childNames(textOf(items[0]?.data)));
      if (members.length === 0) return { ...incomplete(resultsUrl, 'Results'), results: [] };
      return { ...resultsNext(members, undefined), results: [] };
    }
    case 'results':
      return advanceResults(state, resultsUrl, valuesBelow(items, resultsUrl));
  }
}

/** The same with half as many results in a Get; undefined: there is nothing to halve. */
export function withSmallerPage(state: FetchState): FetchState | undefined {
  if (state.phase !== 'results') return undefined;
  const asked = pageOf(state).length;
  return asked > 1 ? { ...state, page: Math.floor(asked / 2) } : undefined;
}

function advanceResults(
  state: Extract<FetchState, { phase: 'results' }>,
  resultsUrl: string,
  values: ReadonlyMap<string, string>,
): FetchAdvance {
  const results: FetchedResult[] = [];
  const outcomes = { ...state.outcomes };
  for (const member of pageOf(state)) {
    const result = readResult(values, member);
    if (!result) return { ...incomplete(resultsUrl, `Results/${member.name}`), results: [] };
    results.push(result);
    outcomes[result.outcome] += 1;
  }
  const done = state.done + results.length;
  if (done < state.members.length) {
    return { kind: 'next', state: { ...state, done, outcomes }, events: [], results };
  }
  const counts = countsFrom(outcomes);
  const { summary } = state;
  if (summary && !isDeepStrictEqual(summary.counts, counts)) {
    // A late answer came between the pages: the summary is another one now.
    if (summary.again < READ_AGAIN) {
      return { kind: 'next', state: { phase: 'summary', again: summary.again + 1 }, events: [], results };
    }
    return { ...doNotAddUp(resultsUrl), results };
  }
  return { kind: 'done', events: [{ what: `${done} results fetched from ${resultsUrl}` }], results, counts };
}

function resultsNext(members: readonly MemberNode[], summary: Extract<FetchState, { phase: 'results' }>['summary']) {
  const state = {
    phase: 'results',
    summary,
    members,
    done: 0,
    outcomes: NO_COUNTS,
    page: RESULTS_PER_GET,
  } as const;
  return { kind: 'next', state, events: [] } as const;
}

function pageOf({ members, done, page }: Extract<FetchState, { phase: 'results' }>): readonly MemberNode[] {
  return members.slice(done, done + page);
}

function doNotAddUp(resultsUrl: string): Failure {
  const message = `the results below ${resultsUrl} do not add up to its summary`;
  return { kind: 'failed', code: 'RESULTS_INCONSISTENT', message };
}

function incomplete(resultsUrl: string, what: string): Failure {
  return { kind: 'failed', code: 'RESULTS_INCOMPLETE', message: `${resultsUrl}/${what} came without its values` };
}
