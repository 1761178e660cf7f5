import { type FileHandle, open } from 'node:fs/promises';
import type { Connection } from './driver.ts';

/**
 * The log that commits are appended to. SQLite itself would wait for the disk inside COMMIT, and the whole process with
 * it: on most disks that takes longer than the rest of the transaction.
 */
export interface CommitLog {
  /** Resolves when everything that was committed before the call survives a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Of a database that is gone with its process. */
export const NO_LOG: CommitLog = {
  sync: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/**
 * Takes over from SQLite to make the commits to the database at `path` durable, which is locked for this connection and
 * has been written with `synchronous = FULL` until now: the log is in its directory for good. SQLite goes on syncing
 * where the order of log and database matters, around checkpoints. [SQLITE-WAL]
 */
export async function openCommitLog(connection: Pick<Connection, 'exec'>, path: string): Promise<CommitLog> {
  const file: FileHandle = await open(`${path}-wal`, 'r+');
  connection.exec('PRAGMA synchronous = NORMAL');
  return {
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}
