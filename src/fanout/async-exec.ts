import { STATUS } from '../protocol/message/codes.ts';
import type { AlertCommand, Answer, ExecCommand, Item, RequestCommand } from '../protocol/message/message.ts';
import { listed } from './command-list.ts';

/** The lowest Status code that says a command was not carried out. */
const FIRST_REFUSAL = 300;

/**
 * The Execs that a device took on with 202: it will tell their end with a Generic Alert. One that it refused as well was
 * not taken on. [FANOUT 5]
 */
export function acceptedExecs(commands: readonly RequestCommand[], answers: readonly Answer[]): readonly ExecCommand[] {
  const accepted = new Set<string>();
  for (const answer of answers) {
    if (answer.kind === 'Status' && answer.code === STATUS.accepted) accepted.add(answer.cmdRef);
  }
  if (accepted.size === 0) return [];
  for (const answer of answers) {
    if (answer.kind === 'Status' && answer.code >= FIRST_REFUSAL) accepted.delete(answer.cmdRef);
  }
  return listed(commands).every.filter(
    (command): command is ExecCommand => command.kind === 'Exec' && accepted.has(command.cmdId),
  );
}

/** How an alert names the Exec whose end it tells. */
export type ToldBy = 'correlator' | 'source';

/** Whether an alert tells the end of this Exec: by its Correlator, or where one of them has none by its Source. [FANOUT 5] */
export function tellsOf(alert: AlertCommand, exec: ExecCommand): ToldBy | undefined {
  if (alert.correlator !== undefined && exec.correlator !== undefined) {
    return alert.correlator === exec.correlator ? 'correlator' : undefined;
  }
  return itemOf(alert, exec) ? 'source' : undefined;
}

/** What the alert says of this Exec: its Data, trimmed. */
export function toldOf(alert: AlertCommand, exec: ExecCommand): string {
  const { data = '' } = itemOf(alert, exec) ?? alert.items[0] ?? {};
  return Buffer.from(data).toString().trim();
}

/** Whether Data of such an alert is 2xx. */
export function isAsyncSuccess(data: string): boolean {
  return /^2\d\d(?!\d)/.test(data);
}

function itemOf(alert: AlertCommand, exec: ExecCommand): Item | undefined {
  const targets = exec.items.flatMap(({ target }) => (target ? [normalised(target.locUri)] : []));
  return alert.items.find(({ source }) => source && targets.includes(normalised(source.locUri)));
}

/** `./X`, `/X` and `X` are the same node. */
function normalised(locUri: string): string {
  return locUri
    .trim()
    .replace(/^\.?\//, '')
    .replace(/\/$/, '');
}
