import { decodeDeResult } from '../../src/fanout/de-result.ts';
import {
  type Assignment,
  type Carrier,
  createFanOutEngine,
  type FanOutEngine,
  type StartRequest,
} from '../../src/fanout/engine.ts';
import type { Outcome } from '../../src/fanout/outcome.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/fanout/policy.ts';
import type { Run, Target } from '../../src/fanout/store.ts';
import { SILENCE_MS } from '../../src/fanout/window.ts';
import { STATUS } from '../../src/protocol/message/codes.ts';
import { type Answer, commandName, everyCommand, type RequestCommand } from '../../src/protocol/message/message.ts';
import { FakeClock, quiet } from './fake-clock.ts';
import type { MemberDevice } from './memory-rows.ts';
import { MemoryFanOutStore } from './memory-store.ts';

/** What a device does when it is notified; it starts a moment later. */
export type Behaviour = (device: SimulatedDevice) => Promise<void>;

/** How long a device takes from the notification to its session, and from the commands to its answer. */
const LATENCY_MS = 100;

/** What the engine keeps of the answer of one device. */
export const MAX_ANSWER_BYTES = 10_000;

export const GET: RequestCommand = { kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] };
export const EXEC: RequestCommand = { kind: 'Exec', cmdId: '2', items: [{ target: { locUri: './Reboot' } }] };

/** The device will tell its end with a Generic Alert. */
export const UPDATE: RequestCommand = {
  kind: 'Exec',
  cmdId: '3',
  correlator: 'fw-1',
  items: [{ target: { locUri: './FUMO/Update' } }],
};

const CARRIER: Carrier = { form: { encoding: 'xml' }, maxMsgBytes: undefined, maxObjBytes: undefined };

/** A Status of each command, nested ones included. */
export function statuses(commands: readonly RequestCommand[], code: number = STATUS.ok): readonly Answer[] {
  return [...everyCommand(commands)].map((command) => ({
    kind: 'Status',
    cmdRef: command.cmdId,
    cmd: commandName(command),
    targetRefs: [],
    sourceRefs: [],
    code,
    items: [],
  }));
}

/** The engine's side of one device in a test. */
class SimulatedDevice {
  readonly key: number;
  readonly #scenario: Scenario;

  constructor(scenario: Scenario, key: number) {
    this.#scenario = scenario;
    this.key = key;
  }

  get engine(): FanOutEngine {
    return this.#scenario.engine;
  }

  latency(delayMs = LATENCY_MS): Promise<void> {
    return new Promise((resolve) => void this.#scenario.clock.after(delayMs, resolve));
  }

  open(): void {
    this.#showLife();
    this.#scenario.notifiedAt.delete(this.key);
    this.engine.sessionOpened(this.key);
  }

  close(): void {
    this.#scenario.openSessions.delete(this.key);
    this.engine.sessionClosed(this.key);
  }

  /** The next commands, over a session without limits. */
  take(carrier: Partial<Carrier> = {}): Promise<Assignment | undefined> {
    this.#showLife();
    return this.engine.nextFor(this.key, { ...CARRIER, ...carrier });
  }

  /** A session that takes the commands of every run that waits, each handled by `handle` until it says no. */
  async session(handle: (assignment: Assignment) => Promise<boolean>, carrier: Partial<Carrier> = {}): Promise<void> {
    this.open();
    let goesOn = true;
    while (goesOn) {
      const assignment = await this.take(carrier);
      goesOn = assignment !== undefined && (await handle(assignment));
    }
    this.close();
  }

  #showLife(): void {
    this.#scenario.openSessions.set(this.key, this.#scenario.clock.now());
  }
}

/** Devices that do as they are meant to, or not. */
export const BEHAVIOUR = {
  answers: (device) =>
    device.session(async (assignment) => {
      await device.latency();
      await device.engine.answered(assignment, statuses(assignment.commands));
      return true;
    }),
  silent: () => Promise.resolve(),
  drops: (device) =>
    device.session(async (assignment) => {
      await device.latency();
      await device.engine.sessionLost(assignment, 'lost');
      return false;
    }),
  /** Takes the commands, and neither answers nor hangs up. */
  hangs: async (device) => {
    device.open();
    await device.take();
  },
  refusesUs: (device) =>
    device.session(async (assignment) => {
      await device.latency();
      await device.engine.sessionLost(assignment, 'refused');
      return false;
    }),
  cannotProveItself: (device) => device.engine.contactFailed(device.key, 'unauthorized'),
} as const satisfies Record<string, Behaviour>;

