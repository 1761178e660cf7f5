import { describe, expect, it } from 'vitest';
import { results, status } from '../../test/server/answers.ts';
import type { Answer, Item } from '../protocol/message/message.ts';
import { advanceFetch, fetchCommands, type FetchState, withSmallerPage } from './fetch-steps.ts';

const URL = './SCR/Results/Results2';
const SUMMARY: FetchState = { phase: 'summary', again: 0 };

function summary(values: Readonly<Record<string, number | string>> = {}): Answer[] {
  const counts = { Pending: 0, Succeeded: 1, Failed: 1, TimedOut: 0, Unreachable: 0, Unauthorized: 0, Cancelled: 0 };
  const all = { ...counts, Unknown: 0, Targets: 2, State: 'complete', Generation: 1, ...values };
  const leaves = Object.entries(all).map(([name, value]) => [`${URL}/Ext/Summary/${name}`, String(value)]);
  return [status('1', 200), results('1', Object.fromEntries(leaves) as Record<string, string>)];
}

function member(
  name: string | number,
  deviceId: string,
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const leaves = Object.entries({ DeviceID: deviceId, ...more });
  return Object.fromEntries(leaves.map(([leaf, value]) => [`${URL}/Results/${name}/${leaf}`, value]));
}

const answer = (values: Readonly<Record<string, string>>): Answer[] => [status('1', 200), results('1', values)];

function asked(state: FetchState): (string | undefined)[] {
  return fetchCommands(state, URL).flatMap((command) =>
    'items' in command ? command.items.map(({ target }: Item) => target?.locUri) : [],
  );
}

function next(state: FetchState, answers: readonly Answer[]): FetchState {
  const advance = advanceFetch(state, URL, answers);
  if (advance.kind !== 'next') throw new Error(`${advance.kind}: ${JSON.stringify(advance)}`);
  return advance.state;
}

const PAIRS = {
  ...member(1, 'a', { DeResult: '<SyncBody/>', 'Ext/Outcome': 'succeeded' }),
  ...member(2, 'b', { 'Ext/Outcome': 'failed' }),
};

describe('fetching results', () => {
  it('server: reads the summary, then every member', () => {
    const state = next(SUMMARY, summary({ Digest: 'f0' }));
    expect(advanceFetch(SUMMARY, URL, summary({ Digest: 'f0' })).summary).toMatchObject({
      state: 'complete',
      generation: 1,
      digest: 'f0',
      counts: { targets: 2, succeeded: 1, failed: 1 },
    });
    expect(asked(state)).toEqual([`${URL}/Results/1?list=StructData`, `${URL}/Results/2?list=StructData`]);
    const last = advanceFetch(state, URL, answer(PAIRS));
    expect(last).toMatchObject({ kind: 'done', counts: { targets: 2, succeeded: 1, failed: 1 } });
    expect(last.results).toEqual([
      { n: 1, deviceId: 'a', outcome: 'succeeded', deResult: '<SyncBody/>' },
      { n: 2, deviceId: 'b', outcome: 'failed', deResult: undefined },
    ]);
  });

  it('server: fails when the gateway sends Results without a Status', () => {
    expect(advanceFetch(SUMMARY, URL, summary().slice(1))).toMatchObject({
      kind: 'failed',
      code: 'STATUS_MISSING',
      results: [],
    });
  });

  it('server: does not believe counts that do not add up, nor a state that is none', () => {
    for (const wrong of [{ Targets: 3 }, { State: 'asleep' }]) {
      expect(advanceFetch(SUMMARY, URL, summary(wrong))).toMatchObject({ kind: 'failed', code: 'RESULTS_INCOMPLETE' });
    }
  });

  it('server: reads all of it again when a late answer came between summary and results, and not for ever', () => {
    const late = { ...PAIRS, ...member(2, 'b', { 'Ext/Outcome': 'succeeded' }) };
    let state = SUMMARY as FetchState;
    for (const again of [1, 2, 3]) {
      state = next(next(state, summary()), answer(late));
      expect(state).toEqual({ phase: 'summary', again });
    }
    const failed = advanceFetch(next(state, summary()), URL, answer(late));
    expect(failed).toMatchObject({ kind: 'failed', code: 'RESULTS_INCONSISTENT' });
    expect(advanceFetch(next(state, summary({ Succeeded: 2, Failed: 0 })), URL, answer(late)).kind).toBe('done');
  });

  it('server: asks for half as many results when a page is too large, down to one', () => {
    const many = next(SUMMARY, summary({ Succeeded: 7, Targets: 8 }));
    const sizes: number[] = [];
    for (let state: FetchState | undefined = many; state; state = withSmallerPage(state))
      sizes.push(asked(state).length);
    expect(sizes).toEqual([8, 4, 2, 1]);
    const half = withSmallerPage(many)!;
    const page = Object.assign(
      {},
      ...[1, 2, 3, 4].map((n) => member(n, `d${n}`, { 'Ext/Outcome': 'failed' })),
    ) as Record<string, string>;
    expect(asked(next(half, answer(page)))).toEqual([5, 6, 7, 8].map((n) => `${URL}/Results/${n}?list=StructData`));
    expect(withSmallerPage(SUMMARY)).toBeUndefined();
  });
});

