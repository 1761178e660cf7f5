import type { Counts } from './outcome.ts';
import type { RunState } from './store.ts';

/** Data of the alert of a run. [FANOUT 6] */
const ALERT_DATA = {
  /** Every member succeeded. */ allSucceeded: 200,
  /** Finished; some members did not succeed. */ someSucceeded: 250,
  /** Finished; no member succeeded. */ noneSucceeded: 550,
  /** The run was cancelled. */ cancelled: 551,
} as const;

/** Data of the alert that announces the end of a run. [FANOUT 6] */
export function alertData(counts: Counts, state: RunState): number {
  if (state === 'cancelled') return ALERT_DATA.cancelled;
  if (counts.succeeded === counts.targets) return ALERT_DATA.allSucceeded;
  return counts.succeeded > 0 ? ALERT_DATA.someSucceeded : ALERT_DATA.noneSucceeded;
}

/** Mark of the alert: how much attention it asks for. [FANOUT 6] */
export function alertMark(data: number): 'informational' | 'warning' {
  return data === ALERT_DATA.allSucceeded ? 'informational' : 'warning';
}
