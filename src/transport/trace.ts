import { mkdir, readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DmError } from '../protocol/errors.ts';
import type { Encoding } from '../protocol/codec.ts';

/** Keeps what goes over the wire. Absent where nothing is kept, so that it costs nothing. */
export interface Trace {
  /** Takes one HTTP body or notification; it is written later and must not be changed. */
  record(direction: 'in' | 'out', peer: string, format: Encoding | 'package0', bytes: Uint8Array): void;
  /**
   * Deletes the oldest files of this role: those older than `maxAgeMs` at `now` (epoch ms), and as many as are needed to
   * bring the others below `maxBytes`. Answers how many.
   */
  prune(limits: { readonly maxAgeMs: number; readonly maxBytes: number; readonly now: number }): Promise<number>;
  /** Resolves when everything is written; rejects with `DmError` TRACE_WRITE when something could not be. */
  close(): Promise<void>;
}

/**
 * Writes bodies and notifications to numbered files `000001-<role>-<in|out>-<peer>.(xml|wbxml|package0)` of a directory,
 * which is made when missing. Numbers go on after those of an earlier trace of the same role. The files hold credentials
 * as they went over the wire and are readable by their owner only.
 */
export async function openTrace(dir: string, role: string): Promise<Trace> {
  let number = highestNumber(await namesIn(dir), role);
  let written = Promise.resolve();
  let failure: unknown;
  return {
    record(direction, peer, format, bytes) {
      number += 1;
      const name = `${String(number).padStart(6, '0')}-${role}-${direction}-${fileNamePart(peer)}.${format}`;
      written = written
        .then(() => writeFile(join(dir, name), bytes, { mode: 0o600 }))
        .catch((error: unknown) => {
          failure ??= error;
        });
    },
    async prune({ maxAgeMs, maxBytes, now }) {
      const names = (await namesIn(dir)).filter((name) => isOfRole(name, role)).sort(byNumber);
      const files: { readonly path: string; readonly bytes: number; readonly isOld: boolean }[] = [];
      for (const name of names) {
        const path = join(dir, name);
        const found = await stat(path).catch(() => undefined);
        if (found) files.push({ path, bytes: found.size, isOld: found.mtimeMs < now - maxAgeMs });
      }
      let left = files.reduce((sum, { bytes }) => sum + bytes, 0);
      let deleted = 0;
      for (const { path, bytes, isOld } of files) {
        if (!isOld && left <= maxBytes) continue;
        await unlink(path);
        left -= bytes;
        deleted += 1;
      }
      return deleted;
    },
    async close() {
      await written;
      if (failure !== undefined) throw new DmError('TRACE_WRITE', `cannot write to ${dir}`, { cause: failure });
    },
  };
}

/** What is in the directory already. Throws `DmError` TRACE_OPEN. */
async function namesIn(dir: string): Promise<string[]> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return await readdir(dir);
  } catch (error) {
    throw new DmError('TRACE_OPEN', `the trace directory ${dir} cannot be made or read`, { cause: error });
  }
}

function highestNumber(names: readonly string[], role: string): number {
  return names.filter((name) => isOfRole(name, role)).reduce((highest, name) => Math.max(highest, numberOf(name)), 0);
}

function isOfRole(name: string, role: string): boolean {
  return /^\d{6,}-(.*)$/.exec(name)?.[1]?.startsWith(`${role}-`) ?? false;
}

function numberOf(name: string): number {
  return Number(/^\d+/.exec(name)?.[0]);
}

function byNumber(a: string, b: string): number {
  return numberOf(a) - numberOf(b);
}

/** A peer names itself: what is left cannot lead out of the directory. */
function fileNamePart(peer: string): string {
  return peer.replace(/[^A-Za-z0-9_.-]+/g, '_').slice(0, 80);
}
