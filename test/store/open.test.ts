import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { connect } from '../../src/store/sqlite/driver.ts';
import { openGatewayStore, openServerStore } from '../../src/store/sqlite/open.ts';
import { newDevice } from './store-fixture.ts';
import { temporaryFolder } from './temporary-folder.ts';

const inFolder = temporaryFolder();

describe('opening a store', () => {
  it.each([
    ['postgres://user:made-up@host/db', 'the store URL must be sqlite:PATH; its scheme is postgres'],
    ['gateway.db', 'the store URL must be sqlite:PATH; its scheme is none'],
    ['sqlite:', 'the store URL must be sqlite:PATH; its scheme is sqlite'],
  ])('store: refuses the URL %s and shows no password', async (url, message) => {
    await expect(openGatewayStore(url)).rejects.toMatchObject({ name: 'DmError', code: 'STORE_URL', message });
  });

  it('store: has what was written when it is opened again', async () => {
    const url = `sqlite:${inFolder('again.db')}`;
    const store = await openGatewayStore(url);
    const write = store.devices.add([newDevice('urn:dev:test:1')]);
    await store.close();
    await write;
    const again = await openGatewayStore(url);
    expect(await again.devices.count()).toBe(1);
    await again.close();
    await expect(again.devices.count()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(again.devices.remove('urn:dev:test:1')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });

  it('store: leaves one file behind that only its owner can read', async () => {
    const path = inFolder('private.db');
    await (await openServerStore(`sqlite:${path}`)).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => statSync(`${path}-wal`)).toThrow('ENOENT');
  });

  it('store: is refused while it is open', async () => {
    const path = inFolder('used.db');
    const store = await openGatewayStore(`sqlite:${path}`);
    await expect(openGatewayStore(`sqlite:${path}`)).rejects.toMatchObject({
      code: 'STORE_IN_USE',
      message: `${path} is in use by another process`,
    });
    await store.devices.add([newDevice('urn:dev:test:1')]);
    await store.close();
    await (await openGatewayStore(`sqlite:${path}`)).close();
  });

  it('store: refuses the database of the other role', async () => {
    const path = inFolder('role.db');
    await (await openServerStore(`sqlite:${path}`)).close();
    await expect(openGatewayStore(`sqlite:${path}`)).rejects.toMatchObject({
      code: 'STORE_OPEN',
      message: `${path} is the database of a server, not of a gateway`,
    });
    await (await openServerStore(`sqlite:${path}`)).close();
  });

  it('store: refuses the database of another program', async () => {
    const path = inFolder('other.db');
    const connection = await connect(path);
    connection.exec('CREATE TABLE theirs (id INTEGER)');
    connection.close();
    await expect(openGatewayStore(`sqlite:${path}`)).rejects.toMatchObject({
      code: 'STORE_OPEN',
      message: `${path} is the database of another program`,
    });
  });

  it('store: refuses a file that is no database', async () => {
    const path = inFolder('text.db');
    writeFileSync(path, 'this is no database, but a text that is long enough to be looked at\n'.repeat(20));
    await expect(openGatewayStore(`sqlite:${path}`)).rejects.toMatchObject({
      code: 'STORE_OPEN',
      message: `${path} cannot be opened: it is no SQLite database`,
    });
  });

  it('store: refuses a path that leads nowhere', async () => {
    const missing = inFolder('missing/gateway.db');
    await expect(openGatewayStore(`sqlite:${missing}`)).rejects.toMatchObject({
      code: 'STORE_OPEN',
      message: `${missing} cannot be opened: its directory is missing`,
    });
    const folder = inFolder('folder');
    mkdirSync(folder);
    await expect(openGatewayStore(`sqlite:${folder}`)).rejects.toMatchObject({ code: 'STORE_OPEN' });
  });

  it('store: refuses a database that a newer program wrote, and says both schemas', async () => {
    const path = inFolder('newer.db');
    await (await openGatewayStore(`sqlite:${path}`)).close();
    const connection = await connect(path);
    connection.exec(`INSERT INTO kysely_migration (name, timestamp) VALUES ('9999', '2030-01-01')`);
    connection.close();
    await expect(openGatewayStore(`sqlite:${path}`)).rejects.toMatchObject({
      code: 'STORE_SCHEMA_NEWER',
      message: 'the database has schema 9999, this program knows up to 0003; it needs the newer program',
    });
  });
});
