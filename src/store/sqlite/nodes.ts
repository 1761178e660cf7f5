import type { Data } from '../../protocol/message/message.ts';
import type { AclValues, NodeStore, NodeValues, PropertyValues } from '../nodes.ts';
import type { Database } from './database.ts';

interface NodeRow {
  readonly format: string;
  readonly type: string;
  readonly data: Data;
  readonly writtenBy: string;
}

/** Written leaves, and what is kept of nodes besides their values, in SQLite. */
export function createNodeStore(database: Database): NodeStore {
  const read = database.query<NodeRow>(
    `SELECT format, type, data, written_by AS writtenBy FROM node WHERE loc_uri = ?`,
  );
  const write = database.command(
    `INSERT INTO node (loc_uri, format, type, data, written_by) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET
       format = excluded.format, type = excluded.type, data = excluded.data, written_by = excluded.written_by`,
  );
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
    acls: createAcls(database),
    properties: createProperties(database),
  };
}

function createAcls(database: Database): AclValues {
  const all = database.query<{ locUri: string; acl: string }>(
    `SELECT loc_uri AS locUri, acl FROM acl ORDER BY loc_uri`,
  );
  const read = database.query<{ acl: string }>(`SELECT acl FROM acl WHERE loc_uri = ?`);
  const write = database.command(
    `INSERT INTO acl (loc_uri, acl) VALUES (?, ?) ON CONFLICT DO UPDATE SET acl = excluded.acl`,
  );
  const values = createNodeValues(database, 'acl', {
    read: (locUri) => read.first(locUri)?.acl,
    write: (locUri, acl: string) => write(locUri, acl),
  });
  return {
    ...values,
    all: () => database.read(() => all.all().map(({ locUri, acl }) => ({ locUri, acl }))),
  };
}

function createProperties(database: Database): PropertyValues {
  const read = database.query<{ title: string | null; changedAt: number | null; verNo: number }>(
    `SELECT title, changed_at AS changedAt, ver_no AS verNo FROM node_property WHERE loc_uri = ?`,
  );
  const write = database.command(
    `INSERT INTO node_property (loc_uri, title, changed_at, ver_no) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET title = excluded.title, changed_at = excluded.changed_at, ver_no = excluded.ver_no`,
  );
  const count = database.command(
    `INSERT INTO node_property (loc_uri, changed_at, ver_no) VALUES (?, ?, 1)
     ON CONFLICT DO UPDATE SET changed_at = excluded.changed_at, ver_no = (ver_no + 1) & 0xffff`,
  );
  const values = createNodeValues(database, 'node_property', {
    read(locUri) {
      const row = read.first(locUri);
      return row && { title: row.title ?? undefined, changedAt: row.changedAt ?? undefined, verNo: row.verNo };
    },
    write: (locUri, { title, changedAt, verNo }) => write(locUri, title ?? null, changedAt ?? null, verNo),
  });
  return {
    ...values,
    count: (locUri, at) =>
      database.write(() => {
        count(locUri, at);
      }),
  };
}

/** How one row of a table that has a `loc_uri` is read and written. */
interface Row<T> {
  read(locUri: string): T | undefined;
  write(locUri: string, value: T): number;
}

function createNodeValues<T>(database: Database, table: string, row: Row<T>): NodeValues<T> {
  const remove = database.command(`DELETE FROM ${table} WHERE loc_uri = ?`);
  // '0' is the character after '/': between the two is every node below.
  const removeBelow = database.command(`DELETE FROM ${table} WHERE loc_uri > ?1 || '/' AND loc_uri < ?1 || '0'`);
  const move = database.command(
    `UPDATE ${table} SET loc_uri = ?2 || substr(loc_uri, length(?1) + 1)
     WHERE loc_uri = ?1 OR (loc_uri > ?1 || '/' AND loc_uri < ?1 || '0')`,
  );
  const forget = (locUri: string): void => {
    remove(locUri);
    removeBelow(locUri);
  };
  return {
    get: (locUri) => database.read(() => row.read(locUri)),
    set: (locUri, value) =>
      database.write(() => {
        if (value === undefined) remove(locUri);
        else row.write(locUri, value);
      }),
    forget: (locUri) => database.write(() => forget(locUri)),
    move: (from, to) =>
      database.write(() => {
        forget(to);
        move(from, to);
      }),
  };
}
