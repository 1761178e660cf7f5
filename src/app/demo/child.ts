import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { DmError } from '../../protocol/errors.ts';

const eventSchema = z.looseObject({ event: z.string() });
type ChildEvent = z.infer<typeof eventSchema>;

const STOP_MS = 10_000;

/** A role that runs as a process of its own and tells events as JSON lines on its standard output. */
export interface Child {
  readonly name: string;
  readonly pid: number | undefined;
  /** The last event of this kind, as soon as there is one. Rejects with DEMO_CHILD_ENDED when the process ends first. */
  event(kind: string): Promise<ChildEvent>;
  /** The last event of this kind so far. */
  latest(kind: string): ChildEvent | undefined;
  /** Asks it to end and waits; kills it when it takes too long. */
  stop(): Promise<void>;
  /** Ends it as a crash would, and waits. */
  kill(): Promise<void>;
}

/** Starts `dmgw <args>`; it ends with this process, because its standard input does. */
export function startChild(
  name: string,
  args: readonly string[],
  onLine: (line: string) => void,
  main: string = fileURLToPath(new URL('../../cli/main.js', import.meta.url)),
): Child {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const events = new Map<string, ChildEvent>();
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const callback of [...waiting]) callback();
  };
  const complaints: string[] = [];
  // What a process says before it is ready comes with the error when it ends: it is not said twice.
  let heldBack: string[] | undefined = [];
  const ended = endOf(child).then((how) => {
    wake();
    return how;
  });
  let hasEnded: string | undefined;
  void ended.then((how) => (hasEnded = how));

  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = eventSchema.safeParse(parseJson(line));
    if (!event.success) return;
    events.set(event.data.event, event.data);
    heldBack?.forEach(onLine);
    heldBack = undefined;
    wake();
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    complaints.push(line);
    if (complaints.length > 5) complaints.shift();
    if (heldBack) heldBack.push(line);
    else onLine(line);
  });
  child.stdin.on('error', () => undefined);

  return {
    name,
    pid: child.pid,
    latest: (kind) => events.get(kind),
    async event(kind) {
      for (;;) {
        const found = events.get(kind);
        if (found) return found;
        if (hasEnded !== undefined) {
          const said = complaints.length > 0 ? `: ${complaints.join(' | ')}` : '';
          throw new DmError('DEMO_CHILD_ENDED', `${name} ended (${hasEnded}) before it was ready${said}`);
        }
        await new Promise<void>((resolve) => {
          const done = (): void => {
            waiting.delete(done);
            resolve();
          };
          waiting.add(done);
          void ended.then(() => setImmediate(done));
        });
      }
    },
    async stop() {
      if (hasEnded !== undefined) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code ?? 'unknown'}`));
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
