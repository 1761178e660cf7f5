import { monitorEventLoopDelay } from 'node:perf_hooks';
import { z } from 'zod';

/** What the kernel and the event loop say of a process between two moments. */
export const usageSchema = z.object({
  /** User and system time of all threads. */
  cpuUs: z.number(),
  loopDelayP99Ms: z.number(),
  loopDelayMaxMs: z.number(),
  rssBytes: z.number(),
});
export type Usage = z.infer<typeof usageSchema>;

/** What a program of a benchmark does in its own process. */
export interface ProcessWork {
  readonly ready: unknown;
  /** By question. */
  readonly answers: Readonly<Record<string, () => unknown>>;
  close(): Promise<void>;
}

const fromParent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('order'), order: z.unknown() }),
  z.object({ kind: z.literal('question'), id: z.int(), question: z.string() }),
]);

/** A sample of the event loop each millisecond, which is part of every delay it reports. */
const LOOP_RESOLUTION_MS = 1;

/**
 * Serves the program that started this process: takes its order, answers its questions, ends with it. `start` and
 * `usage` are known in every process: what it took since the one when asked for the other.
 */
export function serveParent(begin: (order: unknown) => Promise<ProcessWork>): void {
  let work: ProcessWork | undefined;
  const usage = createUsage();
  const say = (message: unknown): void => void process.send?.(message);

  const answer = async (id: number, question: string): Promise<void> => {
    const known = { ...usage, ...work?.answers }[question];
    try {
      if (known === undefined) throw new TypeError(`nobody knows an answer to ${question}`);
      say({ kind: 'answer', id, answer: (await known()) ?? null });
    } catch (error) {
      say({ kind: 'failed', id, reason: String(error) });
    }
  };

  process.on('message', (message) => {
    const said = fromParent.parse(message);
    if (said.kind === 'question') {
      void answer(said.id, said.question);
      return;
    }
    begin(said.order).then(
      (begun) => {
        work = begun;
        say({ kind: 'ready', ready: begun.ready });
      },
      (error: unknown) => say({ kind: 'failed', id: 0, reason: String(error) }),
    );
  });
  process.on('disconnect', () => void Promise.resolve(work?.close()).finally(() => process.exit()));
}

function createUsage(): Readonly<Record<string, () => unknown>> {
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  let since = process.cpuUsage();
  return {
    start() {
      since = process.cpuUsage();
      loop.enable();
      loop.reset();
    },
    usage(): Usage {
      const { user, system } = process.cpuUsage(since);
      return {
        cpuUs: user + system,
        loopDelayP99Ms: loop.percentile(99) / 1e6,
        loopDelayMaxMs: loop.max / 1e6,
        rssBytes: process.memoryUsage.rss(),
      };
    },
  };
}
