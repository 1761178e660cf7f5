import type { ServerOutcome } from '../protocol/session/server-types.ts';

/** One message and its answer, sizes in bytes of the bodies. */
export interface DmExchange {
  readonly httpStatus: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Counts what happens at a DM endpoint. Must not throw. */
export interface DmMeter {
  answered(exchange: DmExchange): void;
  /** There were too many connections for one more. */
  connectionRefused(): void;
  sessionEnded(outcome: ServerOutcome | 'timed-out'): void;
}

/** What a DM endpoint holds at this moment. */
export interface DmLoad {
  readonly openSessions: number;
  readonly connections: number;
  /** Of messages that are being read or handled. */
  readonly bytesInFlight: number;
}
