import type { EpochMs } from '../fanout/store.ts';

/** A Generic Alert that a gateway passed on: what a device said of its own accord, or what the gateway says of one. */
export interface NewPassedOnAlert {
  readonly gatewayId: string;
  readonly at: EpochMs;
  /** Where at the gateway it comes from: the device's node in its inventory. */
  readonly source: string | undefined;
  /** A canonical SyncBody. */
  readonly alert: string;
}

export interface PassedOnAlert extends NewPassedOnAlert {
  readonly id: number;
}

/** Alerts that gateways passed on. Delivery is at least once, and each arrival is kept. Writes are durable when their promise resolves. */
export interface PassedOnAlertStore {
  add(alerts: readonly NewPassedOnAlert[]): Promise<void>;
  /** Alerts with `id < before`, newest first; of all gateways or of one. */
  list(before: number | undefined, limit: number, gatewayId?: string): Promise<readonly PassedOnAlert[]>;
  /** Forgets at most `limit` alerts that are older than `before`, or not among the newest `keep`. */
  prune(before: EpochMs, keep: number, limit: number): Promise<number>;
}
