import { commandsFromElements, decodeFile } from '../protocol/codec.ts';
import { branch } from '../protocol/element.ts';
import type { Command } from '../protocol/message/message.ts';
import { commandXml } from '../protocol/xml/message-writer.ts';
import { writeXml } from '../protocol/xml/writer.ts';

/** Only text that `encodeSyncBody` wrote is read: what was in it has passed the limits of the peers it came from. */
const NO_LIMITS = { maxBytes: Infinity, maxDepth: Infinity, maxElements: Infinity };

const EMPTY = writeXml([branch('SyncBody', [])]);
const BEGINNING = EMPTY.replace(/\/>$/, '>');
const END = '</SyncBody>';

/** Commands as one SyncBody in XML without white space of its own; what XML cannot hold becomes Format b64. */
export function encodeSyncBody(commands: readonly Command[]): string {
  return joinSyncBody(commands.map((command) => commandXml(command)));
}

/** A SyncBody of what `commandXml` wrote. */
export function joinSyncBody(commands: readonly string[]): string {
  return commands.length === 0 ? EMPTY : [BEGINNING, ...commands, END].join('');
}

/** The commands of a SyncBody that `encodeSyncBody` wrote. */
export function decodeSyncBody(syncBody: string): readonly Command[] {
  const { elements } = decodeFile(Buffer.from(syncBody), NO_LIMITS);
  return elements.flatMap(({ children }) => commandsFromElements(children));
}
