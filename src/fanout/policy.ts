/** What a run may take: its speed, its patience. Snapshot at Start. [FANOUT 7] */
export interface Policy {
  /** Open sessions plus devices notified less than 2 s ago. */
  readonly concurrency: number;
  /** Notifications a second; 0 = no limit. */
  readonly startRate: number;
  /** From a device's first notification; for a polling device from when its turn came. */
  readonly deviceDeadlineMs: number;
  /** From Start. */
  readonly runDeadlineMs: number;
  /** Notifications per device. */
  readonly attempts: number;
  /** Wait after the first notification; doubled each time, with jitter. */
  readonly backoffMs: number;
}

export const DEFAULT_POLICY: Policy = {
  concurrency: 256,
  startRate: 0,
  deviceDeadlineMs: 120_000,
  runDeadlineMs: 3_600_000,
  attempts: 3,
  backoffMs: 5_000,
};
