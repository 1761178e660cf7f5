import { describe, expect, it } from 'vitest';
import { results, status } from '../../test/server/answers.ts';
import type { FanOutSpec } from '../store/server-store.ts';
import { advanceFanOut, fanOutCommands, type FanOutState, firstFanOutState } from './fan-out-steps.ts';

const SPEC: FanOutSpec = {
  kind: 'fanout',
  fanOutRoot: './SCM',
  group: 'meters',
  commands: '<Get/>',
  correlator: 'c-1',
};
const WITH_POLICY: FanOutSpec = { ...SPEC, policy: { Attempts: '2', LateAlert: 'true', Waves: '10,50%' } };
const POLICY = './SCM/FanOut/Ext/Policy';
const SETTING: FanOutState = { phase: 'setting' };

/** Answers to the first exchange; `names` are the policy nodes that are there, a number the refusal of the Get. */
function setAnswers(names: string | number) {
  const set = [status('1', 200), status('2', 200)];
  return typeof names === 'number'
    ? [...set, status('3', names)]
    : [...set, status('3', 200), results('3', { [POLICY]: names })];
}

describe('start of a fan-out', () => {
  it('server: sets both nodes and asks for the policy before it Execs Start with the Correlator', () => {
    expect(fanOutCommands(SETTING, SPEC)).toMatchObject([
      { kind: 'Replace', items: [{ target: { locUri: './SCM/FanOut/ToBeFannedOut' }, data: '<Get/>' }] },
      { kind: 'Replace', items: [{ target: { locUri: './SCM/FanOut/TargetGroupRef' } }] },
      { kind: 'Get', items: [{ target: { locUri: POLICY } }] },
    ]);
    const next = advanceFanOut(SETTING, SPEC, setAnswers(''));
    expect(next).toMatchObject({ kind: 'next', state: { phase: 'starting' }, events: [{ step: 2 }] });
    expect(fanOutCommands({ phase: 'starting' }, SPEC)).toEqual([
      { kind: 'Exec', cmdId: '1', correlator: 'c-1', items: [{ target: { locUri: './SCM/FanOut/Start' } }] },
    ]);
  });

  it.each([
    ['./SCR/Results/Results7', './SCR/Results/Results7'],
    ['/SCR/Results/Results7', './SCR/Results/Results7'],
    ['run started', undefined],
    [undefined, undefined],
  ])('server: takes %s in the Status of Start for the results URL %s', (text, resultsUrl) => {
    const done = advanceFanOut({ phase: 'starting' }, SPEC, [status('1', 202, text)]);
    expect(done).toMatchObject({ kind: 'done', events: [{ step: 3 }] });
    expect(done.resultsUrl).toBe(resultsUrl);
  });

  it('server: deletes the policy that an earlier order left, and replaces what was ordered, each in its Format', () => {
    const next = advanceFanOut(SETTING, WITH_POLICY, setAnswers('Attempts/Quorum/NotAfter'));
    if (next.kind !== 'next') throw new Error(next.kind);
    expect(next.state).toEqual({ phase: 'policy', stale: ['Quorum', 'NotAfter'] });
    expect(fanOutCommands(next.state, WITH_POLICY)).toMatchObject([
      {
        kind: 'Delete',
        items: [{ target: { locUri: `${POLICY}/Quorum` } }, { target: { locUri: `${POLICY}/NotAfter` } }],
      },
      {
        kind: 'Replace',
        items: [
          { target: { locUri: `${POLICY}/Attempts` }, meta: { format: 'int' }, data: '2' },
          { target: { locUri: `${POLICY}/Waves` }, meta: { format: 'chr' }, data: '10,50%' },
          { target: { locUri: `${POLICY}/LateAlert` }, meta: { format: 'bool' }, data: 'true' },
        ],
      },
    ]);
    // A node that is gone already needs no Delete.
    const answers = [status('1', 404), status('1', 200), status('2', 200)];
    expect(advanceFanOut(next.state, WITH_POLICY, answers)).toMatchObject({
      kind: 'next',
      state: { phase: 'starting' },
    });
  });

  it('server: deletes what is stale without ordering anything in its place', () => {
    const next = advanceFanOut(SETTING, SPEC, setAnswers('Quorum'));
    if (next.kind !== 'next') throw new Error(next.kind);
    expect(fanOutCommands(next.state, SPEC).map(({ kind }) => kind)).toEqual(['Delete']);
    expect(advanceFanOut(next.state, SPEC, [status('1', 200)])).toMatchObject({ state: { phase: 'starting' } });
  });

  it.each([404, 405, 406])('server: starts at a gateway that has no policy nodes and says so with %i', (code) => {
    expect(advanceFanOut(SETTING, SPEC, setAnswers(code))).toMatchObject({ state: { phase: 'starting' } });
    expect(advanceFanOut(SETTING, WITH_POLICY, setAnswers(code))).toEqual({
      kind: 'failed',
      code: `STATUS_${code}`,
      message: 'the gateway takes no policy',
    });
  });

  it('server: starts nothing when it cannot know what policy an earlier order left', () => {
    expect(advanceFanOut(SETTING, SPEC, setAnswers(425))).toMatchObject({ kind: 'failed', code: 'STATUS_425' });
    const state: FanOutState = { phase: 'policy', stale: ['Quorum'] };
    expect(advanceFanOut(state, SPEC, [status('1', 425)])).toMatchObject({ kind: 'failed', code: 'STATUS_425' });
  });

  it('server: fails with the status and the cause that the gateway named', () => {
    const refused = advanceFanOut(SETTING, SPEC, [
      status('1', 400, 'CmdID x twice'),
      status('2', 200),
      status('3', 200),
    ]);
    expect(refused).toEqual({
      kind: 'failed',
      code: 'STATUS_400',
      message: 'ToBeFannedOut was refused with 400: CmdID x twice',
    });
    const state: FanOutState = { phase: 'policy', stale: [] };
    const policy = advanceFanOut(state, WITH_POLICY, [status('2', 400, 'Attempts is 0; allowed is 1 to 100')]);
    expect(policy).toMatchObject({
      code: 'STATUS_400',
      message: 'the policy was refused with 400: Attempts is 0; allowed is 1 to 100',
    });
  });

  it.each<[FanOutState, readonly string[]]>([
    [SETTING, ['1', '2']],
    [SETTING, ['1', '3']],
    [{ phase: 'policy', stale: ['Quorum'] }, ['2']],
    [{ phase: 'policy', stale: ['Quorum'] }, ['1']],
    [{ phase: 'starting' }, ['9']],
  ])('server: fails in %o when only the commands %o have a Status, and sends no Exec again', (state, answered) => {
    const answers = answered.map((cmdId) => status(cmdId, 200));
    expect(advanceFanOut(state, WITH_POLICY, answers)).toMatchObject({ kind: 'failed', code: 'STATUS_MISSING' });
  });

  it('server: retries members of a run with one Exec that names their outcomes', () => {
    const spec: FanOutSpec = { ...SPEC, retryOf: { job: 4, run: 12, outcomes: ['failed', 'timed-out'] } };
    const first = firstFanOutState(spec);
    expect(fanOutCommands(first, spec)).toMatchObject([{ kind: 'Get', items: [{ target: { locUri: POLICY } }] }]);
    const asked = advanceFanOut(first, spec, [status('1', 200), results('1', { [POLICY]: '' })]);
    const state: FanOutState = { phase: 'starting' };
    expect(asked).toEqual({ kind: 'next', state, events: [] });
    expect(fanOutCommands(state, spec)).toMatchObject([
      {
        kind: 'Exec',
        correlator: 'c-1',
        items: [{ target: { locUri: './SCM/FanOut/Ext/Runs/12/Retry' }, data: 'failed,timed-out' }],
      },
    ]);
    const done = advanceFanOut(state, spec, [status('1', 202, './SCR/Results/Results13')]);
    expect(done).toMatchObject({ kind: 'done', resultsUrl: './SCR/Results/Results13' });
    expect(advanceFanOut(state, spec, [status('1', 405, 'run 12 is running')])).toMatchObject({
      message: 'Exec ./SCM/FanOut/Ext/Runs/12/Retry was refused with 405: run 12 is running',
    });
  });

  it('server: leaves of the policy what was ordered for a retry, and nothing of an earlier order', () => {
    const spec: FanOutSpec = { ...WITH_POLICY, retryOf: { job: 4, run: 12, outcomes: ['failed'] } };
    const names = [status('1', 200), results('1', { [POLICY]: 'Attempts/Quorum' })];
    const asked = advanceFanOut(firstFanOutState(spec), spec, names);
    const state: FanOutState = { phase: 'policy', stale: ['Quorum'] };
    expect(asked).toEqual({ kind: 'next', state, events: [] });
    expect(fanOutCommands(state, spec)).toMatchObject([
      { kind: 'Delete', items: [{ target: { locUri: `${POLICY}/Quorum` } }] },
      { kind: 'Replace', items: [{ target: { locUri: `${POLICY}/Attempts` }, data: '2' }, {}, {}] },
    ]);
    const set = advanceFanOut(state, spec, [status('1', 200), status('2', 200)]);
    expect(set).toEqual({ kind: 'next', state: { phase: 'starting' }, events: [] });
    expect(advanceFanOut(firstFanOutState(spec), spec, [status('1', 404)])).toMatchObject({
      message: 'the gateway takes no policy',
    });
  });
});
