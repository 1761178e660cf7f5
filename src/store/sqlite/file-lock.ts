import type { Connection } from './driver.ts';

/**
 * Takes the database for this process until `closeLocked`, or until the process is gone, and makes every commit
 * durable. Throws what SQLite says when another process has it.
 */
export function lock(connection: Connection): void {
  connection.exec('PRAGMA locking_mode = EXCLUSIVE');
  connection.exec('PRAGMA journal_mode = WAL');
  connection.exec('PRAGMA synchronous = FULL');
  connection.exec('BEGIN EXCLUSIVE');
  connection.exec('COMMIT');
}

/**
 * Closes the connection and leaves a single file. The lock is given up by hand before: a connection of
 * `@photostructure/sqlite` lives on behind `close` for as long as one of its statements does.
 */
export function closeLocked(connection: Connection): void {
  try {
    connection.exec('PRAGMA journal_mode = DELETE');
    connection.exec('PRAGMA locking_mode = NORMAL');
    connection.exec('SELECT 1 FROM sqlite_schema');
  } catch {
    // The log stays beside the database, and whoever opens it next takes it in.
  }
  connection.close();
}
