import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { GroupMember, GroupStore } from '../../store/groups.ts';
import type { Undo } from '../../tree/management-object.ts';

const PAGE = 500;
/** Largest group, and most references to one, that are kept: what may be written as a whole inside an Atomic. */
const MAX_KEPT_MEMBERS = 20_000;

/**
 * Keeps a group with its filter and its members, in their order, and the GroupRefs to it, which a rename changes;
 * undone, it is made anew, or removed where there was none.
 */
export async function keptGroup(groups: GroupStore, group: string): Promise<Undo> {
  if (!(await groups.exists(group))) {
    return async () => {
      await groups.remove(group);
    };
  }
  const filter = await groups.filter(group);
  const members = await allMembers(groups, group);
  const referrers = await groups.referrers(group, MAX_KEPT_MEMBERS + 1);
  if (members.length > MAX_KEPT_MEMBERS) throw tooLarge(`group ${group} has more than ${MAX_KEPT_MEMBERS} members`);
  if (referrers.length > MAX_KEPT_MEMBERS) throw tooLarge(`more than ${MAX_KEPT_MEMBERS} members refer to ${group}`);
  return async () => {
    await groups.remove(group);
    await groups.create(group, { filter, members });
    await Promise.all(
      referrers.map((member) =>
        groups.setMember(member.group, { name: member.name, deviceId: undefined, groupRef: group }),
      ),
    );
  };
}

/** Keeps one member. Choice: one that was deleted comes back as the last of its group. */
export async function keptMember(groups: GroupStore, group: string, name: string): Promise<Undo> {
  const member = await groups.member(group, name);
  return async () => {
    if (!member) await groups.removeMember(group, name);
    else if (!(await groups.setMember(group, member))) await groups.addMembers(group, [member]);
  };
}

/** Keeps the filter of a group, or that it has none. */
export async function keptFilter(groups: GroupStore, group: string): Promise<Undo> {
  const filter = await groups.filter(group);
  return async () => {
    await groups.setFilter(group, filter);
  };
}

/** The first of them, when there are more than can be kept. */
async function allMembers(groups: GroupStore, group: string): Promise<readonly GroupMember[]> {
  const members: GroupMember[] = [];
  while (members.length <= MAX_KEPT_MEMBERS) {
    const page = await groups.members(group, members.at(-1)?.name, PAGE);
    members.push(...page);
    if (page.length < PAGE) break;
  }
  return members;
}

function tooLarge(what: string): StatusError {
  return new StatusError(
    STATUS.deviceFull,
    'GATEWAY_GROUP_SIZE',
    `${what}, so what changes it as a whole cannot be taken back`,
  );
}
