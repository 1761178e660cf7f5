import { z } from 'zod';
import { countsSchema } from '../api/shapes.ts';
import { RefusedError, UsageError } from '../app/failure.ts';
import { OUTCOMES } from '../fanout/outcome.ts';
import { EXIT } from './exit-code.ts';
import { table } from './output.ts';

/** What both APIs say of a run; the rest is passed on. */
export const runSchema = z.looseObject({
  id: z.int(),
  state: z.string(),
  group: z.string(),
  resultsUrl: z.string().nullable(),
  counts: countsSchema.nullable(),
  correlator: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullish(),
  retryOf: z.object({ run: z.int(), outcomes: z.array(z.string()) }).nullish(),
  /** Of a gateway alone. */
  waitingFor: z.string().nullish(),
});
export type RunView = z.infer<typeof runSchema>;

const ENDED: readonly string[] = ['complete', 'failed', 'cancelled'];

export function hasEnded({ state }: RunView): boolean {
  return ENDED.includes(state);
}

/** The number that names a run. Throws `UsageError`. */
export function runNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`${text} is no run number`);
}

/** How many devices came to which outcome; empty while nothing is known. */
export function countsText({ counts }: Pick<RunView, 'counts'>): string {
  if (!counts) return '';
  const parts = OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => `${counts[outcome]} ${outcome}`);
  return `${counts.targets} devices: ${parts.join(', ')}`;
}

/** A run for people. */
export function describeRun(run: RunView): string {
  const rows = [
    ['run', String(run.id)],
    ['state', run.state],
    ['group', run.group],
    ['results', run.resultsUrl ?? '-'],
    ['outcomes', countsText(run) || '-'],
    ['started', run.startedAt],
    ['ended', run.endedAt ?? '-'],
  ];
  if (run.waitingFor) rows.push(['waiting for', run.waitingFor]);
  if (run.retryOf) rows.push(['retry of', `run ${run.retryOf.run}: ${run.retryOf.outcomes.join(', ')}`]);
  if (run.error) rows.push(['error', `${run.error.message} (${run.error.code})`]);
  return table(rows);
}

/** What the exit code says of a run that has ended. Throws `RefusedError` when the other side would not run it. */
export function exitCodeOfRun(run: RunView): number {
  if (run.error) throw new RefusedError(run.error.code, run.error.message);
  if (run.state === 'cancelled') return EXIT.cancelled;
  if (!run.counts || run.counts.succeeded === 0) return EXIT.refused;
  return run.counts.succeeded === run.counts.targets ? EXIT.ok : EXIT.someFailed;
}
