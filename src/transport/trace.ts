import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DmError } from '../protocol/errors.ts';
import type { Encoding } from '../protocol/codec.ts';

/** Keeps what goes over the wire. Absent where nothing is kept, so that it costs nothing. */
export interface Trace {
  /** Takes one HTTP body or notification; it is written later and must not be changed. */
  record(direction: 'in' | 'out', peer: string, format: Encoding | 'package0', bytes: Uint8Array): void;
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
  const numbers = names
    .map((name) => /^(\d{6,})-(.*)$/.exec(name))
    .filter((match) => match?.[2]?.startsWith(`${role}-`));
  return numbers.reduce((highest, match) => Math.max(highest, Number(match?.[1])), 0);
}

/** A peer names itself: what is left cannot lead out of the directory. */
function fileNamePart(peer: string): string {
  return peer.replace(/[^A-Za-z0-9_.-]+/g, '_').slice(0, 80);
}
