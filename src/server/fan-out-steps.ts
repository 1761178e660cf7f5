import { POLICY_ROWS, type PolicyRow } from '../fanout/policy-table.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, ItemCommand, RequestCommand } from '../protocol/message/message.ts';
import type { FanOutSpec, FanOutTarget, PolicyTexts } from '../store/server-store.ts';
import { childNames, refusalOf, resultItems, statusOf, textOf, withoutStatus } from './answers.ts';
import { exec, get, remove, replaceAll, write } from './commands.ts';
import { groupUri } from './group-steps.ts';
import { type Advance, type Failure, failure, missingStatus } from './job-step.ts';
import { resultsUrlOf, runNodeUri } from './run-url.ts';

/** Where the setting of what a start reads stands: commands and group first, then the policy where it has to change. */
export type SettingState =
  | { readonly phase: 'setting' }
  /** `stale`: policy nodes that an earlier order left. */
  | { readonly phase: 'policy'; readonly stale: readonly string[] };

/** Where the start of a fan-out stands; a retry has no more to set than the policy, and asks for that first. */
export type FanOutState = SettingState | { readonly phase: 'asking' } | { readonly phase: 'starting' };

/** What came of a step of a start; the URL of the results comes with the answer to the Exec, where the gateway tells it. */
export type FanOutAdvance = Advance<FanOutState> & { readonly resultsUrl?: string | undefined };

/** Refusals of a Get of `Ext/Policy` that say that the gateway has no such node. */
const NO_POLICY_NODES: readonly number[] = [STATUS.notFound, STATUS.commandNotAllowed, STATUS.featureNotSupported];

/** Where to begin: what a retry sends is at the gateway already. */
export function firstFanOutState({ retryOf }: FanOutSpec): FanOutState {
  return { phase: retryOf ? 'asking' : 'setting' };
}

/** What to send in this state. [FANOUT 2] */
export function fanOutCommands(state: FanOutState, spec: FanOutSpec): readonly RequestCommand[] {
  if (state.phase === 'asking') return [get('1', [policyRoot(spec)])];
  if (state.phase !== 'starting') return settingCommands(state, spec);
  const outcomes = spec.retryOf?.outcomes.join(',');
  return [exec('1', startUri(spec), { correlator: spec.correlator, data: outcomes })];
}

/** Takes in the answers to `fanOutCommands`; `done` means the gateway has taken the run on. */
export function advanceFanOut(state: FanOutState, spec: FanOutSpec, answers: readonly Answer[]): FanOutAdvance {
  if (state.phase !== 'starting') {
    const advance = state.phase === 'asking' ? advanceAsking(spec, '1', answers) : advanceSetting(state, spec, answers);
    if (advance.kind !== 'done') return advance;
    return { kind: 'next', state: { phase: 'starting' }, events: spec.retryOf ? [] : advance.events };
  }
  const uri = startUri(spec);
  const status = statusOf(answers, '1');
  if (status === undefined) return missingStatus(`Exec ${uri}`);
  const refusal = refusalOf(answers, '1');
  if (refusal) return failure(`Exec ${uri} was refused`, refusal);
  return {
    kind: 'done',
    events: [{ step: 3, what: `Exec ${uri} answered ${status}` }],
    resultsUrl: resultsUrlOf(answers, '1'),
  };
}

/** What to send so that a start, or a plan, reads what was ordered. */
export function settingCommands(state: SettingState, spec: FanOutTarget): readonly RequestCommand[] {
  const fanOut = fanOutUri(spec);
  if (state.phase === 'policy') {
    const policy = policyLeaves(spec.policy);
    return [
      ...(state.stale.length > 0
        ? [
            remove(
              '1',
              state.stale.map((name) => policyUri(spec, name)),
            ),
          ]
        : []),
      ...(policy.length > 0 ? [replacePolicy('2', spec, policy)] : []),
    ];
  }
  return [
    {
      ...write('Replace', '1', [{ locUri: `${fanOut}/ToBeFannedOut`, value: spec.commands }]),
      meta: { format: 'xml', type: 'text/xml' },
    },
    write('Replace', '2', [{ locUri: `${fanOut}/TargetGroupRef`, value: groupRef(spec.group) }]),
    get('3', [policyRoot(spec)]),
  ];
}

