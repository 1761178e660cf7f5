import type { EpochMs } from '../fanout/store.ts';
import type { OutgoingAlert } from '../protocol/session/client-types.ts';

/** An alert that a DM Server has not accepted yet, and what is to be done once it has answered. */
export interface WaitingAlert {
  /** No two alerts of all outboxes have the same, nor has one that has changed since. */
  readonly ref: string;
  alert(): Promise<OutgoingAlert['alert']>;
  /** How often it was sent in vain. */
  readonly attempts: number;
  accepted(): Promise<void>;
  /** Refused for good. */
  rejected(): Promise<void>;
  /** To be sent again; `status` is what the server answered, if it did. */
  deferred(dueAt: EpochMs, status: number | undefined): Promise<void>;
}

/** Alerts for one DM Server. */
export interface Outbox {
  /** The oldest of those that are due by then. */
  waiting(dueBy: EpochMs, limit: number): Promise<readonly WaitingAlert[]>;
  /** When the next one is due; undefined: there is none. */
  nextDueAt(): Promise<EpochMs | undefined>;
}
