import { describe, expect, it } from 'vitest';
import { connect } from '../../src/store/sqlite/driver.ts';
import { openGatewayStore, openServerStore } from '../../src/store/sqlite/open.ts';
import { temporaryFolder } from './temporary-folder.ts';

const inFolder = temporaryFolder();

describe('schema', () => {
  it.each([
    ['gateway', openGatewayStore],
    ['server', openServerStore],
  ] as const)('store: has the schema of test/fixtures/schema/%s.sql', async (role, open) => {
    const path = inFolder(`${role}.db`);
    await (await open(`sqlite:${path}`)).close();
    await expect(await schemaOf(path)).toMatchFileSnapshot(`../fixtures/schema/${role}.sql`);
  });
});

/** All statements that make the schema, by name. */
async function schemaOf(path: string): Promise<string> {
  const connection = await connect(path);
  const rows = connection
    .prepare(`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name`)
    .all() as { sql: string }[];
  connection.close();
  return rows.map(({ sql }) => `${sql.replace(/\n\s+/g, '\n  ').replace(/\n\s*\)/g, '\n)')};\n`).join('\n');
}
