import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const lineSchema = z.object({ deviceId: z.string(), locUri: z.string(), correlator: z.string().nullable() });

/** By DeviceID, the Correlators of the Execs that the device executed, in order, as it wrote down before it answered. */
export async function executedBy(execLog: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const name of await readdir(execLog)) {
    const text = await readFile(join(execLog, name), 'utf8');
    // A process that was killed may leave half a line, of an Exec that it did not get to.
    for (const line of text.split('\n').slice(0, -1)) {
      const { deviceId, correlator } = lineSchema.parse(JSON.parse(line));
      const before = found.get(deviceId) ?? [];
      found.set(deviceId, [...before, correlator ?? '']);
    }
  }
  return found;
}

/** By `<device> <Correlator>`, how often the device executed such an Exec. */
export async function executions(execLog: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const [deviceId, correlators] of await executedBy(execLog)) {
    for (const correlator of correlators) {
      const key = `${deviceId} ${correlator}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
  }
  return found;
}
