import { DmError } from '../../protocol/errors.ts';
import type { Connection, SqlValue, Statement } from './driver.ts';
import { closeLocked } from './file-lock.ts';
import { GroupCommit } from './group-commit.ts';

/** A prepared statement that answers rows of a known shape. */
class Query<Row> {
  readonly #statement: Statement;

  constructor(statement: Statement) {
    this.#statement = statement;
  }

  first(...values: SqlValue[]): Row | undefined {
    return this.#statement.get(...values) as Row | undefined;
  }

  all(...values: SqlValue[]): Row[] {
    return this.#statement.all(...values) as Row[];
  }
}

/** A prepared statement that changes rows; answers how many. */
export type Command = (...values: SqlValue[]) => number;

/**
 * One database and its only writer. `write` hands work to the group commit; `read` runs at once: batches run in one
 * go, so that no read sees half of one. Both reject with `DmError` STORE_CLOSED once it is closed.
 */
export class Database {
  readonly #connection: Connection;
  readonly #writer: GroupCommit;
  #isClosed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#writer = new GroupCommit(connection);
  }

  query<Row>(sql: string): Query<Row> {
    return new Query<Row>(this.#connection.prepare(sql));
  }

  command(sql: string): Command {
    const statement = this.#connection.prepare(sql);
    return (...values) => Number(statement.run(...values).changes);
  }

  read<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve) => {
      if (this.#isClosed) throw storeClosed();
      resolve(work());
    });
  }

  /** Durable when it resolves. `work` may be run twice and then must do and answer the same. */
  write<Result>(work: () => Result): Promise<Result> {
    return this.#isClosed ? Promise.reject(storeClosed()) : this.#writer.add(work);
  }

  /** The file does not grow beyond; one that is larger already does not grow at all. */
  limitSize(maxBytes: number): void {
    const pageBytes = this.query<{ page_size: number }>('PRAGMA page_size').first()?.page_size ?? 4_096;
    this.#connection.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`);
  }

  /** Writes, as durably as any other write, a number that nobody reads. */
  probe(): Promise<void> {
    return this.write(() => {
      this.#connection.exec('PRAGMA user_version = 1');
    });
  }

  /** Commits what is waiting, and leaves a single file behind. Resolves at once when it was closed before. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#writer.commit();
      closeLocked(this.#connection);
    }
    return Promise.resolve();
  }
}

function storeClosed(): DmError {
  return new DmError('STORE_CLOSED', 'the store is closed');
}
