import type { Policy } from './policy.ts';

interface Names {
  /** Name of the node, and in lower camel case of the key in configuration and API. */
  readonly node: string;
  readonly flag: string;
  readonly field: keyof Policy;
  readonly meaning: string;
}

/** One value of a policy: what it is called and what it may be. */
export type PolicyRow = Names &
  (
    | {
        readonly kind: 'int';
        /** Written in seconds, kept in milliseconds; or a plain number. */
        readonly unit: 's' | '';
        readonly min: number;
        readonly max: number;
      }
    | { readonly kind: 'choice'; readonly choices: readonly ('wait' | 'skip')[] }
    | { readonly kind: 'waves' | 'time' | 'bool' }
  );

/** Every policy value: how it is called in the tree, as a flag, in configuration and API, and what it may be. [FANOUT 7] */
export const POLICY_ROWS = [
  {
    node: 'Concurrency',
    flag: '--concurrency',
    field: 'concurrency',
    kind: 'int',
    unit: '',
    min: 1,
    max: 100_000,
    meaning: 'devices worked on at the same time',
  },
  {
    node: 'StartRate',
    flag: '--rate',
    field: 'startRate',
    kind: 'int',
    unit: '',
    min: 0,
    max: 100_000,
    meaning: 'notifications a second, 0 = no limit',
  },
  {
    node: 'DeviceDeadline',
    flag: '--device-deadline',
    field: 'deviceDeadlineMs',
    kind: 'int',
    unit: 's',
    min: 1,
    max: 2_592_000,
    meaning: 'seconds a device has from its first notification',
  },
  {
    node: 'RunDeadline',
    flag: '--deadline',
    field: 'runDeadlineMs',
    kind: 'int',
    unit: 's',
    min: 1,
    max: 31_536_000,
    meaning: 'seconds the run has from Start',
  },
  {
    node: 'Attempts',
    flag: '--attempts',
    field: 'attempts',
    kind: 'int',
    unit: '',
    min: 1,
    max: 100,
    meaning: 'notifications per device',
  },
  {
    node: 'Backoff',
    flag: '--backoff',
    field: 'backoffMs',
    kind: 'int',
    unit: 's',
    min: 1,
    max: 86_400,
    meaning: 'seconds after the first notification, doubled each time',
  },
  {
    node: 'Offline',
    flag: '--offline',
    field: 'offline',
    kind: 'choice',
    choices: ['wait', 'skip'],
    meaning: 'a device that does not come after its attempts: wait until its deadline, or skip it',
  },
  {
    node: 'Waves',
    flag: '--waves',
    field: 'waves',
    kind: 'waves',
    meaning: 'sizes of the waves, numbers or %; the last repeats',
  },
  {
    node: 'MaxFailures',
    flag: '--max-failures',
    field: 'maxFailures',
    kind: 'int',
    unit: '',
    min: 0,
    max: 100,
    meaning: '% of the settled devices that may fail before the run pauses at the end of a wave, 100 = all',
  },
  {
    node: 'Quorum',
    flag: '--quorum',
    field: 'quorum',
    kind: 'int',
    unit: '',
    min: 0,
    max: 100,
    meaning: '% settled at which a first alert goes out, 0 = none',
  },
  {
    node: 'NotBefore',
    flag: '--not-before',
    field: 'notBefore',
    kind: 'time',
    meaning: 'no device has its turn before this time',
  },
  {
    node: 'NotAfter',
    flag: '--not-after',
    field: 'notAfter',
    kind: 'time',
    meaning: 'no commands leave from this time on',
  },
  {
    node: 'AwaitAsync',
    flag: '--await-async',
    field: 'awaitAsync',
    kind: 'bool',
    meaning: 'after a 202 wait for the alert of the device that says how it went',
  },
  {
    node: 'RepeatUnsafe',
    flag: '--repeat-unsafe',
    field: 'repeatUnsafe',
    kind: 'bool',
    meaning: 'send commands again that may have run already',
  },
  {
    node: 'LateAlert',
    flag: '--late-alert',
    field: 'lateAlert',
    kind: 'bool',
    meaning: 'alert again when a late answer changes the results',
  },
] as const satisfies readonly PolicyRow[];

/** Name of a policy node. */
export type PolicyName = (typeof POLICY_ROWS)[number]['node'];
