import type { FanOutEngine, RetryRequest, StartRequest } from '../fanout/engine.ts';
import type { Run } from '../fanout/store.ts';
import type { AuditNote } from './audit-trail.ts';

/** Starts and steers runs for somebody: the ServerID of a DM Server, or `api`. Throws like `FanOutEngine`. */
export interface RunControl {
  startRun(request: StartRequest, actor: string): Promise<Run>;
  retryRun(request: RetryRequest, actor: string): Promise<Run>;
  pauseRun(run: number, actor: string): Promise<Run>;
  resumeRun(run: number, actor: string): Promise<Run>;
  cancelRun(run: number, actor: string): Promise<Run>;
}

type Engine = Pick<FanOutEngine, 'startRun' | 'retryRun' | 'pauseRun' | 'resumeRun' | 'cancelRun'>;

/** The engine's control, noting who used it. */
export function createRunControl(engine: Engine, note: AuditNote): RunControl {
  async function noted(work: Promise<Run>, actor: string, action: string, detail = ''): Promise<Run> {
    const run = await work;
    await note(actor, action, `run ${run.number}`, detail);
    return run;
  }
  return {
    startRun: (request, actor) => noted(engine.startRun(request), actor, 'run.start', `group ${request.group}`),
    retryRun: (request, actor) =>
      noted(engine.retryRun(request), actor, 'run.retry', `run ${request.run}: ${request.outcomes.join(', ')}`),
    pauseRun: (run, actor) => noted(engine.pauseRun(run), actor, 'run.pause'),
    resumeRun: (run, actor) => noted(engine.resumeRun(run), actor, 'run.resume'),
    cancelRun: (run, actor) => noted(engine.cancelRun(run), actor, 'run.cancel'),
  };
}
