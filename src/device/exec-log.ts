import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpochMs } from '../fanout/store.ts';
import { DmError } from '../protocol/errors.ts';

/** An Exec that a device executes. */
export interface ExecRecord {
  readonly deviceId: string;
  readonly locUri: string;
  readonly correlator: string | undefined;
}

/** Keeps what devices execute; absent where nothing is kept, so that it costs nothing. Durable when it resolves. */
export type ExecLog = (record: ExecRecord) => Promise<void>;

/** With the extension and in any escape it stays below what file systems take. */
const MAX_NAME_CHARS = 200;

/**
 * Appends each Exec as a line of JSON, synced, to the file of its device in `dir`, which is made when missing. Throws
 * `DmError` EXEC_LOG_OPEN; the log rejects with what the file system says.
 */
export async function openExecLog(dir: string, now: () => EpochMs): Promise<ExecLog> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    throw new DmError('EXEC_LOG_OPEN', `the directory ${dir} for executed commands cannot be made`, { cause: error });
  }
  return async ({ deviceId, locUri, correlator }) => {
    const at = new Date(now()).toISOString();
    const file = await open(join(dir, execLogName(deviceId)), 'a');
    try {
      await file.write(`${JSON.stringify({ deviceId, locUri, correlator: correlator ?? null, at })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  };
}

/** File of a device: its DeviceID with percent escapes or, where that is too long for a name, a digest of it. */
export function execLogName(deviceId: string): string {
  const escaped = encodeURIComponent(deviceId);
  const name = escaped.length <= MAX_NAME_CHARS ? escaped : createHash('sha256').update(deviceId).digest('hex');
  return `${name}.jsonl`;
}
