import { STATUS } from '../protocol/message/codes.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { formatLocUri } from '../tree/loc-uri.ts';
import { refusalOf, statusOf } from './answers.ts';
import { addInterior, write } from './commands.ts';
import { type Advance, failure, missingStatus } from './job-step.ts';

/** Members that go out with one Add. */
const MEMBERS_PER_ADD = 100;

/** Where the making of a group stands: the node first, then its members page by page. */
export type GroupState =
  /** `resumed`: an earlier session may have created it already. */
  { readonly phase: 'creating'; readonly resumed: boolean } | { readonly phase: 'filling'; readonly done: number };

interface GroupSpec {
  readonly group: string;
  readonly deviceIds: readonly string[];
}

/** What to send in this state. */
export function groupCommands(state: GroupState, spec: GroupSpec): readonly RequestCommand[] {
  const root = groupUri(spec.group);
  if (state.phase === 'creating') return [addInterior('1', root)];
  const page = spec.deviceIds.slice(state.done, state.done + MEMBERS_PER_ADD);
  return [
    write(
      'Add',
      '1',
      page.map((deviceId, index) => ({
        locUri: `${root}/Members/${state.done + index + 1}/DeviceID`,
        value: deviceId,
      })),
    ),
  ];
}

/** Takes in the answers to `groupCommands`. A member that is there already was added before an answer got lost. */
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
    if (refusal) return failure(`members of ${root} were refused`, refusal);
  }
  const done = state.phase === 'creating' ? 0 : Math.min(state.done + MEMBERS_PER_ADD, spec.deviceIds.length);
  if (done < spec.deviceIds.length) return { kind: 'next', state: { phase: 'filling', done }, events: [] };
  return {
    kind: 'done',
    events: [{ step: 1, what: `group ${root} created with ${spec.deviceIds.length} members` }],
  };
}

/** LocURI of a group; what a LocURI cannot hold in a name is escaped. */
export function groupUri(group: string): string {
  return formatLocUri(['GwConfig', 'DeviceGroups', group]);
}
