import { Kysely, type Migration, Migrator, sql, SqliteAdapter, SqliteDialect, type SqliteDatabase } from 'kysely';
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

/** Applies the versions of the schema that the database lacks, in one transaction. */
export async function upgrade(connection: Connection, schema: Schema): Promise<void> {
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
