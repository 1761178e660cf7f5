import { parseGroupFilter } from '../../fanout/group-filter.ts';
import type { EpochMs } from '../../fanout/store.ts';
import type { Database } from './database.ts';
import { filterSql } from './group-filter-sql.ts';

/** Members of groups as they are at one moment, in a table of this connection. */
export interface GroupSnapshot {
  /**
   * Fills the table with the members of a group, in place of those before, and answers how many there are. Members in
   * their order, a GroupRef as all members of what it names, then the devices that match the filter by their key; each
   * DeviceID once, where it comes first. [FANOUT 3]
   */
  fill(groupId: number, now: EpochMs): number;
  /** Takes the members out again. */
  clear(): void;
}

/** Makes the temporary table of that name: `n` from 1, `device_id`. */
export function groupSnapshot(database: Database, table: string): GroupSnapshot {
  database.command(`CREATE TEMP TABLE ${table} (n INTEGER PRIMARY KEY, device_id TEXT NOT NULL UNIQUE) STRICT`)();
  const clear = database.command(`DELETE FROM ${table}`);
  // A row that is ignored takes no n.
  const insert = `INSERT OR IGNORE INTO ${table} (device_id)`;
  const nextRef = database.query<{ seq: number; id: number | null }>(
    `SELECT member.seq, device_group.id FROM group_member AS member INDEXED BY group_member_refs
     LEFT JOIN device_group ON device_group.name = member.group_ref
     WHERE member.group_id = ? AND member.seq > ? AND member.group_ref IS NOT NULL ORDER BY member.seq LIMIT 1`,
  );
  const addMembers = database.command(
    `${insert} SELECT device_id FROM group_member INDEXED BY group_member_order
     WHERE group_id = ? AND seq > ? AND seq < ? AND device_id IS NOT NULL ORDER BY seq`,
  );
  const filterOf = database.query<{ filter: string | null }>(`SELECT filter FROM device_group WHERE id = ?`);

  function addMatches(groupId: number, now: EpochMs): number {
    const filter = filterOf.first(groupId)?.filter ?? undefined;
    if (filter === undefined) return 0;
    const { sql, values } = filterSql(parseGroupFilter(filter), now);
    const add = database.command(
      `${insert} SELECT device_id FROM device WHERE decommissioned_at IS NULL AND ${sql} ORDER BY key`,
    );
    return add(...values);
  }

  return {
    fill(groupId, now) {
      clear();
      let count = 0;
      // A group that is reached again has nothing to add: its devices are there, or come before this place.
      const seen = new Set([groupId]);
      const path = [{ id: groupId, after: 0 }];
      for (let group = path.at(-1); group; group = path.at(-1)) {
        const ref = nextRef.first(group.id, group.after);
        count += addMembers(group.id, group.after, ref?.seq ?? Number.MAX_SAFE_INTEGER);
        if (!ref) {
          count += addMatches(group.id, now);
          path.pop();
          continue;
        }
        group.after = ref.seq;
        if (ref.id === null || seen.has(ref.id)) continue;
        seen.add(ref.id);
        path.push({ id: ref.id, after: 0 });
      }
      return count;
    },
    clear: () => {
      clear();
    },
  };
}
