import type { Data } from '../../protocol/message/message.ts';
import type { NodeStore } from '../nodes.ts';
import type { Database } from './database.ts';

interface NodeRow {
  readonly format: string;
  readonly type: string;
  readonly data: Data;
  readonly writtenBy: string;
}

/** Written leaves and ACLs, in SQLite. */
export function createNodeStore(database: Database): NodeStore {
  const read = database.query<NodeRow>(
    `SELECT format, type, data, written_by AS writtenBy FROM node WHERE loc_uri = ?`,
  );
  const write = database.command(
    `INSERT INTO node (loc_uri, format, type, data, written_by) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET
       format = excluded.format, type = excluded.type, data = excluded.data, written_by = excluded.written_by`,
  );
  const readAcl = database.query<{ acl: string }>(`SELECT acl FROM acl WHERE loc_uri = ?`);
  const writeAcl = database.command(
    `INSERT INTO acl (loc_uri, acl) VALUES (?, ?) ON CONFLICT DO UPDATE SET acl = excluded.acl`,
  );
  const removeAcl = database.command(`DELETE FROM acl WHERE loc_uri = ?`);
  // '0' is the character after '/': between the two is every node below.
  const removeAclsBelow = database.command(`DELETE FROM acl WHERE loc_uri > ?1 || '/' AND loc_uri < ?1 || '0'`);
  return {
    read: (locUri) =>
      database.read(() => {
        const row = read.first(locUri);
        return row && { format: row.format, type: row.type, data: row.data, writtenBy: row.writtenBy };
      }),
    write: (locUri, { format, type, data, writtenBy }) =>
      database.write(() => {
        write(locUri, format, type, data, writtenBy);
      }),
    readAcl: (locUri) => database.read(() => readAcl.first(locUri)?.acl),
    writeAcl: (locUri, acl) =>
      database.write(() => {
        if (acl === undefined) removeAcl(locUri);
        else writeAcl(locUri, acl);
      }),
    forgetAcls: (locUri) =>
      database.write(() => {
        removeAcl(locUri);
        removeAclsBelow(locUri);
      }),
  };
}
