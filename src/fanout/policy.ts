import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import { POLICY_ROWS, type PolicyName, type PolicyRow } from './policy-table.ts';
import type { EpochMs } from './store.ts';
import { formatWaves, ONE_WAVE, parseWaves, type WaveSize } from './waves.ts';

/** What a run may take: its speed, its patience, its steps. Snapshot at Start. [FANOUT 7] */
export interface Policy {
  /** Devices that were notified, or said something in their session, less than 2 s ago. */
  readonly concurrency: number;
  /** Notifications a second; 0 = no limit. */
  readonly startRate: number;
  /** From a device's first notification; for a polling device from when its turn came. */
  readonly deviceDeadlineMs: number;
  /** From Start, or from `notBefore` where that is later. */
  readonly runDeadlineMs: number;
  /** Notifications per device. */
  readonly attempts: number;
  /** Wait after the first notification; doubled each time, with jitter. */
  readonly backoffMs: number;
  /** A device that has not come after its last attempt's wait: `wait` for it until its deadline, or `skip` it. */
  readonly offline: 'wait' | 'skip';
  /** Sizes of the waves; the last repeats. */
  readonly waves: readonly WaveSize[];
  /** At the end of a wave: with more of the settled members in percent not succeeded, the run pauses; 100 = never. */
  readonly maxFailures: number;
  /** Percent of the members settled at which a first alert goes out; 0 = none. */
  readonly quorum: number;
  /** Wall-clock: no member has its turn before. */
  readonly notBefore: EpochMs | undefined;
  /** Wall-clock: no commands leave from then on. */
  readonly notAfter: EpochMs | undefined;
  /** A 202 of a device is no end: its Generic Alert is. */
  readonly awaitAsync: boolean;
  /** Commands that may have run already may be sent again. */
  readonly repeatUnsafe: boolean;
  /** A late answer that changes an announced aggregate is alerted. */
  readonly lateAlert: boolean;
}

/** A policy value as people write it: durations in seconds, times in ISO 8601, waves as `10,50%`. */
export type PolicyValue = number | string | boolean;

/** Policy values as people write them, by node name. */
export type PolicyInput = { readonly [K in PolicyName]?: PolicyValue | undefined };

/** The policy when nothing is configured. */
export const DEFAULT_POLICY: Policy = {
  concurrency: 256,
  startRate: 0,
  deviceDeadlineMs: 120_000,
  runDeadlineMs: 3_600_000,
  attempts: 3,
  backoffMs: 5_000,
  offline: 'wait',
  waves: ONE_WAVE,
  maxFailures: 100,
  quorum: 0,
  notBefore: undefined,
  notAfter: undefined,
  awaitAsync: false,
  repeatUnsafe: false,
  lateAlert: false,
};

/**
 * `base` with the given values instead of its own. A value may come as text, as a node or a flag holds it; empty text
 * takes a time away. Throws `StatusError` 400 that names what is allowed; nothing is clamped.
 */
export function applyPolicy(base: Policy, input: PolicyInput): Policy {
  const changes: Partial<Record<keyof Policy, unknown>> = {};
  for (const row of POLICY_ROWS) {
    const value = input[row.node];
    if (value !== undefined) changes[row.field] = readPolicyValue(row, value);
  }
  const policy = { ...base, ...(changes as Partial<Policy>) };
  const { notBefore = -Infinity, notAfter = Infinity } = policy;
  if (notAfter <= notBefore) throw refused('NotAfter', input.NotAfter ?? '', 'a time after NotBefore');
  return policy;
}

/** What a row of the table makes of a value. Throws `StatusError` 400 that names what is allowed. */
export function readPolicyValue(row: PolicyRow, value: PolicyValue): Policy[keyof Policy] {
  switch (row.kind) {
    case 'int': {
      const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number) || number < row.min || number > row.max) {
        throw refused(row.node, value, allowedText(row));
      }
      return row.unit === 's' ? number * 1000 : number;
    }
    case 'choice': {
      const choice = row.choices.find((known) => known === value);
      if (choice === undefined) throw refused(row.node, value, allowedText(row));
      return choice;
    }
    case 'bool':
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw refused(row.node, value, allowedText(row));
    case 'waves':
      return parseWaves(String(value));
    case 'time':
      return readTime(row, value);
  }
}

/** A value of the policy as a node holds it; undefined: a time that is not set. */
export function policyText(row: PolicyRow, policy: Policy): string | undefined {
  const value = policy[row.field];
  switch (row.kind) {
    case 'int':
      return String(Number(value) / (row.unit === 's' ? 1000 : 1));
    case 'waves':
      return formatWaves(policy.waves);
    case 'time':
      return value === undefined ? undefined : new Date(Number(value)).toISOString();
    case 'choice':
    case 'bool':
      return `${policy[row.field] as string | boolean}`;
  }
}

/** A value of the policy as JSON holds it; undefined: a time that is not set. */
export function policyValue(row: PolicyRow, policy: Policy): PolicyValue | undefined {
  const text = policyText(row, policy);
  switch (row.kind) {
    case 'int':
      return Number(text);
    case 'bool':
      return text === 'true';
    case 'waves':
    case 'time':
    case 'choice':
      return text;
  }
}

/** What a row takes, in words. */
export function allowedText(row: PolicyRow): string {
  switch (row.kind) {
    case 'int':
      return `${row.min} to ${row.max}`;
    case 'choice':
      return row.choices.join(' or ');
    case 'bool':
      return 'true or false';
    case 'waves':
      return 'sizes such as 10,25%,100%';
    case 'time':
      return 'a time in UTC such as 2030-01-31T22:00:00Z';
  }
}

function readTime(row: PolicyRow, value: PolicyValue): EpochMs | undefined {
  if (value === '') return undefined;
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/.test(value);
  const time = isTime ? Date.parse(value) : NaN;
  // A day that its month does not have would be one of the next month.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== String(value).slice(0, 10)) {
    throw refused(row.node, value, allowedText(row));
  }
  return time;
}

function refused(node: string, value: PolicyValue, allowed: string): StatusError {
  return new StatusError(STATUS.badRequest, 'FANOUT_POLICY', `${node} is ${value}; allowed is ${allowed}`);
}
