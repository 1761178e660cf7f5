import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Path } from './management-object.ts';

/** Name of the root node. */
const ROOT_NAME = '.';

/** What a LocURI asks of its node instead of the value. [TND] */
export type LocUriQuery =
  | { readonly kind: 'prop'; readonly name: string }
  | { readonly kind: 'list'; readonly list: 'Struct' | 'StructData' }
  | {
      readonly kind: 'list';
      readonly list: 'TNDS';
      /** `+`: only these properties; `-`: all but these. */
      readonly sign: '+' | '-';
      readonly properties: readonly string[];
    };

/** A LocURI taken apart. */
export interface LocUri {
  readonly path: Path;
  /** Absent: the node itself. */
  readonly query: LocUriQuery | undefined;
}

/** Bounds on the LocURIs a tree accepts. */
export interface LocUriLimits {
  /** Names from the root down. */
  readonly maxDepth: number;
  readonly maxUriBytes: number;
  readonly maxNameBytes: number;
}

export const DEFAULT_LOC_URI_LIMITS: LocUriLimits = { maxDepth: 64, maxUriBytes: 4096, maxNameBytes: 1024 };

/**
 * Reads a LocURI relative to the root: `./A/B`, `A/B` or `.`; a leading `/` and blanks around it are tolerated. Throws
 * `StatusError` 400, 406 for a query that is not known, 414 beyond the limits. [TND]
 *
 * Choice: names are compared without their escapes of RFC 2396; a `%` that begins no escape stands for itself.
 */
export function parseLocUri(text: string, limits: LocUriLimits = DEFAULT_LOC_URI_LIMITS): LocUri {
  if (Buffer.byteLength(text) > limits.maxUriBytes) {
    throw tooLong(`LocURI is longer than ${limits.maxUriBytes} bytes`);
  }
  const [node = '', ...queries] = text.trim().split('?');
  const path = parsePath(node);
  if (path.length > limits.maxDepth) throw tooLong(`LocURI has more than ${limits.maxDepth} names`);
  const long = path.some((name) => Buffer.byteLength(name) > limits.maxNameBytes);
  if (long) throw tooLong(`a name of the LocURI is longer than ${limits.maxNameBytes} bytes`);
  return { path, query: queries.length === 0 ? undefined : parseQuery(queries.join('?')) };
}

/** A LocURI as it is always written: `./A/B`, or `.` for the root. [TND] */
export function formatLocUri(path: Path, query?: LocUriQuery): string {
  const node = [ROOT_NAME, ...path.map(escapedName)].join('/');
  if (query === undefined) return node;
  if (query.kind === 'prop') return `${node}?prop=${query.name}`;
  if (query.list !== 'TNDS') return `${node}?list=${query.list}`;
  return `${node}?list=TNDS${query.properties.map((name) => query.sign + name).join('')}`;
}

/** A name as it stands in a LocURI or a list of names: what would be read as something else is escaped. */
export function escapedName(name: string): string {
  return /[%?/]/.test(name) ? name.replace(/[%?/]/g, (character) => encodeURIComponent(character)) : name;
}

/** A name that a node can have. Throws `StatusError` 400. */
export function checkedName(name: string): string {
  if (name === '') throw malformed('LocURI has an empty name; allowed are ./A/B, A/B and .');
  if (name === '.' || name === '..') throw malformed(`LocURI has the name ${name}; names are never . or ..`);
  if (/[\x00-\x1f\x7f]/.test(name)) throw malformed('LocURI has a control character');
  if (name.includes('/')) throw malformed('a name never has a /, not even as an escape');
  return name;
}

function parsePath(node: string): Path {
  if (node === ROOT_NAME) return [];
  return node
    .replace(/^\.?\//, '')
    .split('/')
    .map(unescaped)
    .map(checkedName);
}

function unescaped(name: string): string {
  if (!name.includes('%')) return name;
  try {
    return decodeURIComponent(name.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  } catch {
    throw malformed('LocURI has an escape that is no UTF-8');
  }
}

function parseQuery(text: string): LocUriQuery {
  const [, key, value = ''] = /^([A-Za-z]+)=(.+)$/.exec(text) ?? [];
  if (key === undefined) throw malformed('LocURI has a malformed query; allowed are ?prop=Name and ?list=What');
  if (key === 'prop') {
    if (!/^[A-Za-z]+$/.test(value)) throw malformed('the name of a property has letters only');
    return { kind: 'prop', name: value };
  }
  if (key !== 'list') throw unknown(`the query ?${key} is not known; known are ?prop and ?list`);
  if (value === 'Struct' || value === 'StructData') return { kind: 'list', list: value };
  const [, suffix] = /^TNDS((?:\+[A-Za-z]+)*|(?:-[A-Za-z]+)+)$/.exec(value) ?? [];
  if (suffix !== undefined) {
    const properties = suffix.split(/[+-]/).slice(1);
    return { kind: 'list', list: 'TNDS', sign: suffix.startsWith('-') ? '-' : '+', properties };
  }
  if (value.startsWith('TNDS')) throw malformed('?list=TNDS takes +Name+Name or -Name-Name, never both signs');
  throw unknown('?list is not known; known are Struct, StructData and TNDS');
}

function malformed(message: string): StatusError {
  return new StatusError(STATUS.badRequest, 'TREE_LOC_URI', message);
}

function unknown(message: string): StatusError {
  return new StatusError(STATUS.featureNotSupported, 'TREE_LOC_URI_QUERY', message);
}

function tooLong(message: string): StatusError {
  return new StatusError(STATUS.uriTooLong, 'TREE_LOC_URI_LIMIT', message);
}
