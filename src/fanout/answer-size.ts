import type { Answer, Item } from '../protocol/message/message.ts';

/** What an answer takes besides its texts. */
const ANSWER_BYTES = 256;
const ITEM_BYTES = 128;

/** About what an answer takes while it is kept: its values and names, and something for each of its parts. */
export function answerBytes(answer: Answer): number {
  const { items } = answer;
  const refs = answer.kind === 'Status' ? [answer.cmd, ...answer.targetRefs, ...answer.sourceRefs] : [];
  const names = refs.reduce((sum, ref) => sum + ITEM_BYTES + Buffer.byteLength(ref), 0);
  return items.reduce((sum, item) => sum + itemBytes(item), ANSWER_BYTES + names);
}

function itemBytes({ source, target, meta, data = '' }: Item): number {
  const names = [source?.locUri, source?.locName, target?.locUri, target?.locName, meta?.type, meta?.format];
  return names.reduce(
    (sum, name = '') => sum + Buffer.byteLength(name),
    ITEM_BYTES + (typeof data === 'string' ? Buffer.byteLength(data) : data.length),
  );
}
