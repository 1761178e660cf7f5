import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { DmError } from '../protocol/errors.ts';
import { configSchema, type Config } from './config-schema.ts';

/** A configuration that cannot be used; every finding is one line that names the key. */
export class ConfigError extends DmError {
  readonly findings: readonly string[];

  constructor(code: string, file: string, findings: readonly string[]) {
    super(code, findings.map((finding) => `${file}: ${finding}`).join('\n'));
    this.findings = findings;
  }
}

/** Where an effective value came from. */
export type Origin = 'default' | 'file' | `environment ${string}`;

interface LoadedConfig {
  readonly config: Config;
  /** Effective values by dotted key, with their origin; secrets show only where they are kept. */
  readonly values: readonly { readonly key: string; readonly value: string; readonly origin: Origin }[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks a configuration file; `DMGW_<SECTION>_<KEY>` overrides a key of a section. */
export async function loadConfig(file: string, environment: Environment): Promise<LoadedConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError('CONFIG_UNREADABLE', file, [
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'no such file' : 'cannot be read',
    ]);
  }
  return parseConfig(text, file, environment);
}

/** The same for text that is already there; `file` names it in messages. Throws `ConfigError`. */
export function parseConfig(text: string, file: string, environment: Environment): LoadedConfig {
  const document = parseDocument(text, { prettyErrors: true });
  const [syntax] = document.errors;
  if (syntax) throw new ConfigError('CONFIG_INVALID', file, [syntax.message.split('\n')[0] ?? 'is not YAML']);
  const raw: unknown = document.toJS();
  if (!isSection(raw)) throw new ConfigError('CONFIG_INVALID', file, ['is empty; the least it needs is role']);
  const origins = new Map<string, Origin>();
  const merged = withEnvironment(raw, environment, origins);
  const parsed = configSchema.safeParse(merged);
  if (!parsed.success) {
    const findings = parsed.error.issues.map((issue) => {
      const key = issue.path.join('.');
      if (issue.code === 'unrecognized_keys') return `unknown key ${[key, issue.keys[0]].filter(Boolean).join('.')}`;
      return `${key || 'configuration'}: ${issue.message}`;
    });
    throw new ConfigError('CONFIG_INVALID', file, findings);
  }
  const values = flatten(parsed.data).map(({ key, value }) => ({
    key,
    value,
    origin: origins.get(key) ?? (hasKey(raw, key.split('.')) ? ('file' as const) : ('default' as const)),
  }));
  return { config: parsed.data, values };
}

/** Reads the secrets that a configuration names. Files are relative to the configuration file. */
export function secretReader(configFile: string, environment: Environment) {
  return async (source: { file: string } | { env: string }, key: string): Promise<string> => {
    if ('env' in source) {
      const value = environment[source.env];
      if (value) return value;
      throw new ConfigError('CONFIG_SECRET', configFile, [`${key}: environment variable ${source.env} is not set`]);
    }
    try {
      const value = (await readFile(resolve(dirname(configFile), source.file), 'utf8')).replace(/\r?\n$/, '');
      if (value) return value;
    } catch {
      throw new ConfigError('CONFIG_SECRET', configFile, [`${key}: file ${source.file} cannot be read`]);
    }
    throw new ConfigError('CONFIG_SECRET', configFile, [`${key}: file ${source.file} is empty`]);
  };
}

type Section = Record<string, unknown>;

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `southbound.maxMsgBytes` is overridden by `DMGW_SOUTHBOUND_MAX_MSG_BYTES`. */
function environmentName(section: string, key: string): string {
  const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
  return `DMGW_${snake(section)}_${snake(key)}`;
}

function withEnvironment(raw: Section, environment: Environment, origins: Map<string, Origin>): Section {
  const role = configSchema.options.find((option) => option.shape.role.value === raw.role);
  if (!role) return raw;
  const merged: Section = { ...raw };
  for (const [section, schema] of Object.entries<object>(role.shape)) {
    for (const key of Object.keys(sectionShape(schema))) {
      const name = environmentName(section, key);
      const text = environment[name];
      if (text === undefined) continue;
      const old = merged[section];
      merged[section] = { ...(isSection(old) ? old : {}), [key]: scalar(text) };
      origins.set(`${section}.${key}`, `environment ${name}`);
    }
  }
  return merged;
}

function sectionShape(schema: object): Section {
  if ('shape' in schema && isSection(schema.shape)) return schema.shape;
  if ('unwrap' in schema && typeof schema.unwrap === 'function') {
    const inner: unknown = (schema as { unwrap(): unknown }).unwrap();
    return typeof inner === 'object' && inner !== null ? sectionShape(inner) : {};
  }
  return {};
}

function scalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function hasKey(raw: unknown, path: readonly string[]): boolean {
  const [head, ...rest] = path;
  if (head === undefined) return true;
  if (Array.isArray(raw)) return hasKey(raw[Number(head)] as unknown, rest);
  return isSection(raw) && head in raw && hasKey(raw[head], rest);
}

function flatten(value: unknown, prefix = ''): { key: string; value: string }[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [{ key: prefix, value: '[]' }];
    return value.flatMap((entry, index) => flatten(entry, `${prefix}.${index}`));
  }
  if (isSection(value)) {
    return Object.entries(value).flatMap(([key, entry]) => flatten(entry, prefix ? `${prefix}.${key}` : key));
  }
  return value === undefined ? [] : [{ key: prefix, value: `${value as string | number | boolean}` }];
}
