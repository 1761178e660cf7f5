import { StatusError } from '../../protocol/errors.ts';
import { STATUS } from '../../protocol/message/codes.ts';
import type { Database } from './database.ts';

/**
 * Refuses a group that one of the groups it refers to leads back to: throws `StatusError` 409 GROUP_LOOP. For work
 * inside the transaction that writes the references. [FANOUT 3]
 */
export function loopCheck(database: Database): (group: string, refs: readonly string[]) => void {
  const leadsBack = database.query<object>(
    `WITH RECURSIVE reached (name) AS (
       SELECT value FROM json_each(?1)
       UNION
       SELECT member.group_ref FROM reached
       JOIN device_group ON device_group.name = reached.name
       JOIN group_member AS member INDEXED BY group_member_refs
         ON member.group_id = device_group.id AND member.group_ref IS NOT NULL
     )
     SELECT 1 FROM reached WHERE name = ?2 LIMIT 1`,
  );
  return (group, refs) => {
    if (refs.length === 0 || !leadsBack.first(JSON.stringify(refs), group)) return;
    throw new StatusError(
      STATUS.conflict,
      'GROUP_LOOP',
      `group ${group} would be part of itself; a GroupRef names a group that does not lead back`,
    );
  };
}
