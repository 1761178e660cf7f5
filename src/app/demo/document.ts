import type { Counts } from '../../fanout/outcome.ts';

/** One step of the fan-out workflow, as one of the actors saw it happen. */
export interface DemoStep {
  /** 1 to 7. [FANOUT 2] */
  readonly step: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly what: string;
}

export interface DemoAlert {
  readonly type: string;
  readonly source: string;
  readonly data: string;
  readonly mark: string | null;
  readonly correlator: string | null;
}

/** What `dmgw demo --json` answers. */
export interface DemoDocument {
  readonly steps: readonly DemoStep[];
  /** Null when the gateway refused the run. */
  readonly run: {
    readonly number: number;
    readonly resultsUrl: string;
    readonly state: string;
    readonly counts: Counts;
  } | null;
  readonly alert: DemoAlert | null;
  /** What the DM Server got by Get at `resultsUrl`. */
  readonly results: readonly {
    readonly deviceId: string;
    readonly outcome: string;
    readonly deResult: string | null;
  }[];
  /** Why there was no run. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly elapsedMs: number;
}
