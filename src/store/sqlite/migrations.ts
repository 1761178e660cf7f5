import { DmError } from '../../protocol/errors.ts';
import type { Connection } from './driver.ts';
import type { Schema } from './schema-upgrade.ts';

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
  // Loaded when it is needed: Kysely takes 10 MB of memory as long as the process lasts.
  const { upgrade } = await import('./schema-upgrade.ts');
  await upgrade(connection, schema);
}

/** Version of the schema; empty for a new database. */
function versionOf(connection: Connection): string {
  const table = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'kysely_migration'`;
  if (!connection.prepare(table).get()) return '';
  const newest = connection.prepare('SELECT max(name) AS name FROM kysely_migration').get();
  return (newest as { name: string | null }).name ?? '';
}
