import { beforeEach, describe, expect, it } from 'vitest';
import { connect, type Connection } from '../../src/store/sqlite/driver.ts';
import { migrate } from '../../src/store/sqlite/migrations.ts';

const FIRST = { '0001': ['CREATE TABLE one (id INTEGER)', 'INSERT INTO one VALUES (1)'] };

let connection: Connection;

beforeEach(async () => {
  connection = await connect(':memory:');
});

function tables(): string[] {
  const rows = connection
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'kysely_%' ORDER BY name`)
    .all() as { name: string }[];
  return rows.map(({ name }) => name);
}

describe('migrations', () => {
  it('store: brings an older database to the newest schema and keeps its rows', async () => {
    await migrate(connection, FIRST);
    await migrate(connection, { ...FIRST, '0002': ['CREATE TABLE two AS SELECT id + 1 AS id FROM one'] });
    expect(connection.prepare('SELECT id FROM two').all()).toMatchObject([{ id: 2 }]);
  });

  it('store: does nothing to a database that has the newest schema', async () => {
    await migrate(connection, FIRST);
    await migrate(connection, FIRST);
    expect(connection.prepare('SELECT id FROM one').all()).toHaveLength(1);
  });

  it('store: leaves a database as it was when a statement fails', async () => {
    await migrate(connection, FIRST);
    const broken = { ...FIRST, '0002': ['CREATE TABLE two (id INTEGER)', 'INSERT INTO missing VALUES (1)'] };
    await expect(migrate(connection, broken)).rejects.toThrow('no such table: missing');
    expect(tables()).toEqual(['one']);
    await migrate(connection, { ...FIRST, '0002': ['CREATE TABLE three (id INTEGER)'] });
    expect(tables()).toEqual(['one', 'three']);
  });
});
