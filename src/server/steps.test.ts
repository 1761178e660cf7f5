import { describe, expect, it } from 'vitest';
import type { Answer, Item } from '../protocol/message/message.ts';
import { completionOf } from './alerts.ts';
import { advanceFanOut, fanOutCommands } from './fan-out-steps.ts';
import { advanceFetch, fetchCommands } from './fetch-steps.ts';
import { advanceGroup, groupCommands, type GroupState } from './group-steps.ts';

function status(cmdRef: string, code: number, cause?: string): Answer {
  const items: Item[] = cause === undefined ? [] : [{ data: cause }];
  return { kind: 'Status', cmdRef, cmd: 'Replace', targetRefs: [], sourceRefs: [], code, items };
}

function results(cmdRef: string, values: Readonly<Record<string, string>>): Answer {
  const items = Object.entries(values).map(([locUri, data]): Item => ({ source: { locUri }, data }));
  return { kind: 'Results', cmdRef, items };
}

describe('group job', () => {
  const spec = { group: 'meters', deviceIds: Array.from({ length: 150 }, (_value, index) => `urn:dev:${index}`) };

  it('adds the group and then its members page by page', () => {
    let state: GroupState = { phase: 'creating', resumed: false };
    const sent: number[] = [];
    for (;;) {
      const [command] = groupCommands(state, spec);
      sent.push(command && 'items' in command ? command.items.length : 0);
      const advance = advanceGroup(state, spec, [status('1', 200)]);
      if (advance.kind !== 'next') {
        expect(advance).toEqual({
          kind: 'done',
          events: [{ step: 1, what: 'group ./GwConfig/DeviceGroups/meters created with 150 members' }],
        });
        break;
      }
      state = advance.state;
    }
    expect(sent).toEqual([1, 100, 50]);
  });

  it('fails when the group is there, and says so', () => {
    const refused = [status('1', 418)];
    expect(advanceGroup({ phase: 'creating', resumed: false }, spec, refused)).toMatchObject({
      kind: 'failed',
      code: 'STATUS_418',
    });
    expect(advanceGroup({ phase: 'creating', resumed: true }, spec, refused)).toMatchObject({ kind: 'next' });
  });

  it('takes members that an answer got lost for as added', () => {
    const answers = [status('1', 418), status('1', 200)];
    expect(advanceGroup({ phase: 'filling', done: 0 }, spec, answers)).toMatchObject({ kind: 'next' });
  });

  it('fails when the gateway leaves the Status out', () => {
    expect(advanceGroup({ phase: 'filling', done: 100 }, spec, [])).toEqual({
      kind: 'failed',
      code: 'STATUS_MISSING',
      message:
        'Add to ./GwConfig/DeviceGroups/meters was left without a Status: the gateway ended its package and did not answer it',
    });
  });
});

it('server: escapes what a LocURI cannot hold in the name of a group, wherever it names it', () => {
  const group = '100% blau';
  const commands = [
    ...groupCommands({ phase: 'creating', resumed: false }, { group, deviceIds: [] }),
    ...fanOutCommands({ phase: 'setting' }, { fanOutRoot: './SCM', group, commands: '<Get/>', correlator: 'c' }),
  ];
  const named = commands.flatMap((command) =>
    'items' in command ? command.items.map(({ target, data }) => `${target?.locUri ?? ''} ${String(data)}`) : [],
  );
  expect(named[0]).toBe('./GwConfig/DeviceGroups/100%25 blau ');
  expect(named.at(-1)).toBe('./SCM/FanOut/TargetGroupRef ./GwConfig/DeviceGroups/100%25 blau');
});

