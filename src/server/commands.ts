import type { ExecCommand, Item, ItemCommand } from '../protocol/message/message.ts';

/** One value for a leaf that a DM Server sets. */
interface LeafValue {
  readonly locUri: string;
  readonly value: string;
}

/** Add or Replace of leaves with Format chr. */
export function write(kind: 'Add' | 'Replace', cmdId: string, leaves: readonly LeafValue[]): ItemCommand {
  return {
    kind,
    cmdId,
    meta: { format: 'chr', type: 'text/plain' },
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

/** Exec without an argument. */
export function exec(cmdId: string, locUri: string, correlator: string): ExecCommand {
  return { kind: 'Exec', cmdId, correlator, items: [{ target: { locUri } }] };
}
