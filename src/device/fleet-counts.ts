import type { EpochMs } from '../fanout/store.ts';
import type { ClientSessionOutcome } from '../transport/client-session.ts';
import type { Device, SessionReport } from './device.ts';

/** What a fleet has done so far. */
export interface FleetCounts {
  readonly devices: number;
  /** Devices that accepted a notification. */
  readonly devicesNotified: number;
  /** Devices that executed a command. */
  readonly devicesExecuted: number;
  readonly commandsExecuted: number;
  readonly firstExecutedAt: EpochMs | undefined;
  readonly lastExecutedAt: EpochMs | undefined;
  /** Sessions that ended. */
  readonly sessions: number;
  /** Sessions in which the server took all answers to its commands. */
  readonly answered: number;
  readonly outcomes: Readonly<Partial<Record<ClientSessionOutcome['kind'], number>>>;
}

/** Counts what the devices of a fleet do. */
export class FleetCounter {
  readonly #devices: number;
  readonly #notified = new Set<Device>();
  readonly #executed = new Set<Device>();
  readonly #outcomes: Partial<Record<ClientSessionOutcome['kind'], number>> = {};
  #commandsExecuted = 0;
  #firstExecutedAt: EpochMs | undefined;
  #lastExecutedAt: EpochMs | undefined;
  #sessions = 0;
  #answered = 0;

  constructor(devices: number) {
    this.#devices = devices;
  }

  notified(device: Device): void {
    this.#notified.add(device);
  }

  executed(device: Device, commands: number, now: EpochMs): void {
    this.#executed.add(device);
    this.#commandsExecuted += commands;
    this.#firstExecutedAt ??= now;
    this.#lastExecutedAt = now;
  }

  ended({ outcome, answered }: SessionReport): void {
    this.#sessions += 1;
    if (answered) this.#answered += 1;
    this.#outcomes[outcome.kind] = (this.#outcomes[outcome.kind] ?? 0) + 1;
  }

  counts(): FleetCounts {
    return {
      devices: this.#devices,
      devicesNotified: this.#notified.size,
      devicesExecuted: this.#executed.size,
      commandsExecuted: this.#commandsExecuted,
      firstExecutedAt: this.#firstExecutedAt,
      lastExecutedAt: this.#lastExecutedAt,
      sessions: this.#sessions,
      answered: this.#answered,
      outcomes: { ...this.#outcomes },
    };
  }
}
