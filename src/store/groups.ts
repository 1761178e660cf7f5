import type { EpochMs } from '../fanout/store.ts';

/** One `Members/<m>` node: a device, or all members of another group. Without both it is no member yet. */
export interface GroupMember {
  readonly name: string;
  readonly deviceId: string | undefined;
  /** Name of a group, which may come later; never beside a DeviceID. */
  readonly groupRef?: string | undefined;
}

/** One device that a group comes down to. */
export interface ResolvedMember {
  /** Its place, from 1. */
  readonly n: number;
  readonly deviceId: string;
  /** Key of the device account; undefined: there is none, or it is decommissioned. */
  readonly deviceKey: number | undefined;
  readonly isDecommissioned: boolean;
  /** As in `NewDevice`. */
  readonly notify: string | undefined;
  readonly maxMsgBytes: number | undefined;
  readonly maxObjBytes: number | undefined;
}

/** A page of what a group comes down to. */
export interface ResolvedPage {
  /** Of all pages. */
  readonly total: number;
  readonly members: readonly ResolvedMember[];
}

/**
 * Device groups of the Gateway Config MO. Writes are durable when their promise resolves. One that would make a group
 * part of itself, directly or over other groups, is refused: `StatusError` 409 GROUP_LOOP, and nothing changes.
 */
export interface GroupStore {
  /** The group with what it has from the start, all or nothing. False when it is there already. */
  create(
    group: string,
    content?: { readonly filter?: string | undefined; readonly members?: readonly GroupMember[] },
  ): Promise<boolean>;
  /** GroupRefs to it follow. False: there is no such group, or one of the new name. */
  rename(from: string, to: string): Promise<boolean>;
  /** GroupRefs to it stay, and stand for nobody until there is a group of that name again. */
  remove(group: string): Promise<boolean>;
  exists(group: string): Promise<boolean>;
  /** Names greater than `after`, in order. */
  names(after: string, limit: number): Promise<readonly string[]>;
  /** Undefined when it has none. */
  filter(group: string): Promise<string | undefined>;
  /** Takes a filter that `parseGroupFilter` reads. */
  setFilter(group: string, filter: string | undefined): Promise<boolean>;
  member(group: string, name: string): Promise<GroupMember | undefined>;
  /** Members after the one named, in the order in which they were added. */
  members(group: string, after: string | undefined, limit: number): Promise<readonly GroupMember[]>;
  /** Members that have a DeviceID or a GroupRef. */
  memberCount(group: string): Promise<number>;
  /** Members of any group that refer to this one. */
  referrers(group: string, limit: number): Promise<readonly { readonly group: string; readonly name: string }[]>;
  /** Adds members; one whose name is there is left as it is. False when there is no such group. */
  addMembers(group: string, members: readonly GroupMember[]): Promise<boolean>;
  /** Makes the member of that name what is given; it keeps its place. */
  setMember(group: string, member: GroupMember): Promise<boolean>;
  removeMember(group: string, name: string): Promise<boolean>;
  /** How many devices it comes down to: a run started at `now` would have as many members. */
  resolvedCount(group: string, now: EpochMs): Promise<number>;
  /**
   * The devices with `n > after`, in the order of a run's members. A page after 0 sees the group as it is; the ones
   * that follow go on in what that one saw, unless another group was asked for in between.
   */
  resolvedMembers(group: string, after: number, limit: number, now: EpochMs): Promise<ResolvedPage>;
}
