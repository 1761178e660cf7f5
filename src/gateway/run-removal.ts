import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { GatewayStore } from '../store/gateway-store.ts';
import type { AuditNote } from './audit-trail.ts';
import { resultsUrl } from './objects/results-url.ts';

/** Forgets a run that has ended, with its results, for somebody. Throws `StatusError` 404 (no run) and 405 (it is active). */
export type RemoveRun = (run: number, actor: string) => Promise<void>;

export function createRunRemoval(store: Pick<GatewayStore, 'fanOut' | 'nodes'>, note: AuditNote): RemoveRun {
  return async (run, actor) => {
    if (await deleteRun(store, run)) return note(actor, 'run.delete', `run ${run}`);
    const found = await store.fanOut.run(run);
    if (!found) throw new StatusError(STATUS.notFound, 'FANOUT_NO_RUN', `there is no run ${run}`);
    throw new StatusError(
      STATUS.commandNotAllowed,
      'GATEWAY_RUN_ACTIVE',
      `run ${run} is ${found.state}; only a run that has ended can be deleted`,
    );
  };
}

/** Forgets a run and the ACL of its results; false when it has not ended or is not there. */
export async function deleteRun(
  { fanOut, nodes }: Pick<GatewayStore, 'fanOut' | 'nodes'>,
  run: number,
): Promise<boolean> {
  const isGone = await fanOut.deleteRun(run);
  if (isGone) await nodes.acls.forget(resultsUrl(run));
  return isGone;
}
