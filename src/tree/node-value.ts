import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { Data, Item, Meta } from '../protocol/message/message.ts';
import type { Format, NodeInfo, NodeValue } from './management-object.ts';

/** Type of a leaf that was given none. [METINF 5] */
export const DEFAULT_TYPE = 'text/plain';
/** Format where Meta says none. [METINF 5] */
const DEFAULT_FORMAT: Format = 'chr';
const FORMATS: readonly Format[] = ['b64', 'bin', 'bool', 'chr', 'int', 'node', 'null', 'xml', 'date', 'time', 'float'];
/** Formats whose values are text, and what the text must look like. */
const TEXT_FORMATS: Partial<Readonly<Record<Format, RegExp>>> = {
  chr: /^/,
  date: /^/,
  time: /^/,
  b64: /^[A-Za-z0-9+/=\s]*$/,
  int: /^[+-]?\d+$/,
  bool: /^(?:true|false)$/,
  float: /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/,
};
const TNDS_TYPE = /^application\/vnd\.syncml\.dmtnds\+/i;

/** Meta of an Item; what it lacks stands at the command. [REPPRO 5] */
export function metaOf(item: Item, command: Meta | undefined): Meta {
  return { format: item.meta?.format ?? command?.format, type: item.meta?.type ?? command?.type };
}

/** Whether the value is a serialised subtree. [TNDS] */
export function isTnds(meta: Meta): boolean {
  return meta.type !== undefined && TNDS_TYPE.test(meta.type);
}

/**
 * The node an Add makes. Throws `StatusError` 400 or 415. [TND]
 *
 * Choice: what arrives as b64 is octets on their way through XML, so the new node has Format bin.
 */
export function newNodeOf(meta: Meta, data: Data | undefined): NodeValue {
  const format = formatOf(meta) ?? DEFAULT_FORMAT;
  if (format === 'node') return { format, type: meta.type ?? '', data: '' };
  const type = meta.type ?? DEFAULT_TYPE;
  if (format === 'b64') return { format: 'bin', type, data: fromBase64(required(data)) };
  return checked({ format, type, data: format === 'null' ? '' : required(data) });
}

/**
 * The new value of a leaf; what Meta leaves open stays as the node has it. Throws `StatusError` 400 or 415. [TND]
 *
 * Choice: b64 is how XML carries what it cannot hold, so it is decoded unless the node itself has Format b64: to text
 * where the node holds text, else to octets of Format bin.
 */
export function newValueOf(node: NodeInfo, meta: Meta, data: Data | undefined): NodeValue {
  const format = formatOf(meta) ?? node.format;
  const type = meta.type ?? node.type;
  if (format === 'null') return { format, type, data: '' };
  if (format !== 'b64' || node.format === 'b64') return checked({ format, type, data: required(data) });
  const octets = fromBase64(required(data));
  const text = node.format === 'bin' ? undefined : utf8Of(octets);
  return text === undefined
    ? { format: 'bin', type, data: octets }
    : checked({ format: node.format, type, data: text });
}

/** The value of a leaf as it goes into a message: octets where the node has Format bin. */
export function outgoing(format: Format, data: Data): Data {
  return format === 'bin' && typeof data === 'string' ? Buffer.from(data) : data;
}

function formatOf({ format }: Meta): Format | undefined {
  if (format === undefined) return undefined;
  // Peer: hs20-osu-client writes Format with a capital.
  const known = FORMATS.find((name) => name === format.trim().toLowerCase());
  if (known === undefined) throw unsupported(`Format ${format.slice(0, 20)}`);
  return known;
}

/** Choice: a value that is no value of its Format is an unsupported Format [415]. */
function checked(value: NodeValue): NodeValue {
  const pattern = TEXT_FORMATS[value.format];
  if (pattern === undefined) return { ...value, data: outgoing(value.format, value.data) };
  if (typeof value.data === 'string' && pattern.test(value.data)) return value;
  throw unsupported(`a value that is not Format ${value.format}`);
}

function required(data: Data | undefined): Data {
  if (data !== undefined) return data;
  throw new StatusError(
    STATUS.badRequest,
    'TREE_NO_DATA',
    'the Item has no Data; every Format but null and node needs it',
  );
}

function fromBase64(data: Data): Uint8Array {
  if (typeof data !== 'string' || !TEXT_FORMATS.b64?.test(data)) throw unsupported('a value that is not Format b64');
  return Buffer.from(data, 'base64');
}

function utf8Of(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

function unsupported(what: string): StatusError {
  return new StatusError(STATUS.unsupportedType, 'TREE_UNSUPPORTED', `${what} is not supported here`);
}