/** Takes in the answers to `settingCommands`; `done`: a start would now read what was ordered and nothing else. */
export function advanceSetting(
  state: SettingState,
  spec: FanOutTarget,
  answers: readonly Answer[],
): Advance<SettingState> {
  const fanOut = fanOutUri(spec);
  const events = [{ step: 2, what: `${fanOut}/ToBeFannedOut and ${fanOut}/TargetGroupRef set` }];
  if (state.phase === 'policy') return policyRefusal(state.stale, spec, answers) ?? { kind: 'done', events };
  const refused =
    refusalIn(answers, '1', 'ToBeFannedOut', `Replace of ${fanOut}/ToBeFannedOut`) ??
    refusalIn(answers, '2', 'TargetGroupRef', `Replace of ${fanOut}/TargetGroupRef`);
  if (refused) return refused;
  const asked = advanceAsking(spec, '3', answers);
  return asked.kind === 'done' ? { kind: 'done', events } : asked;
}

/** Takes in the answer to the Get of `Ext/Policy`; `done`: there is nothing to change. */
function advanceAsking(spec: FanOutTarget, cmdId: string, answers: readonly Answer[]): Advance<SettingState> {
  const policy = policyRoot(spec);
  if (statusOf(answers, cmdId) === undefined) return missingStatus(`Get of ${policy}`);
  const ordered = policyLeaves(spec.policy).map(({ node }) => node);
  const refusal = refusalOf(answers, cmdId);
  if (refusal && ordered.length > 0) {
    return { kind: 'failed', code: `STATUS_${refusal.status}`, message: 'the gateway takes no policy' };
  }
  if (refusal && !NO_POLICY_NODES.includes(refusal.status)) {
    return failure(`Get of ${policy} was refused`, refusal);
  }
  const names = refusal ? [] : childNames(textOf(resultItems(answers, cmdId)[0]?.data));
  const stale = names.filter((name) => !ordered.some((node) => node === name));
  if (stale.length === 0 && ordered.length === 0) return { kind: 'done', events: [] };
  return { kind: 'next', state: { phase: 'policy', stale }, events: [] };
}

/** Root of the workflow's nodes in the Fan-Out MO. */
export function fanOutUri({ fanOutRoot }: Pick<FanOutTarget, 'fanOutRoot'>): string {
  return `${fanOutRoot}/FanOut`;
}

/** What a stale node is deleted for is done when it is not there. */
function policyRefusal(stale: readonly string[], spec: FanOutTarget, answers: readonly Answer[]): Failure | undefined {
  const deleted = withoutStatus(answers, STATUS.notFound);
  const policy = policyRoot(spec);
  if (stale.length > 0 && statusOf(answers, '1') === undefined) return missingStatus(`Delete below ${policy}`);
  const refusal = refusalOf(deleted, '1');
  if (refusal) return failure(`Delete of ${stale.join(', ')} below ${policy} was refused`, refusal);
  if (policyLeaves(spec.policy).length === 0) return undefined;
  return refusalIn(answers, '2', 'the policy', `Replace below ${policy}`);
}

function refusalIn(answers: readonly Answer[], cmdId: string, name: string, what: string): Failure | undefined {
  if (statusOf(answers, cmdId) === undefined) return missingStatus(what);
  const refusal = refusalOf(answers, cmdId);
  return refusal && failure(`${name} was refused`, refusal);
}

function startUri(spec: FanOutSpec): string {
  return spec.retryOf ? runNodeUri(spec.fanOutRoot, spec.retryOf.run, 'Retry') : `${fanOutUri(spec)}/Start`;
}

function policyLeaves(policy: PolicyTexts = {}): readonly { readonly node: PolicyRow['node']; value: string }[] {
  return POLICY_ROWS.flatMap(({ node }) => {
    const value = policy[node];
    return value === undefined ? [] : [{ node, value }];
  });
}

function replacePolicy(
  cmdId: string,
  spec: FanOutTarget,
  leaves: readonly { readonly node: string; readonly value: string }[],
): ItemCommand {
  return replaceAll(
    cmdId,
    leaves.map(({ node, value }) => ({ locUri: policyUri(spec, node), value, format: formatOf(node) })),
  );
}

function formatOf(node: string): string {
  const kind = POLICY_ROWS.find((row) => row.node === node)?.kind;
  return kind === 'int' || kind === 'bool' ? kind : 'chr';
}

function policyRoot(spec: FanOutTarget): string {
  return `${fanOutUri(spec)}/Ext/Policy`;
}

function policyUri(spec: FanOutTarget, name: string): string {
  return `${policyRoot(spec)}/${name}`;
}

function groupRef(group: string): string {
  return group.includes('/') ? group : groupUri(group);
}