/** An engine over a memory store, with a group `all` of devices with the keys 1 to n. */
export class Scenario {
  readonly clock = new FakeClock();
  readonly store: MemoryFanOutStore;
  readonly notifications: { readonly key: number; readonly at: number; readonly run: number }[] = [];
  readonly refused = new Set<number>();
  readonly behaviours = new Map<number, Behaviour>();
  readonly openSessions = new Map<number, number>();
  /** When the devices were notified that have not come yet. */
  readonly notifiedAt = new Map<number, number>();
  /** The most slots that were taken right after a notification. */
  mostSlots = 0;
  readonly completed: Run[] = [];
  /** Runs as they were after each change of their state. */
  readonly changes: Run[] = [];
  readonly clockJumps: number[] = [];
  readonly alertedServers: string[] = [];
  readonly problems: string[] = [];
  engine: FanOutEngine;
  #otherwise: Behaviour = BEHAVIOUR.answers;
  #latencyMs = LATENCY_MS;

  constructor(devices: number | readonly MemberDevice[], Store: typeof MemoryFanOutStore = MemoryFanOutStore) {
    this.store = new Store({ all: typeof devices === 'number' ? devicesTo(devices) : devices, none: [] });
    this.engine = this.#create();
  }

  #create(): FanOutEngine {
    return createFanOutEngine({
      store: this.store,
      clock: this.clock,
      notifier: { notify: (target) => Promise.resolve(this.#notify(target)) },
      events: {
        runStarted: () => undefined,
        runCompleted: (run) => this.completed.push(run),
        runChanged: (run) => this.changes.push(run),
        clockJumped: (byMs) => this.clockJumps.push(byMs),
        alertReady: (serverId) => this.alertedServers.push(serverId),
        problem: (where) => this.problems.push(where),
      },
      random: () => 0,
      maxActiveRuns: 3,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
  }

  #notify({ deviceKey = 0, run }: Target): 'sent' | 'refused' {
    this.notifications.push({ key: deviceKey, at: this.clock.now(), run });
    if (this.refused.has(deviceKey)) return 'refused';
    this.notifiedAt.set(deviceKey, this.clock.now());
    const signs = [...this.notifiedAt.values(), ...this.openSessions.values()];
    this.mostSlots = Math.max(this.mostSlots, signs.filter((at) => this.clock.now() - at < SILENCE_MS).length);
    if (this.#latencyMs === 0) void this.run(deviceKey);
    else this.clock.after(this.#latencyMs, () => void this.run(deviceKey));
    return 'sent';
  }

  /** Lets a device do what it does. */
  run(key: number): Promise<void> {
    return (this.behaviours.get(key) ?? this.#otherwise)(new SimulatedDevice(this, key));
  }

  /** What the devices without a behaviour of their own do. */
  everyDevice(behaviour: Behaviour): void {
    this.#otherwise = behaviour;
  }

  /** Devices begin what they do in the moment in which they are notified. */
  notifiedDevicesComeAtOnce(): void {
    this.#latencyMs = 0;
  }

  /** The process dies and another one takes over; sessions and timers of the old one are gone. */
  async restart(downMs = 0): Promise<void> {
    await this.engine.close();
    this.openSessions.clear();
    this.notifiedAt.clear();
    await this.clock.advance(downMs);
    this.engine = this.#create();
    await this.engine.open();
  }

  async start(policy: Partial<Policy> = {}, request: Partial<StartRequest> = {}): Promise<Run> {
    const run = await this.engine.startRun({
      fanOutRoot: './SCM',
      serverId: 'dm-server',
      group: 'all',
      commands: [GET, EXEC],
      correlator: undefined,
      policy: { ...DEFAULT_POLICY, ...policy },
      idempotencyKey: undefined,
      ...request,
    });
    await quiet();
    return run;
  }

  /** Status codes of a member's DeResult. */
  async codes(n: number, run = 1): Promise<readonly number[]> {
    const member = await this.store.member(run, n);
    return decodeDeResult(member?.deResult ?? '').flatMap((answer) => (answer.kind === 'Status' ? [answer.code] : []));
  }

  /** Outcomes of the run's members in their order. */
  async outcomes(run = 1): Promise<readonly Outcome[]> {
    const members = await this.store.members(run, 0, Infinity);
    return members.map(({ outcome }) => outcome);
  }
}

/** Devices that can be notified, with the keys 1 to `count`. */
export function devicesTo(count: number): readonly MemberDevice[] {
  return Array.from({ length: count }, (_, index) => ({
    deviceId: `urn:dev:${index + 1}`,
    deviceKey: index + 1,
    notifiable: true,
  }));
}
