import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { GroupSpec } from '../store/server-store.ts';
import { formatLocUri } from '../tree/loc-uri.ts';
import { refusalOf, statusOf } from './answers.ts';
import { addInterior, write } from './commands.ts';
import { type Advance, failure, missingStatus } from './job-step.ts';

/** Members that go out with one Add. */
const MEMBERS_PER_ADD = 100;

/** Where the making of a group stands: the node first, then its members page by page, then its filter. */
export type GroupState =
  /** `resumed`: an earlier session may have created it already. */
  | { readonly phase: 'creating'; readonly resumed: boolean }
  | { readonly phase: 'filling'; readonly done: number }
  | { readonly phase: 'filtering' };

/** What to send in this state. */
export function groupCommands(state: GroupState, spec: GroupSpec): readonly RequestCommand[] {
  const root = groupUri(spec.group);
  switch (state.phase) {
    case 'creating':
      return [addInterior('1', root)];
    case 'filling':
      return [
        write(
          'Add',
          '1',
          memberLeaves(spec)
            .slice(state.done, state.done + MEMBERS_PER_ADD)
            .map(({ leaf, value }, index) => ({ locUri: `${root}/Members/${state.done + index + 1}/${leaf}`, value })),
        ),
      ];
    case 'filtering':
      return [write('Add', '1', [{ locUri: `${root}/Ext/Filter`, value: spec.filter ?? '' }])];
  }
}

/** Takes in the answers to `groupCommands`. What is there already was added before an answer got lost. */
export function advanceGroup(state: GroupState, spec: GroupSpec, answers: readonly Answer[]): Advance<GroupState> {
  const root = groupUri(spec.group);
  if (statusOf(answers, '1') === undefined) return missingStatus(`Add to ${root}`);
  if (state.phase === 'creating') {
    const refusal = refusalOf(answers, '1');
    if (refusal && !(refusal.status === STATUS.alreadyExists && state.resumed)) {
      return failure(`group ${root} was refused`, refusal);
    }
  } else {
    const refusal = refusalOf(
      answers.filter((answer) => answer.kind !== 'Status' || answer.code !== STATUS.alreadyExists),
      '1',
    );
    const what = state.phase === 'filling' ? `members of ${root} were` : `the filter of ${root} was`;
    if (refusal) return failure(`${what} refused`, refusal);
  }
  return nextStep(state, spec);
}

function nextStep(state: GroupState, spec: GroupSpec): Advance<GroupState> {
  const members = spec.deviceIds.length + (spec.groupRefs?.length ?? 0);
  if (state.phase !== 'filtering') {
    const done = state.phase === 'creating' ? 0 : state.done + MEMBERS_PER_ADD;
    if (done < members) return { kind: 'next', state: { phase: 'filling', done }, events: [] };
    if (spec.filter !== undefined) return { kind: 'next', state: { phase: 'filtering' }, events: [] };
  }
  const filtered = spec.filter === undefined ? '' : ' and a filter';
  return {
    kind: 'done',
    events: [{ step: 1, what: `group ${groupUri(spec.group)} created with ${members} members${filtered}` }],
  };
}

function memberLeaves({ deviceIds, groupRefs = [] }: GroupSpec): readonly { leaf: string; value: string }[] {
  return [
    ...deviceIds.map((value) => ({ leaf: 'DeviceID', value })),
    ...groupRefs.map((group) => ({ leaf: 'GroupRef', value: groupUri(group) })),
  ];
}

/** LocURI of a group; what a LocURI cannot hold in a name is escaped. */
export function groupUri(group: string): string {
  return formatLocUri(['GwConfig', 'DeviceGroups', group]);
}
