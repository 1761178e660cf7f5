import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DmError } from '../../src/protocol/errors.ts';
import { openCommitLog } from '../../src/store/sqlite/commit-log.ts';
import { Database } from '../../src/store/sqlite/database.ts';
import { connect, type Connection } from '../../src/store/sqlite/driver.ts';
import { lock } from '../../src/store/sqlite/file-lock.ts';
import { temporaryFolder } from './temporary-folder.ts';

const inFolder = temporaryFolder();
let databases = 0;
let connection: Connection;
let sync: () => Promise<void>;
let database: Database;
let insert: (id: number) => number;
let ids: () => number[];

beforeEach(async () => {
  const path = inFolder(`${++databases}.db`);
  connection = await connect(path);
  lock(connection);
  connection.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, data BLOB)');
  const log = await openCommitLog(connection, path);
  sync = () => log.sync();
  database = new Database(connection, { sync: () => sync(), close: () => log.close() });
  insert = database.command('INSERT INTO item (id) VALUES (?)');
  const query = database.query<{ id: number }>('SELECT id FROM item ORDER BY id');
  ids = () => query.all().map(({ id }) => id);
});

afterEach(() => database.close());

describe('group commit', () => {
  it('store: commits writes of the same moment together, and tells each its own result', async () => {
    const writes = [1, 2, 3].map((id) => database.write(() => insert(id) + id));
    expect(await database.read(ids)).toEqual([]);
    expect(await Promise.all(writes)).toEqual([2, 3, 4]);
    expect(await database.read(ids)).toEqual([1, 2, 3]);
  });

  it('store: undoes and rejects a write that fails, and no other', async () => {
    const results = await Promise.allSettled([
      database.write(() => insert(1)),
      database.write(() => {
        insert(2);
        throw new DmError('TEST_REFUSED', 'refused');
      }),
      database.write(() => insert(3)),
      database.write(() => insert(1)),
      database.write(() => insert(4)),
    ]);
    expect(results.map((result) => (result.status === 'rejected' ? (result.reason as DmError).code : 'ok'))).toEqual([
      'ok',
      'TEST_REFUSED',
      'ok',
      'STORE_WRITE',
      'ok',
    ]);
    expect(await database.read(ids)).toEqual([1, 3, 4]);
  });

  it('store: does writes that belong together in one transaction, or none of them', async () => {
    const fill = Array.from({ length: 499 }, (_value, index) => database.write(() => insert(1_000 + index)));
    const both = database.together(() => [database.write(() => insert(1)), database.write(() => insert(2))]);
    const torn = database.together(() => [
      database.write(() => insert(3)),
      database.write(() => {
        throw new DmError('TEST_REFUSED', 'refused');
      }),
    ]);
    expect(await Promise.all(both)).toEqual([1, 1]);
    expect((await Promise.allSettled(torn)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await Promise.all(fill);
    expect((await database.read(ids)).slice(0, 3)).toEqual([1, 2, 1_000]);
  });

  it('store: takes more writes than one transaction holds', async () => {
    await Promise.all(Array.from({ length: 1_200 }, (_value, index) => database.write(() => insert(index + 1))));
    expect(await database.read(() => ids().length)).toBe(1_200);
  });

  it('store: takes a whole transaction of writes in the very moment that the one before is told', async () => {
    await database.write(() => insert(1));
    await Promise.all(Array.from({ length: 500 }, (_value, index) => database.write(() => insert(index + 2))));
    expect(await database.read(() => ids().length)).toBe(501);
  });

  it('store: rejects all writes of a batch when there is no space, and works again when there is', async () => {
    await database.write(() => insert(1));
    const { page_count: pages } = connection.prepare('PRAGMA page_count').get() as { page_count: number };
    connection.exec(`PRAGMA max_page_count = ${pages}`);
    const large = database.command('INSERT INTO item (data) VALUES (zeroblob(1000000))');
    await expect(database.write(() => large())).rejects.toMatchObject({
      code: 'STORE_WRITE',
      message: 'the store could not be written: there is no space left',
      cause: { code: 'ERR_SQLITE_ERROR' },
    });
    connection.exec('PRAGMA max_page_count = 100000');
    await database.write(() => large());
    expect(await database.read(() => ids().length)).toBe(2);
  });

  it('store: rejects all writes of a batch whose commit fails', async () => {
    connection.exec('PRAGMA foreign_keys = ON');
    connection.exec('CREATE TABLE part (item INTEGER REFERENCES item DEFERRABLE INITIALLY DEFERRED)');
    const orphan = database.command('INSERT INTO part (item) VALUES (99)');
    const results = await Promise.allSettled([database.write(() => insert(1)), database.write(() => orphan())]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_WRITE' } });
    }
    expect(await database.read(ids)).toEqual([]);
    await database.write(() => insert(2));
    expect(await database.read(ids)).toEqual([2]);
  });

  it('store: tells of a write when the log is on the disk, and what comes meanwhile shares the next', async () => {
    let syncs = 0;
    let onDisk: () => void = () => undefined;
    sync = () => {
      syncs += 1;
      return new Promise((resolve) => (onDisk = resolve));
    };
    const told: number[] = [];
    const write = async (id: number) => {
      await database.write(() => insert(id));
      told.push(id);
    };
    const first = write(1);
    await vi.waitUntil(() => syncs === 1);
    const others = [write(2), write(3)];
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect({ told, syncs }).toEqual({ told: [], syncs: 1 });
    onDisk();
    await first;
    expect(told).toEqual([1]);
    await vi.waitUntil(() => syncs === 2);
    onDisk();
    await Promise.all(others);
    expect({ told, syncs }).toEqual({ told: [1, 2, 3], syncs: 2 });
  });

  it('store: takes nothing more when the disk has failed: what it holds is not known', async () => {
    sync = () => Promise.reject(new Error('EIO'));
    const message = 'the store could not be written: the disk failed, and what it holds is known only after a restart';
    const failure = { code: 'STORE_WRITE', message, cause: { message: 'EIO' } };
    await expect(database.write(() => insert(1))).rejects.toMatchObject(failure);
    sync = () => Promise.resolve();
    await expect(database.write(() => insert(2))).rejects.toMatchObject(failure);
  });

  it('store: knows whether it can be written', async () => {
    await database.probe();
    connection.exec('PRAGMA query_only = ON');
    await expect(database.probe()).rejects.toMatchObject({ code: 'STORE_WRITE' });
    connection.exec('PRAGMA query_only = OFF');
    await database.probe();
  });

  it('store: rejects a read that fails', async () => {
    await expect(
      database.read(() => {
        throw new DmError('TEST_REFUSED', 'refused');
      }),
    ).rejects.toMatchObject({ code: 'TEST_REFUSED' });
  });

  it('store: commits what is waiting when it is closed, and takes nothing afterwards', async () => {
    const write = database.write(() => insert(1));
    await database.close();
    await database.close();
    expect(await write).toBe(1);
    await expect(database.write(() => insert(2))).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await expect(database.read(ids)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    const again = await connect(inFolder(`${databases}.db`));
    expect(again.prepare('SELECT count(*) AS items FROM item').get()).toEqual(expect.objectContaining({ items: 1 }));
    again.close();
  });
});
