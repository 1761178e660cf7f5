import type { EpochMs, Run, RunOutlook } from './store.ts';

/** What a run is waiting for, for people; undefined: it has ended. [FANOUT 7] */
export function waitingFor(run: Run, outlook: RunOutlook): string | undefined {
  switch (run.state) {
    case 'scheduled':
      return run.policy.notBefore === undefined ? 'its start' : `NotBefore ${timeOf(run.policy.notBefore)}`;
    case 'paused':
      return run.pauseCause === 'failures'
        ? `resume: more than ${run.policy.maxFailures} % of the devices so far did not succeed`
        : 'resume';
    case 'cancelling':
      if (outlook.hasHeld || outlook.dueAt !== undefined) return `${devices(run)}: those without commands end now`;
      return `${devices(run)} whose commands have left${until(outlook.endsAt)}`;
    case 'running':
      return [`${devices(run)}${until(outlook.endsAt)}`, ...nextTurn(outlook), `all by ${timeOf(run.endsAt)}`].join(
        '; ',
      );
    case 'complete':
    case 'cancelled':
      return undefined;
  }
}

function devices({ counts: { pending } }: Run): string {
  return pending === 1 ? '1 device' : `${pending} devices`;
}

function until(endsAt: EpochMs | undefined): string {
  return endsAt === undefined ? '' : `, the first until ${timeOf(endsAt)}`;
}

function nextTurn({ dueAt, endsAt, hasHeld, isUnderWay }: RunOutlook): readonly string[] {
  if (dueAt !== undefined && dueAt < (endsAt ?? Infinity)) return [`next turn at ${timeOf(dueAt)}`];
  return hasHeld && isUnderWay ? ['more after this wave'] : [];
}

function timeOf(at: EpochMs): string {
  return new Date(at).toISOString();
}
