import type { GroupMember, GroupStore } from '../groups.ts';
import type { Database } from './database.ts';

interface MemberRow {
  readonly name: string;
  readonly deviceId: string | null;
}

/** Device groups, in SQLite. */
export function createGroupStore(database: Database): GroupStore {
  const idOf = database.query<{ id: number }>(`SELECT id FROM device_group WHERE name = ?`);
  const create = database.command(`INSERT INTO device_group (name) VALUES (?) ON CONFLICT DO NOTHING`);
  const rename = database.command(`UPDATE OR IGNORE device_group SET name = ?2 WHERE name = ?1`);
  const remove = database.command(`DELETE FROM device_group WHERE name = ?`);
  const names = database.query<{ name: string }>(`SELECT name FROM device_group WHERE name > ? ORDER BY name LIMIT ?`);
  const member = database.query<MemberRow>(
    `SELECT name, device_id AS deviceId FROM group_member WHERE group_id = ? AND name = ?`,
  );
  const members = database.query<MemberRow>(
    `SELECT name, device_id AS deviceId FROM group_member
     WHERE group_id = ?1
       AND seq > CASE WHEN ?2 IS NULL THEN 0
         ELSE (SELECT seq FROM group_member WHERE group_id = ?1 AND name = ?2) END
     ORDER BY seq LIMIT ?3`,
  );
  const count = database.query<{ members: number }>(
    `SELECT count(device_id) AS members FROM group_member WHERE group_id = ?`,
  );
  const addMember = database.command(
    `INSERT INTO group_member (group_id, name, device_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const setDevice = database.command(`UPDATE group_member SET device_id = ? WHERE group_id = ? AND name = ?`);
  const removeMember = database.command(`DELETE FROM group_member WHERE group_id = ? AND name = ?`);

  /** Does something with the group's id; `otherwise` when there is no such group. */
  function withGroup<Result>(group: string, otherwise: Result, use: (id: number) => Result): Result {
    const row = idOf.first(group);
    return row ? use(row.id) : otherwise;
  }

  return {
    create: (group) => database.write(() => create(group) > 0),
    rename: (from, to) => database.write(() => rename(from, to) > 0),
    remove: (group) => database.write(() => remove(group) > 0),
    exists: (group) => database.read(() => idOf.first(group) !== undefined),
    names: (after, limit) => database.read(() => names.all(after, limit).map(({ name }) => name)),
    member: (group, name) =>
      database.read(() =>
        withGroup(group, undefined, (id) => {
          const row = member.first(id, name);
          return row && memberOf(row);
        }),
      ),
    members: (group, after, limit) =>
      database.read(() => withGroup(group, [], (id) => members.all(id, after ?? null, limit).map(memberOf))),
    memberCount: (group) => database.read(() => withGroup(group, 0, (id) => count.first(id)?.members ?? 0)),
    addMembers: (group, added) =>
      database.write(() =>
        withGroup(group, false, (id) => {
          for (const { name, deviceId } of added) addMember(id, name, deviceId ?? null);
          return true;
        }),
      ),
    setMemberDevice: (group, name, deviceId) =>
      database.write(() => withGroup(group, false, (id) => setDevice(deviceId ?? null, id, name) > 0)),
    removeMember: (group, name) => database.write(() => withGroup(group, false, (id) => removeMember(id, name) > 0)),
  };
}

function memberOf({ name, deviceId }: MemberRow): GroupMember {
  return { name, deviceId: deviceId ?? undefined };
}
