import { parseArgs } from 'node:util';
import { DmError } from '../src/protocol/errors.ts';

/** What a benchmark is asked for; each takes of it what it can use. */
export interface BenchOptions {
  /** Undefined: what the benchmark takes by itself. */
  readonly devices: number | undefined;
  readonly encoding: 'xml' | 'wbxml';
  readonly auth: 'basic' | 'md5' | 'mac' | 'none';
  readonly store: 'sqlite';
  readonly connections: 'shared' | 'per-session';
  readonly client: 'raw' | 'undici';
  /** Runs of which the median counts. */
  readonly runs: number;
  readonly json: boolean;
  /** Folder for CPU profiles of the gateway, from the start of each fan-out to its last outcome; undefined: none are made. */
  readonly profile: string | undefined;
}

export const USAGE = `usage: npm run --silent bench -- [NAME] [--devices N] [--encoding xml|wbxml] [--auth basic|md5|mac|none]
  [--store sqlite] [--connections shared|per-session] [--client raw|undici] [--runs N] [--profile DIR] [--json]
`;

const DEFAULT_RUNS = 3;
const MAX_DEVICES = 200_000;

/** Reads the command line. Throws `DmError` BENCH_USAGE. */
export function parseOptions(args: readonly string[]): {
  readonly name: string | undefined;
  readonly options: BenchOptions;
} {
  const { values, positionals } = parsed(args);
  const [name, ...others] = positionals;
  if (others.length > 0) throw usage(`one NAME at most, not ${positionals.join(' ')}`);
  return {
    name,
    options: {
      devices: values.devices === undefined ? undefined : wholeNumber('devices', values.devices, MAX_DEVICES),
      encoding: choice('encoding', values.encoding, ['xml', 'wbxml']),
      auth: choice('auth', values.auth, ['md5', 'basic', 'mac', 'none']),
      store: choice('store', values.store, ['sqlite']),
      connections: choice('connections', values.connections, ['shared', 'per-session']),
      client: choice('client', values.client, ['raw', 'undici']),
      runs: values.runs === undefined ? DEFAULT_RUNS : wholeNumber('runs', values.runs, 100),
      json: values.json ?? false,
      profile: values.profile,
    },
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        devices: text,
        encoding: text,
        auth: text,
        store: text,
        connections: text,
        client: text,
        runs: text,
        profile: text,
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

/** The first of the allowed values is the one that is meant when none is given. */
function choice<Value extends string>(
  name: string,
  text: string | undefined,
  allowed: readonly [Value, ...Value[]],
): Value {
  const found = text === undefined ? allowed[0] : allowed.find((value) => value === text);
  if (found !== undefined) return found;
  throw usage(`--${name} is ${text ?? ''}; allowed is ${allowed.join(', ')}`);
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= max) return value;
  throw usage(`--${name} is ${text}; allowed is a whole number from 1 to ${max}`);
}

export function usage(message: string): DmError {
  return new DmError('BENCH_USAGE', message);
}
