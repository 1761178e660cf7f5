import { DmError } from '../../protocol/errors.ts';
import type { CommitMeter } from '../measures.ts';
import { type Connection, resultCodeOf, SQLITE } from './driver.ts';

/** How long the first piece of work waits for others. Less costs throughput, more gains nothing. */
const COLLECT_MS = 3;
/** Work in one transaction. */
const MAX_BATCH = 500;

interface Work {
  /** Does it, and answers how to tell the caller once it is durable. */
  readonly run: () => () => void;
  readonly reject: (reason: unknown) => void;
}

/** What the work of one batch gathers in memory, to be written once for all of it. */
export interface Gathering {
  /** Writes what was gathered, and forgets it. */
  flush(): void;
  /** Forgets what was gathered: the work that did it is undone. */
  discard(): void;
}

/** The single writer: work of the same moment shares a transaction and is told of its end after the commit. */
export class GroupCommit {
  readonly #connection: Pick<Connection, 'exec'>;
  readonly #gathering: Gathering;
  readonly #meter: CommitMeter | undefined;
  #waiting: Work[] = [];
  /** Work that is to be done as one. */
  #unit: Work[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Pick<Connection, 'exec'>, gathering: Gathering, meter?: CommitMeter) {
    this.#connection = connection;
    this.#gathering = gathering;
    this.#meter = meter;
  }

  /**
   * Runs `work` with the next batch and resolves with its result when that is durable. Work that throws is undone and
   * rejected alone; the rest of the batch is not touched by it. When the batch cannot be committed all of it is
   * rejected with `DmError` STORE_WRITE.
   */
  add<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const run = () => {
        const result = work();
        return () => resolve(result);
      };
      if (this.#unit) this.#unit.push({ run, reject });
      else this.#put({ run, reject });
    });
  }

  /** All work that `ask` adds before it first waits is one piece: in one transaction, and undone together. */
  together<Result>(ask: () => Result): Result {
    if (this.#unit) return ask();
    const unit: Work[] = [];
    this.#unit = unit;
    try {
      return ask();
    } finally {
      this.#unit = undefined;
      if (unit.length > 0) this.#put(asOne(unit));
    }
  }

  #put(work: Work): void {
    this.#waiting.push(work);
    if (this.#waiting.length >= MAX_BATCH) this.commit();
    else this.#timer ??= setTimeout(() => this.commit(), COLLECT_MS);
  }

  /** Commits what is waiting, now. */
  commit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length === 0) return;
    const beganAt = performance.now();
    try {
      const tells = this.#runBare(batch) ?? this.#runGuarded(batch);
      this.#meter?.({ outcome: 'committed', works: batch.length, durationMs: performance.now() - beganAt });
      for (const tell of tells) tell();
    } catch (error) {
      this.#tryRollBack();
      this.#meter?.({ outcome: 'failed', works: batch.length, durationMs: performance.now() - beganAt });
      const reason = writeFailure(error);
      for (const { reject } of batch) reject(reason);
    }
  }

  /**
   * Undefined when some work threw. A savepoint around each costs 1.6 us where the work itself takes 5 to 17 (Node 20,
   * 2 cores), and hardly any work throws: so the batch runs bare, and again with savepoints when it has to.
   */
  #runBare(batch: readonly Work[]): (() => void)[] | undefined {
    this.#connection.exec('BEGIN IMMEDIATE');
    let tells: (() => void)[];
    try {
      tells = batch.map(({ run }) => run());
      this.#gathering.flush();
    } catch {
      this.#gathering.discard();
      this.#tryRollBack();
      return undefined;
    }
    this.#connection.exec('COMMIT');
    return tells;
  }

  #runGuarded(batch: readonly Work[]): (() => void)[] {
    this.#connection.exec('BEGIN IMMEDIATE');
    const tells = batch.map(({ run, reject }) => {
      this.#connection.exec('SAVEPOINT work');
      try {
        const tell = run();
        this.#gathering.flush();
        this.#connection.exec('RELEASE work');
        return tell;
      } catch (error) {
        this.#gathering.discard();
        this.#undoWork(error);
        return () => reject(resultCodeOf(error) === undefined ? error : writeFailure(error));
      }
    });
    this.#connection.exec('COMMIT');
    return tells;
  }

  /** Throws `reason` when SQLite has rolled the whole transaction back: then nothing of the batch is left to commit. */
  #undoWork(reason: unknown): void {
    try {
      this.#connection.exec('ROLLBACK TO work');
      this.#connection.exec('RELEASE work');
    } catch {
      throw reason;
    }
  }

  #tryRollBack(): void {
    try {
      this.#connection.exec('ROLLBACK');
    } catch {
      // There is no transaction: it never began, or SQLite has rolled it back.
    }
  }
}

function asOne(unit: readonly Work[]): Work {
  return {
    run() {
      const tells = unit.map(({ run }) => run());
      return () => {
        for (const tell of tells) tell();
      };
    },
    reject(reason) {
      for (const { reject } of unit) reject(reason);
    },
  };
}

function writeFailure(cause: unknown): DmError {
  const why = resultCodeOf(cause) === SQLITE.full ? 'there is no space left' : 'the database refused';
  return new DmError('STORE_WRITE', `the store could not be written: ${why}`, { cause });
}
