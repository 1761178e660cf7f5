import type { Counts } from './outcome.ts';
import type { RunState } from './store.ts';

/** Data of the alert of a run. [FANOUT 6] */
const ALERT_DATA = {
  /** So many members have settled as the quorum asks for; the run is still going. */ quorum: 101,
  /** Every member succeeded. */ allSucceeded: 200,
  /** Finished; some members did not succeed. */ someSucceeded: 250,
  /** Finished; no member succeeded. */ noneSucceeded: 550,
  /** The run was cancelled. */ cancelled: 551,
} as const;

/** Data of the alert that announces where a run stands: its end, or its quorum while it is still going. [FANOUT 6] */
export function alertData(counts: Counts, state: RunState): number {
  switch (state) {
    case 'scheduled':
    case 'running':
    case 'paused':
    case 'cancelling':
      return ALERT_DATA.quorum;
    case 'cancelled':
      return ALERT_DATA.cancelled;
    case 'complete':
      if (counts.succeeded === counts.targets) return ALERT_DATA.allSucceeded;
      return counts.succeeded > 0 ? ALERT_DATA.someSucceeded : ALERT_DATA.noneSucceeded;
  }
}

/**
 * Mark of the alert: how much attention it asks for. `failures` counts the members that have not succeeded so far;
 * it matters while the run is still going. [FANOUT 6]
 */
export function alertMark(data: number, failures = 0): 'informational' | 'warning' {
  if (data === ALERT_DATA.quorum) return failures > 0 ? 'warning' : 'informational';
  return data === ALERT_DATA.allSucceeded ? 'informational' : 'warning';
}
