import type { EpochMs } from '../../fanout/store.ts';
import type { GroupMember, GroupStore, ResolvedMember, ResolvedPage } from '../groups.ts';
import type { Database } from './database.ts';
import { loopCheck } from './group-loops.ts';
import { groupSnapshot } from './group-snapshot.ts';

interface MemberRow {
  readonly name: string;
  readonly deviceId: string | null;
  readonly groupRef: string | null;
}

interface ResolvedRow {
  readonly n: number;
  readonly device_id: string;
  readonly key: number | null;
  readonly notify: string | null;
  readonly max_msg_bytes: number | null;
  readonly max_obj_bytes: number | null;
  readonly decommissioned_at: number | null;
}

const MEMBER = 'name, device_id AS deviceId, group_ref AS groupRef';

/** Device groups, in SQLite. */
export function createGroupStore(database: Database): GroupStore {
  const withGroup = groupById(database);
  const checkLoop = loopCheck(database);
  const create = database.command(`INSERT INTO device_group (name, filter) VALUES (?, ?) ON CONFLICT DO NOTHING`);
  const rename = database.command(`UPDATE OR IGNORE device_group SET name = ?2 WHERE name = ?1`);
  const renameRefs = database.command(
    `UPDATE group_member INDEXED BY group_member_referred SET group_ref = ?2 WHERE group_ref = ?1`,
  );
  const remove = database.command(`DELETE FROM device_group WHERE name = ?`);
  const names = database.query<{ name: string }>(`SELECT name FROM device_group WHERE name > ? ORDER BY name LIMIT ?`);
  const filterOf = database.query<{ filter: string | null }>(`SELECT filter FROM device_group WHERE name = ?`);
  const setFilter = database.command(`UPDATE device_group SET filter = ? WHERE name = ?`);
  const member = database.query<MemberRow>(`SELECT ${MEMBER} FROM group_member WHERE group_id = ? AND name = ?`);
  const members = database.query<MemberRow>(
    `SELECT ${MEMBER} FROM group_member
     WHERE group_id = ?1
       AND seq > CASE WHEN ?2 IS NULL THEN 0
         ELSE (SELECT seq FROM group_member WHERE group_id = ?1 AND name = ?2) END
     ORDER BY seq LIMIT ?3`,
  );
  const count = database.query<{ members: number }>(
    `SELECT count(coalesce(device_id, group_ref)) AS members FROM group_member WHERE group_id = ?`,
  );
  const refsOf = database.query<{ groupRef: string }>(
    `SELECT DISTINCT group_ref AS groupRef FROM group_member INDEXED BY group_member_refs
     WHERE group_id = ? AND group_ref IS NOT NULL`,
  );
  const referrers = database.query<{ group: string; name: string }>(
    `SELECT device_group.name AS "group", member.name FROM group_member AS member INDEXED BY group_member_referred
     JOIN device_group ON device_group.id = member.group_id WHERE member.group_ref = ? LIMIT ?`,
  );
  const addMember = database.command(
    `INSERT INTO group_member (group_id, name, device_id, group_ref) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const setMember = database.command(
    `UPDATE group_member SET device_id = ?, group_ref = ? WHERE group_id = ? AND name = ?`,
  );
  const removeMember = database.command(`DELETE FROM group_member WHERE group_id = ? AND name = ?`);

  function addAll(id: number, group: string, added: readonly GroupMember[]): void {
    const refs = new Set<string>();
    for (const { name, deviceId, groupRef } of added) {
      const isNew = addMember(id, name, deviceId ?? null, groupRef ?? null) > 0;
      if (isNew && groupRef !== undefined) refs.add(groupRef);
    }
    checkLoop(group, [...refs]);
  }

  return {
    create: (group, { filter, members: added = [] } = {}) =>
      database.write(() => {
        if (create(group, filter ?? null) === 0) return false;
        withGroup(group, undefined, (id) => addAll(id, group, added));
        return true;
      }),
    rename: (from, to) =>
      database.write(() => {
        if (rename(from, to) === 0) return false;
        renameRefs(from, to);
        const refs = withGroup(to, [], (id) => refsOf.all(id));
        checkLoop(
          to,
          refs.map(({ groupRef }) => groupRef),
        );
        return true;
      }),
    remove: (group) => database.write(() => remove(group) > 0),
    exists: (group) => database.read(() => withGroup(group, false, () => true)),
    names: (after, limit) => database.read(() => names.all(after, limit).map(({ name }) => name)),
    filter: (group) => database.read(() => filterOf.first(group)?.filter ?? undefined),
    setFilter: (group, filter) => database.write(() => setFilter(filter ?? null, group) > 0),
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
    referrers: (group, limit) => database.read(() => referrers.all(group, limit)),
    addMembers: (group, added) =>
      database.write(() =>
        withGroup(group, false, (id) => {
          addAll(id, group, added);
          return true;
        }),
      ),
    setMember: (group, { name, deviceId, groupRef }) =>
      database.write(() =>
        withGroup(group, false, (id) => {
          if (setMember(deviceId ?? null, groupRef ?? null, id, name) === 0) return false;
          checkLoop(group, groupRef === undefined ? [] : [groupRef]);
          return true;
        }),
      ),
    removeMember: (group, name) => database.write(() => withGroup(group, false, (id) => removeMember(id, name) > 0)),
    ...createResolution(database),
  };
}

/** What groups come down to, with the list that was asked for last. */
function createResolution(database: Database): Pick<GroupStore, 'resolvedCount' | 'resolvedMembers'> {
  const withGroup = groupById(database);
  const snapshot = groupSnapshot(database, 'resolved_member');
  const page = database.query<ResolvedRow>(
    `SELECT n, member.device_id, key, notify, max_msg_bytes, max_obj_bytes, decommissioned_at
     FROM resolved_member AS member LEFT JOIN device ON device.device_id = member.device_id
     WHERE n > ? ORDER BY n LIMIT ?`,
  );
  let listed: { readonly group: string; readonly total: number } | undefined;

  function fill(group: string, id: number, now: EpochMs): number {
    listed = { group, total: snapshot.fill(id, now) };
    return listed.total;
  }

  function forget(): void {
    snapshot.clear();
    listed = undefined;
  }

  function pageOf(group: string, id: number, after: number, limit: number, now: EpochMs): ResolvedPage {
    const total = after > 0 && listed?.group === group ? listed.total : fill(group, id, now);
    const rows = page.all(after, limit);
    if (after + rows.length >= total) forget();
    return { total, members: rows.map(resolvedOf) };
  }

  return {
    resolvedCount: (group, now) =>
      database.read(() =>
        withGroup(group, 0, (id) => {
          const total = fill(group, id, now);
          forget();
          return total;
        }),
      ),
    resolvedMembers: (group, after, limit, now) =>
      database.read(() => withGroup(group, { total: 0, members: [] }, (id) => pageOf(group, id, after, limit, now))),
  };
}

/** Does something with the group's id; `otherwise` when there is no such group. */
function groupById(
  database: Database,
): <Result>(group: string, otherwise: Result, use: (id: number) => Result) => Result {
  const idOf = database.query<{ id: number }>(`SELECT id FROM device_group WHERE name = ?`);
  return (group, otherwise, use) => {
    const row = idOf.first(group);
    return row ? use(row.id) : otherwise;
  };
}

function memberOf({ name, deviceId, groupRef }: MemberRow): GroupMember {
  return { name, deviceId: deviceId ?? undefined, groupRef: groupRef ?? undefined };
}

function resolvedOf(row: ResolvedRow): ResolvedMember {
  const isDecommissioned = row.decommissioned_at !== null;
  return {
    n: row.n,
    deviceId: row.device_id,
    deviceKey: isDecommissioned ? undefined : (row.key ?? undefined),
    isDecommissioned,
    notify: row.notify ?? undefined,
    maxMsgBytes: row.max_msg_bytes ?? undefined,
    maxObjBytes: row.max_obj_bytes ?? undefined,
  };
}
