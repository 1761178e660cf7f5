import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { DmError } from '../src/protocol/errors.ts';

const STOP_MS = 20_000;

const fromChild = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), ready: z.unknown() }),
  z.object({ kind: z.literal('answer'), id: z.int(), answer: z.unknown() }),
  z.object({ kind: z.literal('failed'), id: z.int(), reason: z.string() }),
]);

/** A process of a benchmark, as the program that started it sees it. It ends with that program. */
export interface BenchProcess {
  readonly pid: number;
  /** Asks it a question it knows; rejects with `DmError` BENCH_PROCESS when it cannot answer, or ends. */
  ask<T>(question: string, schema: z.ZodType<T>): Promise<T>;
  /** Most memory it ever had resident, as the kernel counts it (VmHWM). */
  peakRssBytes(): number;
  /** Lets it end by itself. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts one of the programs of this folder, gives it its order, and resolves with what it says when it is ready. */
export async function startProcess<Ready>(
  program: 'role-process' | 'fleet-process' | 'ceiling-process' | 'bare-server-process',
  order: unknown,
  schema: z.ZodType<Ready>,
): Promise<{ readonly process: BenchProcess; readonly ready: Ready }> {
  const child = fork(fileURLToPath(new URL(`./${program}.js`, import.meta.url)));
  const { pid } = child;
  if (pid === undefined) throw new DmError('BENCH_PROCESS', `${program} cannot be started`);
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let hasEnded = false;
  const failAll = (reason: string): void => {
    for (const { reject } of waiting.values()) reject(new DmError('BENCH_PROCESS', `${program}: ${reason}`));
    waiting.clear();
  };
  const ended = endOf(child).then((how) => {
    hasEnded = true;
    failAll(`ended (${how})`);
  });
  const ready = new Promise<unknown>((resolve, reject) => waiting.set(0, { resolve, reject }));
  child.on('message', (message) => {
    const said = fromChild.parse(message);
    const id = said.kind === 'ready' ? 0 : said.id;
    const asker = waiting.get(id);
    waiting.delete(id);
    if (said.kind === 'failed') asker?.reject(new DmError('BENCH_PROCESS', `${program}: ${said.reason}`));
    else asker?.resolve(said.kind === 'ready' ? said.ready : said.answer);
  });
  child.send({ kind: 'order', order });
  return {
    ready: schema.parse(await ready),
    process: {
      pid,
      async ask(question, answerSchema) {
        if (hasEnded) throw new DmError('BENCH_PROCESS', `${program} has ended`);
        asked += 1;
        const id = asked;
        const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }));
        child.send({ kind: 'question', id, question });
        return answerSchema.parse(await answer);
      },
      peakRssBytes: () => 1024 * Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
      async stop() {
        if (hasEnded) return;
        if (child.connected) child.disconnect();
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await ended;
        clearTimeout(timer);
      },
      async kill() {
        child.kill('SIGKILL');
        await ended;
      },
    },
  };
}

async function endOf(child: ChildProcess): Promise<string> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal ?? `exit code ${code ?? 'unknown'}`;
}
