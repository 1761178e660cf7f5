import { describe, expect, it } from 'vitest';
import { results, status } from '../../test/server/answers.ts';
import type { SteeringAction, SteerSpec } from '../store/server-store.ts';
import { runOfUrl } from './run-url.ts';
import { advanceSteer, steerCommands } from './steer-steps.ts';

const RUN = './SCM/FanOut/Ext/Runs/7';
const spec = (action: SteeringAction): SteerSpec => ({ kind: 'steer', fanOutRoot: './SCM', action, job: 3, run: 7 });

describe('steering of a run', () => {
  it.each([
    ['pause', 'Pause'],
    ['resume', 'Resume'],
    ['cancel', 'Cancel'],
  ] as const)('server: to %s it Execs %s and asks what the run is then', (action, node) => {
    expect(steerCommands(spec(action))).toEqual([
      { kind: 'Exec', cmdId: '1', correlator: undefined, items: [{ target: { locUri: `${RUN}/${node}` } }] },
      { kind: 'Get', cmdId: '2', items: [{ target: { locUri: `${RUN}/State` } }] },
    ]);
  });

  it('server: tells what the run is then', () => {
    const answers = [status('1', 200), status('2', 200), results('2', { [`${RUN}/State`]: 'paused' })];
    expect(advanceSteer(spec('pause'), answers)).toEqual({
      kind: 'done',
      events: [{ what: `Exec ${RUN}/Pause answered 200, the run is paused` }],
      runState: 'paused',
    });
    expect(advanceSteer(spec('pause'), [status('1', 200)])).toMatchObject({ kind: 'done', runState: undefined });
  });

  it('server: fails with the cause that the gateway names, and knows the state all the same', () => {
    const answers = [status('1', 405, 'run 7 is complete'), results('2', { [`${RUN}/State`]: 'complete' })];
    expect(advanceSteer(spec('cancel'), answers)).toEqual({
      kind: 'failed',
      code: 'STATUS_405',
      message: `Exec ${RUN}/Cancel was refused with 405: run 7 is complete`,
      runState: 'complete',
    });
    expect(advanceSteer(spec('cancel'), [status('2', 200)])).toMatchObject({ code: 'STATUS_MISSING' });
  });

  it('server: takes a refusal for none when an earlier Exec, whose answer was lost, has done what was asked', () => {
    const answers = [status('1', 405), results('2', { [`${RUN}/State`]: 'cancelled' })];
    expect(advanceSteer(spec('cancel'), answers)).toMatchObject({ kind: 'done', runState: 'cancelled' });
    expect(advanceSteer(spec('resume'), answers)).toMatchObject({ kind: 'failed' });
  });

  it('server: reads the number of a run from its results URL', () => {
    expect(runOfUrl('./SCR/Results/Results12')).toBe(12);
    for (const other of ['./SCR/Results/Results0', './SCR/Results/R12', './SCR/Results12/x', '']) {
      expect(runOfUrl(other)).toBeUndefined();
    }
  });
});
