import { DmError } from '../../protocol/errors.ts';
import type { CommitMeter } from '../measures.ts';
import type { CommitLog } from './commit-log.ts';
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

/** What a transaction came to, to be told once it is durable. */
type Tells = readonly (() => void)[];

/**
 * The single writer: work of the same moment shares a transaction and is told of its end when that is durable. While one
 * transaction is on its way to the disk the process goes on, and what comes meanwhile shares the next.
 */
export class GroupCommit {
  readonly #connection: Pick<Connection, 'exec'>;
  readonly #log: CommitLog;
  readonly #gathering: Gathering;
  readonly #meter: CommitMeter | undefined;
  #waiting: Work[] = [];
  /** Work that is to be done as one. */
  #unit: Work[] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> | undefined;
  /** Work has waited for long enough. */
  #isDue = false;
  /** What became of what the disk did not take cannot be known any more: nothing is taken after it. */
  #broken: DmError | undefined;

  constructor(connection: Pick<Connection, 'exec'>, log: CommitLog, gathering: Gathering, meter?: CommitMeter) {
    this.#connection = connection;
    this.#log = log;
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
    if (this.#waiting.length >= MAX_BATCH) this.#begin();
    else this.#timer ??= setTimeout(() => this.#begin(), COLLECT_MS);
  }

  /** Commits what is waiting, and resolves when everything is durable. */
  async finish(): Promise<void> {
    this.#begin();
    await this.#committing;
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = this.#waiting.length > 0;
    if (this.#isDue) this.#committing ??= this.#commitDue();
  }

  async #commitDue(): Promise<void> {
    while (this.#isDue) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      this.#isDue = this.#waiting.length > 0;
      await this.#commit(batch);
    }
    this.#committing = undefined;
  }

  async #commit(batch: readonly Work[]): Promise<void> {
    const beganAt = performance.now();
    try {
      if (this.#broken) throw this.#broken;
      const tells = this.#runBare(batch) ?? this.#runGuarded(batch);
      await this.#makeDurable();
      this.#meter?.({ outcome: 'committed', works: batch.length, durationMs: performance.now() - beganAt });
      for (const tell of tells) tell();
    } catch (error) {
      this.#tryRollBack();
      this.#meter?.({ outcome: 'failed', works: batch.length, durationMs: performance.now() - beganAt });
      const reason = error === this.#broken ? error : writeFailure(error);
      for (const { reject } of batch) reject(reason);
    }
  }

  async #makeDurable(): Promise<void> {
    try {
      await this.#log.sync();
    } catch (error) {
      const why = 'the disk failed, and what it holds is known only after a restart';
      this.#broken = new DmError('STORE_WRITE', `the store could not be written: ${why}`, { cause: error });
      throw this.#broken;
    }
  }

  /**
   * Undefined when some work threw. A savepoint around each costs 1.6 us where the work itself takes 5 to 17 (Node 20,
   * 2 cores), and hardly any work throws: so the batch runs bare, and again with savepoints when it has to.
   */
  #runBare(batch: readonly Work[]): Tells | undefined {
    this.#connection.exec('BEGIN IMMEDIATE');
    let tells: Tells;
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

  #runGuarded(batch: readonly Work[]): Tells {
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
