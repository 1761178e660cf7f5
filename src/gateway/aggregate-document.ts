import type { FanOutStore, Member } from '../fanout/store.ts';
import { STATUS } from '../protocol/message/codes.ts';
import { pagesOf } from '../store/pages.ts';
import { executeCommands } from '../tree/executor.ts';
import type { Tree } from '../tree/tree.ts';
import { resultsUrl } from './objects/results-url.ts';

const PAGE = 500;
/** What the nodes of one member take at least in the document, besides its DeResult. */
const MEMBER_BYTES = 800;

/**
 * The results of a run as a TNDS document, as this server would Get them. Undefined: they take more than `maxBytes`, or
 * the server may not read them. The answers are measured before anything is made of them. [FANOUT 6]
 */
export async function aggregateDocument(
  tree: Tree,
  fanOut: Pick<FanOutStore, 'members'>,
  { run, serverId, maxBytes }: { readonly run: number; readonly serverId: string; readonly maxBytes: number },
): Promise<string | undefined> {
  let bytes = 0;
  for await (const { deResult } of pagesOf(PAGE, (last: Member | undefined) =>
    fanOut.members(run, last?.n ?? 0, PAGE),
  )) {
    bytes += MEMBER_BYTES + Buffer.byteLength(deResult ?? '');
    if (bytes > maxBytes) return undefined;
  }
  const locUri = `${resultsUrl(run)}?list=TNDS`;
  const get = { kind: 'Get', cmdId: '1', items: [{ target: { locUri } }] } as const;
  for await (const answer of executeCommands(tree, { serverId }, '1', [get])) {
    if (answer.kind === 'Status' && answer.code !== STATUS.ok) return undefined;
    const data = answer.kind === 'Results' ? answer.items[0]?.data : undefined;
    if (typeof data === 'string') return Buffer.byteLength(data) > maxBytes ? undefined : data;
  }
  return undefined;
}