describe('results of a gateway without Ext', () => {
  const body = (...codes: number[]): string =>
    `<SyncBody xmlns="SYNCML:SYNCML1.2">${codes
      .map(
        (code) =>
          `<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Get</Cmd><Data>${code}</Data></Status>`,
      )
      .join('')}</SyncBody>`;

  it('server: reads the names of the members, and the outcome from the Status codes of a DeResult', () => {
    const names = next(SUMMARY, [status('1', 404)]);
    expect(asked(names)).toEqual([`${URL}/Results`]);
    const state = next(names, answer({ [`${URL}/Results`]: '10/2/1/3/4' }));
    expect(asked(state)).toEqual([1, 2, 3, 4, 10].map((n) => `${URL}/Results/${n}?list=StructData`));
    const values = {
      ...member(1, 'a', { DeResult: body(200, 201, 202, 217) }),
      ...member(2, 'b', { DeResult: body(200, 404) }),
      ...member(3, 'c', {}),
      ...member(4, 'd', { DeResult: 'no markup' }),
      ...member(10, 'e', { DeResult: '<Status><CmdID>1</CmdID><Data>200</Data></Status>' }),
    };
    const last = advanceFetch(state, URL, answer(values));
    expect(last.results.map(({ n, outcome }) => [n, outcome])).toEqual([
      [1, 'succeeded'],
      [2, 'failed'],
      [3, 'pending'],
      [4, 'unknown'],
      [10, 'succeeded'],
    ]);
    expect(last).toMatchObject({
      kind: 'done',
      counts: { targets: 5, succeeded: 2, failed: 1, pending: 1, unknown: 1 },
    });
  });

  it('server: numbers members whose nodes have other names', () => {
    const state = next({ phase: 'names' }, answer({ [`${URL}/Results`]: 'x/y' }));
    const values = { ...member('x', 'a', { DeResult: body(200) }), ...member('y', 'b', { DeResult: body(500) }) };
    expect(advanceFetch(state, URL, answer(values)).results).toMatchObject([
      { n: 1, deviceId: 'a', outcome: 'succeeded' },
      { n: 2, deviceId: 'b', outcome: 'failed' },
    ]);
  });

  it('server: fails when there are no names, or a member without a DeviceID', () => {
    const incomplete = { kind: 'failed', code: 'RESULTS_INCOMPLETE' };
    expect(advanceFetch({ phase: 'names' }, URL, answer({ [`${URL}/Results`]: '' }))).toMatchObject(incomplete);
    const state = next({ phase: 'names' }, answer({ [`${URL}/Results`]: '1' }));
    expect(advanceFetch(state, URL, answer({}))).toMatchObject(incomplete);
  });
});
