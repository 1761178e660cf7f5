import type { Answer, Data, Item } from '../protocol/message/message.ts';

/** Status codes that say a command was carried out or taken on. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300 && status !== 215 && status !== 216;
}

/** The first refusal among the Status of a command: the command is only done when each of its Items is. */
export interface Refusal {
  readonly status: number;
  /** What the peer said of it, if anything. */
  readonly cause: string | undefined;
}

/** How the command with this CmdID was answered: undefined when no Status came. */
export function statusOf(answers: readonly Answer[], cmdId: string): number | undefined {
  const statuses = answers.filter((answer) => answer.kind === 'Status' && answer.cmdRef === cmdId);
  const refused = statuses.find((answer) => answer.kind === 'Status' && !isSuccess(answer.code));
  const shown = refused ?? statuses[0];
  return shown?.kind === 'Status' ? shown.code : undefined;
}

/** The refusal of the command with this CmdID; undefined when each of its Status says success. */
export function refusalOf(answers: readonly Answer[], cmdId: string): Refusal | undefined {
  for (const answer of answers) {
    if (answer.kind !== 'Status' || answer.cmdRef !== cmdId || isSuccess(answer.code)) continue;
    return { status: answer.code, cause: textOf(answer.items[0]?.data) };
  }
  return undefined;
}

/** All Items of the Results for the command with this CmdID. */
export function resultItems(answers: readonly Answer[], cmdId: string): readonly Item[] {
  return answers.flatMap((answer) => (answer.kind === 'Results' && answer.cmdRef === cmdId ? answer.items : []));
}

/** Leaf values of Results by the part of their LocURI below `root`. */
export function valuesBelow(items: readonly Item[], root: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const prefix = `${root}/`;
  for (const item of items) {
    const locUri = item.source?.locUri;
    const text = textOf(item.data);
    if (locUri?.startsWith(prefix) && text !== undefined) values.set(locUri.slice(prefix.length), text);
  }
  return values;
}

/** The answers without what a Status with this code says. */
export function withoutStatus(answers: readonly Answer[], code: number): readonly Answer[] {
  return answers.filter((answer) => answer.kind !== 'Status' || answer.code !== code);
}

/** Names of children, as a Get of an interior node brings them. [TND] */
export function childNames(data: string | undefined): readonly string[] {
  return (data ?? '').split('/').filter((name) => name !== '');
}

/** Data as text; octets are no text. */
export function textOf(data: Data | undefined): string | undefined {
  return typeof data === 'string' ? data : undefined;
}
