import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { refusalOf, statusOf } from './answers.ts';
import { exec, write } from './commands.ts';
import { groupUri } from './group-steps.ts';
import { type Advance, failure, missingStatus } from './job-step.ts';

/** Where the start of a fan-out stands. */
export type FanOutState = { readonly phase: 'setting' } | { readonly phase: 'starting' };

interface FanOutSpec {
  /** Root of the Fan-Out MO. */
  readonly fanOutRoot: string;
  readonly group: string;
  readonly commands: string;
  /** Comes back in the alert; an Exec that is sent again after a lost answer carries the same. */
  readonly correlator: string;
}

/** What to send in this state. [FANOUT 2] */
export function fanOutCommands(state: FanOutState, spec: FanOutSpec): readonly RequestCommand[] {
  const fanOut = `${spec.fanOutRoot}/FanOut`;
  if (state.phase === 'starting') return [exec('1', `${fanOut}/Start`, spec.correlator)];
  return [
    {
      ...write('Replace', '1', [{ locUri: `${fanOut}/ToBeFannedOut`, value: spec.commands }]),
      meta: { format: 'xml', type: 'text/xml' },
    },
    write('Replace', '2', [{ locUri: `${fanOut}/TargetGroupRef`, value: groupRef(spec.group) }]),
  ];
}

/** Takes in the answers to `fanOutCommands`; `done` means the gateway has taken the run on. */
export function advanceFanOut(state: FanOutState, spec: FanOutSpec, answers: readonly Answer[]): Advance<FanOutState> {
  const fanOut = `${spec.fanOutRoot}/FanOut`;
  if (state.phase === 'starting') {
    const status = statusOf(answers, '1');
    if (status === undefined) return missingStatus(`Exec ${fanOut}/Start`);
    const refusal = refusalOf(answers, '1');
    if (refusal) return failure(`Exec ${fanOut}/Start was refused`, refusal);
    return { kind: 'done', events: [{ step: 3, what: `Exec ${fanOut}/Start answered ${status}` }] };
  }
  if (statusOf(answers, '1') === undefined) return missingStatus(`Replace of ${fanOut}/ToBeFannedOut`);
  if (statusOf(answers, '2') === undefined) return missingStatus(`Replace of ${fanOut}/TargetGroupRef`);
  const commands = refusalOf(answers, '1');
  if (commands) return failure(`ToBeFannedOut was refused`, commands);
  const target = refusalOf(answers, '2');
  if (target) return failure(`TargetGroupRef was refused`, target);
  return {
    kind: 'next',
    state: { phase: 'starting' },
    events: [{ step: 2, what: `${fanOut}/ToBeFannedOut and ${fanOut}/TargetGroupRef set` }],
  };
}

function groupRef(group: string): string {
  return group.includes('/') ? group : groupUri(group);
}
