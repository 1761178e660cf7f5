import { Kysely, type Migration, Migrator, sql, SqliteAdapter, SqliteDialect, type SqliteDatabase } from 'kysely';
import { DmError } from '../../protocol/errors.ts';
import type { Connection, SqlValue } from './driver.ts';

/** Statements of each schema version, by its number in four digits. Forward only: a version that was released stays. */
export type Schema = Readonly<Record<string, readonly string[]>>;

/** SQLite can undo changes of the schema; Kysely leaves that unused by default. */
class TransactionalSqlite extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new (class extends SqliteAdapter {
      override get supportsTransactionalDdl(): boolean {
        return true;
      }
    })();
  }
}

/**
 * Brings the database to the newest version of the schema, in one transaction. Throws `DmError` STORE_SCHEMA_NEWER when
 * a newer program has written it.
 */
export async function migrate(connection: Connection, schema: Schema): Promise<void> {
  const known = Object.keys(schema).sort().at(-1) ?? '';
  const found = versionOf(connection);
  if (found > known) {
    throw new DmError(
      'STORE_SCHEMA_NEWER',
      `the database has schema ${found}, this program knows up to ${known}; it needs the newer program`,
    );
  }
  if (found === known) return;
  const kysely = new Kysely<unknown>({ dialect: new TransactionalSqlite({ database: kyselyDatabase(connection) }) });
  const migrations = Object.fromEntries(
    Object.entries(schema).map(([version, statements]): [string, Migration] => [
      version,
      {
        async up(database: Kysely<unknown>) {
          for (const statement of statements) await sql.raw(statement).execute(database);
        },
      },
    ]),
  );
  const migrator = new Migrator({ db: kysely, provider: { getMigrations: () => Promise.resolve(migrations) } });
  const { error } = await migrator.migrateToLatest();
  if (error instanceof Error) throw error;
}

/** Version of the schema; empty for a new database. */
function versionOf(connection: Connection): string {
  const table = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'kysely_migration'`;
  if (!connection.prepare(table).get()) return '';
  const newest = connection.prepare('SELECT max(name) AS name FROM kysely_migration').get();
  return (newest as { name: string | null }).name ?? '';
}

function kyselyDatabase(connection: Connection): SqliteDatabase {
  return {
    prepare(text) {
      const statement = connection.prepare(text);
      const all = (values: readonly unknown[]) => statement.all(...(values as SqlValue[]));
      return {
        reader: true,
        all,
        iterate: (values) => all(values)[Symbol.iterator](),
        run: (values) => ({ changes: statement.run(...(values as SqlValue[])).changes, lastInsertRowid: 0 }),
      };
    },
    close: () => undefined,
  };
}
