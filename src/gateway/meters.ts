import type { FanOutStore } from '../fanout/store.ts';
import type { Notifier } from '../fanout/engine.ts';
import type { SettledOutcome } from '../fanout/outcome.ts';
import type { ClientSessionOutcome } from '../transport/client-session.ts';
import type { DmMeter } from '../transport/dm-meter.ts';

/** Counts what a gateway does. Must not throw; nothing about a single device goes in. */
export interface GatewayMeters extends DmMeter {
  notified(outcome: 'sent' | 'refused'): void;
  /** A member settled; one whose answer came late settles a second time. */
  settled(outcome: SettledOutcome): void;
  /** A session with a DM Server is over. */
  managementSessionEnded(outcome: ClientSessionOutcome['kind']): void;
}

/** The notifier, counted. */
export function meteredNotifier(notifier: Notifier, meters: GatewayMeters | undefined): Notifier {
  if (!meters) return notifier;
  return {
    async notify(target) {
      const outcome = await notifier.notify(target);
      meters.notified(outcome);
      return outcome;
    },
  };
}

/** The store with the members counted that it settles, once that is durable. */
export function meteredStore(store: FanOutStore, meters: GatewayMeters | undefined): FanOutStore {
  if (!meters) return store;
  return {
    ...store,
    async settle(target, ending, now) {
      const settlement = await store.settle(target, ending, now);
      if (settlement.applied) meters.settled(ending.outcome);
      return settlement;
    },
    async claimDue(run, now, limits, decide) {
      const claim = await store.claimDue(run, now, limits, decide);
      for (const outcome of claim.settled) meters.settled(outcome);
      return claim;
    },
  };
}