describe('fan-out job', () => {
  const spec = { fanOutRoot: './SCM', group: 'meters', commands: '<Get/>', correlator: 'c-1' };

  it('sets both nodes before it Execs Start with the correlator', () => {
    expect(fanOutCommands({ phase: 'setting' }, spec)).toMatchObject([
      { kind: 'Replace', items: [{ target: { locUri: './SCM/FanOut/ToBeFannedOut' }, data: '<Get/>' }] },
      { kind: 'Replace', items: [{ target: { locUri: './SCM/FanOut/TargetGroupRef' } }] },
    ]);
    const next = advanceFanOut({ phase: 'setting' }, spec, [status('1', 200), status('2', 200)]);
    expect(next).toMatchObject({ kind: 'next', state: { phase: 'starting' } });
    expect(fanOutCommands({ phase: 'starting' }, spec)).toMatchObject([
      { kind: 'Exec', correlator: 'c-1', items: [{ target: { locUri: './SCM/FanOut/Start' } }] },
    ]);
    expect(advanceFanOut({ phase: 'starting' }, spec, [status('1', 202)])).toMatchObject({ kind: 'done' });
  });

  it('fails with the status and the cause that the gateway named', () => {
    const refused = advanceFanOut({ phase: 'setting' }, spec, [status('1', 400, 'CmdID x twice'), status('2', 200)]);
    expect(refused).toEqual({
      kind: 'failed',
      code: 'STATUS_400',
      message: 'ToBeFannedOut was refused with 400: CmdID x twice',
    });
  });

  it('fails when the gateway leaves a Status out, and sends no Exec again', () => {
    const missing = { kind: 'failed', code: 'STATUS_MISSING' };
    expect(advanceFanOut({ phase: 'setting' }, spec, [status('1', 200)])).toMatchObject(missing);
    expect(advanceFanOut({ phase: 'starting' }, spec, [status('9', 202)])).toMatchObject(missing);
  });
});

describe('fetching results', () => {
  const url = './SCR/Results/Results2';
  const counts = { Pending: 0, Succeeded: 1, Failed: 1, TimedOut: 0, Unreachable: 0, Unauthorized: 0, Cancelled: 0 };
  const summary = Object.fromEntries(
    Object.entries({ ...counts, Unknown: 0, Targets: 2, State: 'complete', Generation: 1 }).map(([name, value]) => [
      `${url}/Ext/Summary/${name}`,
      String(value),
    ]),
  );

  it('reads the summary, then every member', () => {
    const first = advanceFetch({ phase: 'summary' }, url, [status('1', 200), results('1', summary)]);
    if (first.kind !== 'next') throw new Error(first.kind);
    expect(fetchCommands(first.state, url)).toMatchObject([
      { items: [{ target: { locUri: `${url}/Results/1?list=StructData` } }, { target: {} }] },
    ]);
    const members = {
      [`${url}/Results/1/DeviceID`]: 'a',
      [`${url}/Results/1/DeResult`]: '<SyncBody/>',
      [`${url}/Results/1/Ext/Outcome`]: 'succeeded',
      [`${url}/Results/2/DeviceID`]: 'b',
      [`${url}/Results/2/Ext/Outcome`]: 'failed',
    };
    const last = advanceFetch(first.state, url, [status('1', 200), results('1', members)]);
    expect(last.kind).toBe('done');
    expect(last.results).toEqual([
      { n: 1, deviceId: 'a', outcome: 'succeeded', deResult: '<SyncBody/>' },
      { n: 2, deviceId: 'b', outcome: 'failed', deResult: undefined },
    ]);
  });

  it('fails when the gateway sends Results without a Status', () => {
    expect(advanceFetch({ phase: 'summary' }, url, [results('1', summary)])).toMatchObject({
      kind: 'failed',
      code: 'STATUS_MISSING',
      results: [],
    });
  });

  it('does not believe counts that do not add up', () => {
    const wrong = { ...summary, [`${url}/Ext/Summary/Targets`]: '3' };
    expect(advanceFetch({ phase: 'summary' }, url, [status('1', 200), results('1', wrong)])).toMatchObject({
      kind: 'failed',
      code: 'RESULTS_INCOMPLETE',
    });
  });
});

describe('alerts', () => {
  it('reads the results URL with and without a leading slash', () => {
    for (const locUri of ['./SCR/Results/Results1', '/SCR/Results/Results1']) {
      const completion = completionOf({
        kind: 'Alert',
        cmdId: '2',
        code: 1226,
        correlator: 'c-1',
        items: [
          {
            source: { locUri },
            meta: { type: 'urn:oma:at:oma-gwmo:completionstatus:1.0', format: 'int', mark: 'warning' },
            data: '250',
          },
        ],
      });
      expect(completion).toMatchObject({ resultsUrl: './SCR/Results/Results1', data: '250', correlator: 'c-1' });
    }
  });

  it('leaves other alerts alone', () => {
    expect(completionOf({ kind: 'Alert', cmdId: '1', code: 1226, items: [{ data: 'x' }] })).toBeUndefined();
    expect(completionOf({ kind: 'Alert', cmdId: '1', code: 1201, items: [] })).toBeUndefined();
  });
});
