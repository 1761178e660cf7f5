import { STATUS } from '../protocol/message/codes.ts';
import { attempt, DONE, type Execution, type Outcome } from './outcome.ts';
import { Stage } from './stage.ts';

/**
 * Runs a write of many steps so that all of them happen or none. Inside an Atomic the Atomic sees to that. Where what was
 * written cannot be taken back the outcome stays that of the step that failed, and the reason is reported.
 */
export async function allOrNothing(
  execution: Execution,
  work: (inside: Execution) => Promise<Outcome>,
): Promise<Outcome> {
  if (execution.stage) return work(execution);
  const stage = new Stage(execution.tree);
  const outcome = await attempt(execution, () => work({ ...execution, tree: stage.tree, stage }));
  const ended = outcome.code === STATUS.ok ? await attempt(execution, () => stage.commit().then(() => DONE)) : outcome;
  if (ended.code === STATUS.ok) return outcome;
  for (const failure of await stage.rollBack()) execution.report(failure);
  return ended;
}
