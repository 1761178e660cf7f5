import type { Answer, Item } from '../../src/protocol/message/message.ts';

/** A Status of a peer; `text` is its Item Data. */
export function status(cmdRef: string, code: number, text?: string): Answer {
  const items: Item[] = text === undefined ? [] : [{ data: text }];
  return { kind: 'Status', cmdRef, cmd: 'Replace', targetRefs: [], sourceRefs: [], code, items };
}

/** Results of a peer: values by LocURI. */
export function results(cmdRef: string, values: Readonly<Record<string, string>>): Answer {
  const items = Object.entries(values).map(([locUri, data]): Item => ({ source: { locUri }, data }));
  return { kind: 'Results', cmdRef, items };
}
