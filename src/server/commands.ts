import type { ExecCommand, Item, ItemCommand } from '../protocol/message/message.ts';

/** One value for a leaf that a DM Server sets. */
interface LeafValue {
  readonly locUri: string;
  readonly value: string;
}

const TEXT = { format: 'chr', type: 'text/plain' } as const;

/** Add or Replace of leaves with Format chr. */
export function write(kind: 'Add' | 'Replace', cmdId: string, leaves: readonly LeafValue[]): ItemCommand {
  return {
    kind,
    cmdId,
    meta: TEXT,
    items: leaves.map(({ locUri, value }) => ({ target: { locUri }, data: value })),
  };
}

/** Add of an interior node; Data is empty and not absent, because clients are known to crash without it. */
export function addInterior(cmdId: string, locUri: string): ItemCommand {
  return { kind: 'Add', cmdId, meta: { format: 'node' }, items: [{ target: { locUri }, data: '' }] };
}

/** Get of nodes, several Items in one command. */
export function get(cmdId: string, locUris: readonly string[]): ItemCommand {
  return { kind: 'Get', cmdId, items: locUris.map((locUri): Item => ({ target: { locUri } })) };
}

/** Replace of leaves, each with its own Format. */
export function replaceAll(cmdId: string, leaves: readonly (LeafValue & { readonly format: string })[]): ItemCommand {
  return {
    kind: 'Replace',
    cmdId,
    items: leaves.map(({ locUri, value, format }) => ({
      target: { locUri },
      meta: { format, type: 'text/plain' },
      data: value,
    })),
  };
}

/** Delete of nodes, several Items in one command. */
export function remove(cmdId: string, locUris: readonly string[]): ItemCommand {
  return { kind: 'Delete', cmdId, items: locUris.map((locUri): Item => ({ target: { locUri } })) };
}

/** Exec; `correlator` comes back in the alert of what it starts. */
export function exec(
  cmdId: string,
  locUri: string,
  { correlator, data }: { readonly correlator?: string | undefined; readonly data?: string | undefined } = {},
): ExecCommand {
  const item: Item = data === undefined ? { target: { locUri } } : { target: { locUri }, meta: TEXT, data };
  return { kind: 'Exec', cmdId, correlator, items: [item] };
}
