import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';

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

interface PolicyRow {
  /** Name of the node, and in lower camel case of the key in configuration and API. */
  readonly node: string;
  readonly flag: string;
  readonly field: keyof Policy;
  /** Written in seconds, kept in milliseconds; or a plain number. */
  readonly unit: 's' | '';
  readonly min: number;
  readonly max: number;
  readonly initial: number;
  readonly meaning: string;
}

/** Every policy value: how it is called in the tree, as a flag, in configuration and API, and what it may be. [FANOUT 7] */
export const POLICY_ROWS = [
  {
    node: 'Concurrency',
    flag: '--concurrency',
    field: 'concurrency',
    unit: '',
    min: 1,
    max: 100_000,
    initial: 256,
    meaning: 'devices worked on at the same time',
  },
  {
    node: 'StartRate',
    flag: '--rate',
    field: 'startRate',
    unit: '',
    min: 0,
    max: 100_000,
    initial: 0,
    meaning: 'notifications a second, 0 = no limit',
  },
  {
    node: 'DeviceDeadline',
    flag: '--device-deadline',
    field: 'deviceDeadlineMs',
    unit: 's',
    min: 1,
    max: 2_592_000,
    initial: 120,
    meaning: 'seconds a device has from its first notification',
  },
  {
    node: 'RunDeadline',
    flag: '--deadline',
    field: 'runDeadlineMs',
    unit: 's',
    min: 1,
    max: 31_536_000,
    initial: 3_600,
    meaning: 'seconds the run has from Start',
  },
  {
    node: 'Attempts',
    flag: '--attempts',
    field: 'attempts',
    unit: '',
    min: 1,
    max: 100,
    initial: 3,
    meaning: 'notifications per device',
  },
  {
    node: 'Backoff',
    flag: '--backoff',
    field: 'backoffMs',
    unit: 's',
    min: 1,
    max: 86_400,
    initial: 5,
    meaning: 'seconds after the first notification, doubled each time',
  },
] as const satisfies readonly PolicyRow[];

/** Policy values as people write them, by node name; durations in seconds. */
export type PolicyInput = { readonly [K in (typeof POLICY_ROWS)[number]['node']]?: number | undefined };

/** The policy when nothing is configured. */
export const DEFAULT_POLICY: Policy = applyPolicy(
  { concurrency: 0, startRate: 0, deviceDeadlineMs: 0, runDeadlineMs: 0, attempts: 0, backoffMs: 0 },
  Object.fromEntries(POLICY_ROWS.map((row) => [row.node, row.initial])),
);

/** `base` with the given values instead of its own. Throws `StatusError` 400 that names the range; nothing is clamped. */
export function applyPolicy(base: Policy, input: PolicyInput): Policy {
  const policy: Record<keyof Policy, number> = { ...base };
  for (const row of POLICY_ROWS) {
    const value = input[row.node];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < row.min || value > row.max) {
      throw new StatusError(
        STATUS.badRequest,
        'FANOUT_POLICY',
        `${row.node} is ${value}; allowed is ${row.min} to ${row.max}`,
      );
    }
    policy[row.field] = row.unit === 's' ? value * 1000 : value;
  }
  return policy;
}
