/** One `Members/<m>` node; without a DeviceID it is not a member yet. */
export interface GroupMember {
  readonly name: string;
  readonly deviceId: string | undefined;
}

/** Device groups of the Gateway Config MO. Writes are durable when their promise resolves. */
export interface GroupStore {
  /** False when it is there already. */
  create(group: string): Promise<boolean>;
  rename(from: string, to: string): Promise<boolean>;
  remove(group: string): Promise<boolean>;
  exists(group: string): Promise<boolean>;
  /** Names greater than `after`, in order. */
  names(after: string, limit: number): Promise<readonly string[]>;
  member(group: string, name: string): Promise<GroupMember | undefined>;
  /** Members after the one named, in the order in which they were added. */
  members(group: string, after: string | undefined, limit: number): Promise<readonly GroupMember[]>;
  memberCount(group: string): Promise<number>;
  /** Adds members; one whose name is there is left as it is. False when there is no such group. */
  addMembers(group: string, members: readonly GroupMember[]): Promise<boolean>;
  setMemberDevice(group: string, name: string, deviceId: string | undefined): Promise<boolean>;
  removeMember(group: string, name: string): Promise<boolean>;
}
