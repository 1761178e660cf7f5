import type { Answer } from '../protocol/message/message.ts';
import { textOf } from './answers.ts';

/** What can be done to a run, or asked of it, by a node of its own. [FANOUT 3] */
export type RunNode = 'State' | 'Pause' | 'Resume' | 'Cancel' | 'Retry';

/** A node of a run below `Ext/Runs` of the Fan-Out MO. */
export function runNodeUri(fanOutRoot: string, run: number, node: RunNode): string {
  return `${fanOutRoot}/FanOut/Ext/Runs/${run}/${node}`;
}

/** The number of the run whose results have this URL; undefined where the gateway numbers in another way. [FANOUT 3] */
export function runOfUrl(resultsUrl: string): number | undefined {
  const number = /\/Results([1-9]\d{0,14})$/.exec(resultsUrl)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** The results URL in the Status of the command with this CmdID; a gateway need not tell it. */
export function resultsUrlOf(answers: readonly Answer[], cmdId: string): string | undefined {
  for (const answer of answers) {
    if (answer.kind !== 'Status' || answer.cmdRef !== cmdId) continue;
    const text = textOf(answer.items[0]?.data)?.trim();
    if (text !== undefined && /^(\.?\/)?\S+\/\S+$/.test(text)) return relativeUri(text);
  }
  return undefined;
}

/** DM URIs are relative to the root; peers also write them with a leading slash. */
export function relativeUri(locUri: string): string {
  return locUri.startsWith('/') ? `.${locUri}` : locUri;
}
