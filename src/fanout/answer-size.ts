import type { Answer, Data, Item, Location } from '../protocol/message/message.ts';

/** What an answer takes besides its texts. */
const ANSWER_BYTES = 256;
const ITEM_BYTES = 128;

/** About what an answer takes while it is kept: its values and names, and something for each of its parts. */
export function answerBytes(answer: Answer): number {
  let bytes = ANSWER_BYTES;
  if (answer.kind === 'Status') {
    bytes += refBytes(answer.cmd);
    for (const targetRef of answer.targetRefs) bytes += refBytes(targetRef);
    for (const sourceRef of answer.sourceRefs) bytes += refBytes(sourceRef);
  }
  for (const item of answer.items) bytes += itemBytes(item);
  return bytes;
}

function refBytes(ref: string): number {
  return ITEM_BYTES + Buffer.byteLength(ref);
}

function itemBytes({ source, target, meta, data }: Item): number {
  const names = locationBytes(source) + locationBytes(target) + textBytes(meta?.type) + textBytes(meta?.format);
  return ITEM_BYTES + names + textBytes(data);
}

function locationBytes(location: Location | undefined): number {
  return location === undefined ? 0 : textBytes(location.locUri) + textBytes(location.locName);
}

function textBytes(text: Data | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text);
}
