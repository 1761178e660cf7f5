import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { FanOutTarget } from '../store/server-store.ts';
import { refusalOf, resultItems, statusOf, valuesBelow } from './answers.ts';
import { get } from './commands.ts';
import { advanceSetting, fanOutUri, settingCommands, type SettingState } from './fan-out-steps.ts';
import { type Advance, failure, missingStatus } from './job-step.ts';

/** Where a plan stands: what a start would read is set first, then the gateway is asked what would come of it. */
export type PlanState = SettingState | { readonly phase: 'asking' };

/** `plan`: the values below `Ext/Plan` as JSON, by name. */
type PlanAdvance = Advance<PlanState> & { readonly plan?: string };

/** What to send in this state. */
export function planCommands(state: PlanState, spec: FanOutTarget): readonly RequestCommand[] {
  return state.phase === 'asking' ? [get('1', [`${planUri(spec)}?list=StructData`])] : settingCommands(state, spec);
}

/** Takes in the answers to `planCommands`; nothing is started. */
export function advancePlan(state: PlanState, spec: FanOutTarget, answers: readonly Answer[]): PlanAdvance {
  if (state.phase !== 'asking') {
    const advance = advanceSetting(state, spec, answers);
    if (advance.kind !== 'done') return advance;
    return { kind: 'next', state: { phase: 'asking' }, events: advance.events };
  }
  const uri = planUri(spec);
  if (statusOf(answers, '1') === undefined) return missingStatus(`Get of ${uri}`);
  const refusal = refusalOf(answers, '1');
  if (refusal) return failure(`Get of ${uri} was refused`, refusal);
  const values = valuesBelow(resultItems(answers, '1'), uri);
  const refused = values.get('Refusal');
  if (refused !== undefined && refused !== '') {
    const code = /^\d{3}/.exec(refused)?.[0] ?? 'NONE';
    return { kind: 'failed', code: `STATUS_${code}`, message: `a start would be refused with ${refused}` };
  }
  return {
    kind: 'done',
    events: [{ what: `plan read from ${uri}` }],
    plan: JSON.stringify(Object.fromEntries(values)),
  };
}

function planUri(spec: FanOutTarget): string {
  return `${fanOutUri(spec)}/Ext/Plan`;
}
