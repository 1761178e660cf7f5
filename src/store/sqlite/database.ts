import { DmError } from '../../protocol/errors.ts';
import type { CommitMeter, StoreSize } from '../measures.ts';
import { type CommitLog, NO_LOG } from './commit-log.ts';
import type { Connection, SqlValue, Statement } from './driver.ts';
import { closeLocked } from './file-lock.ts';
import { type Gathering, GroupCommit } from './group-commit.ts';

/** Less that the database may still grow by is no use: an answer of a device can take so much. */
const SPARE_BYTES = 262_144;

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
 * go, so that no read sees half of one; it may see one that is not durable yet. Both reject with `DmError` STORE_CLOSED once it is closed.
 */
export class Database {
  readonly #connection: Connection;
  readonly #log: CommitLog;
  readonly #writer: GroupCommit;
  readonly #gatherings: Gathering[] = [];
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, log: CommitLog = NO_LOG, meter?: CommitMeter) {
    this.#connection = connection;
    this.#log = log;
    const gathering: Gathering = {
      flush: () => this.flush(),
      discard: () => {
        for (const each of this.#gatherings) each.discard();
      },
    };
    this.#writer = new GroupCommit(connection, log, gathering, meter);
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
      if (this.#closing) throw storeClosed();
      resolve(work());
    });
  }

  /** What the work of a batch gathers there is written before the batch is committed, without that of work that is undone. */
  gather(gathering: Gathering): void {
    this.#gatherings.push(gathering);
  }

  /** Writes what the batch has gathered so far; for work that reads, or changes, what others gather. */
  flush(): void {
    for (const each of this.#gatherings) each.flush();
  }

  /** Writes that `ask` asks for before it first waits are done as one. */
  together<Result>(ask: () => Result): Result {
    return this.#writer.together(ask);
  }

  /** Durable when it resolves. `work` may be run twice and then must do and answer the same. */
  write<Result>(work: () => Result): Promise<Result> {
    return this.#closing ? Promise.reject(storeClosed()) : this.#writer.add(work);
  }

  /** The file does not grow beyond; one that is larger already does not grow at all. */
  limitSize(maxBytes: number): void {
    const pages = Math.max(1, Math.floor(maxBytes / this.#pragma('page_size')));
    this.#connection.exec(`PRAGMA max_page_count = ${pages}`);
  }

  size(): StoreSize {
    const pageBytes = this.#pragma('page_size');
    return { bytes: this.#pragma('page_count') * pageBytes, freeBytes: this.#pragma('freelist_count') * pageBytes };
  }

  /**
   * Writes, as durably as any other write, a number that nobody reads. Rejects with `DmError` STORE_WRITE also when
   * hardly anything else would fit in.
   */
  async probe(): Promise<void> {
    await this.write(() => {
      this.#connection.exec('PRAGMA user_version = 1');
    });
    const pages = this.#pragma('max_page_count') - this.#pragma('page_count') + this.#pragma('freelist_count');
    const spareBytes = pages * this.#pragma('page_size');
    if (spareBytes >= SPARE_BYTES) return;
    const left = `${spareBytes} bytes of its quota are left, and an answer may take ${SPARE_BYTES}`;
    throw new DmError('STORE_WRITE', `the store has hardly any space left: ${left}`);
  }

  /** Commits what is waiting, and leaves a single file behind. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writer.finish();
    closeLocked(this.#connection);
    await this.#log.close();
  }

  #pragma(name: 'page_size' | 'page_count' | 'max_page_count' | 'freelist_count'): number {
    return this.query<Readonly<Record<string, number>>>(`PRAGMA ${name}`).first()?.[name] ?? 0;
  }
}

function storeClosed(): DmError {
  return new DmError('STORE_CLOSED', 'the store is closed');
}
