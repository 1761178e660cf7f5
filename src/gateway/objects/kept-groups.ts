import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { GroupMember, GroupStore } from '../../store/groups.ts';
import type { Undo } from '../../tree/management-object.ts';

const PAGE = 500;
/** Largest group that is kept, and so may be written as a whole inside something that is all or nothing. */
const MAX_KEPT_MEMBERS = 20_000;

/** Keeps a group with its members, in their order; undone, it is made anew, or removed where there was none. */
export async function keptGroup(groups: GroupStore, group: string): Promise<Undo> {
  if (!(await groups.exists(group))) {
    return async () => {
      await groups.remove(group);
    };
  }
  const pages: (readonly GroupMember[])[] = [];
  for (let last: string | undefined; ;) {
    const page = await groups.members(group, last, PAGE);
    pages.push(page);
    if (pages.length * PAGE > MAX_KEPT_MEMBERS) {
      throw new StatusError(
        STATUS.deviceFull,
        'GATEWAY_GROUP_SIZE',
        `group ${group} has more than ${MAX_KEPT_MEMBERS} members, so what changes it as a whole cannot be taken back`,
      );
    }
    last = page.at(-1)?.name;
    if (page.length < PAGE) break;
  }
  return async () => {
    await groups.remove(group);
    await groups.create(group);
    for (const page of pages) await groups.addMembers(group, page);
  };
}

/** Keeps one member. Choice: one that was deleted comes back as the last of its group. */
export async function keptMember(groups: GroupStore, group: string, name: string): Promise<Undo> {
  const member = await groups.member(group, name);
  return async () => {
    if (!member) await groups.removeMember(group, name);
    else if (!(await groups.setMemberDevice(group, name, member.deviceId))) await groups.addMembers(group, [member]);
  };
}
