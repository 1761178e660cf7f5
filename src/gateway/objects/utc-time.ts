import type { EpochMs } from '../../fanout/store.ts';

/** A time as the leaves of the gateway's objects show it: ISO 8601 in UTC. [FANOUT 3] */
export function utcTime(at: EpochMs | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
