import { ALERT, STATUS } from '../message/codes.ts';
import type {
  AlertCommand,
  Command,
  Data,
  ExecCommand,
  Item,
  ItemCommand,
  ResultsCommand,
  Unnumbered,
} from '../message/message.ts';
import { isOfSession } from './outgoing.ts';

/** A command that can carry a large object. */
type Carrying = ItemCommand | ExecCommand | AlertCommand | ResultsCommand;

/** A large object of which chunks have come, and more are to come. */
export interface Incoming {
  readonly command: Carrying;
  /** Absent where it was refused: what still comes of it is dropped. */
  readonly pieces: readonly Data[] | undefined;
  readonly bytes: number;
  /** Bytes announced with the first chunk. */
  readonly sizeBytes: number;
  /** Status for each of its chunks. */
  readonly code: number;
}

/** A command of a message, or of a large object the chunk that came. */
export interface Part {
  /** A large object that is whole stands where its last chunk stood, under the CmdID of that. */
  readonly command: Command;
  /** Status of a chunk: the command is answered by it and not handled any further. */
  readonly code: number | undefined;
}

/** What the commands of one message are once chunks are put together. */
export interface Assembled {
  /** In their order. */
  readonly parts: readonly Part[];
  /** A large object that another command broke off: it is lost. */
  readonly interrupted: Carrying | undefined;
  readonly incoming: Incoming | undefined;
}

/** Puts the chunks of large objects together, over messages; nothing of one is seen before it is whole. [DMPROTO 6.4] */
export function assemble(before: Incoming | undefined, body: readonly Command[], maxObjBytes: number): Assembled {
  const parts: Part[] = [];
  let incoming = before;
  let interrupted: Carrying | undefined;
  for (const command of body) {
    if (command.kind === 'Status' || isOfSession(command)) {
      parts.push({ command, code: undefined });
      continue;
    }
    if (incoming !== undefined && !continues(incoming, command)) {
      interrupted = incoming.command;
      incoming = undefined;
    }
    const item = chunkOf(command);
    if (item === undefined || (incoming === undefined && item.moreData !== true)) {
      parts.push({ command, code: undefined });
      continue;
    }
    incoming =
      incoming === undefined ? begun(command as Carrying, item, maxObjBytes) : grown(incoming, item, maxObjBytes);
    if (item.moreData === true) {
      parts.push({ command, code: incoming.code });
      continue;
    }
    const isWhole = incoming.pieces !== undefined && incoming.bytes === incoming.sizeBytes;
    const code = incoming.pieces === undefined ? incoming.code : STATUS.sizeMismatch;
    parts.push(isWhole ? { command: wholeOf(incoming, command as Carrying), code: undefined } : { command, code });
    incoming = undefined;
  }
  return { parts, interrupted, incoming };
}

/** Says that an object was broken off. [DMPROTO 8.7] */
export function noEndOfData({ items }: Carrying): Unnumbered<AlertCommand> {
  const [{ target, source } = {}] = items;
  return { kind: 'Alert', code: ALERT.noEndOfData, items: [{ target, source }] };
}

/** The object under the ids of its last chunk, with what the first one said of it. */
function wholeOf({ command, pieces = [] }: Incoming, last: Carrying): Carrying {
  const [first] = command.items;
  return { ...last, items: [{ ...first, data: joinedData(pieces), moreData: undefined }] };
}

/** The Item that can be a chunk: the only one of its command. */
function chunkOf(command: Command): Item | undefined {
  return 'items' in command && command.items.length === 1 ? command.items[0] : undefined;
}

/** Every chunk names the object again. Only the first has to say its size; some peers say it every time. */
function continues({ command: object, sizeBytes }: Incoming, command: Command): boolean {
  const item = chunkOf(command);
  if (item === undefined || command.kind !== object.kind) return false;
  const [first] = object.items;
  const isSameRef = command.kind !== 'Results' || object.kind !== 'Results' || command.cmdRef === object.cmdRef;
  return (
    isSameRef &&
    item.target?.locUri === first?.target?.locUri &&
    item.source?.locUri === first?.source?.locUri &&
    (item.meta?.size ?? sizeBytes) === sizeBytes
  );
}

function begun(command: Carrying, item: Item, maxObjBytes: number): Incoming {
  const sizeBytes = item.meta?.size ?? ('meta' in command ? command.meta?.size : undefined);
  const none = { command, pieces: undefined, bytes: 0, sizeBytes: sizeBytes ?? 0 };
  if (sizeBytes === undefined) return { ...none, code: STATUS.sizeRequired };
  if (sizeBytes > maxObjBytes) return { ...none, code: STATUS.tooLarge };
  return grown({ ...none, pieces: [], code: STATUS.chunkAccepted }, item, maxObjBytes);
}

function grown(object: Incoming, { data = '' }: Item, maxObjBytes: number): Incoming {
  if (object.pieces === undefined) return object;
  const bytes = object.bytes + Buffer.byteLength(data);
  if (bytes > maxObjBytes) return { ...object, pieces: undefined, code: STATUS.tooLarge };
  if (bytes > object.sizeBytes) return { ...object, pieces: undefined, code: STATUS.sizeMismatch };
  return { ...object, pieces: [...object.pieces, data], bytes };
}

function joinedData(pieces: readonly Data[]): Data {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}
