import { decodeDeResult } from '../fanout/de-result.ts';
import { DmError } from '../protocol/errors.ts';
import type { Answer, Data } from '../protocol/message/message.ts';
import { printable, quoted } from './output.ts';

/** Answers on one line. */
const MAX_ANSWERS = 8;
const MAX_VALUE_CHARS = 30;
const MAX_FOREIGN_CHARS = 60;

/**
 * A DeResult on one line: CmdRef, Cmd and code of each Status, with the first value that came for it if asked for. One
 * that a gateway of others has in a form of its own is shown as its beginning.
 */
export function answersOf(deResult: string | null, withValues: boolean): string {
  if (deResult === null) return '-';
  try {
    return lineOf(decodeDeResult(deResult), withValues);
  } catch (error) {
    if (error instanceof DmError) return quoted(deResult, MAX_FOREIGN_CHARS);
    throw error;
  }
}

function lineOf(answers: readonly Answer[], withValues: boolean): string {
  const values = new Map<string, Data>();
  const statuses: Extract<Answer, { kind: 'Status' }>[] = [];
  for (const answer of answers) {
    if (answer.kind === 'Status') statuses.push(answer);
    else if (!values.has(answer.cmdRef)) values.set(answer.cmdRef, answer.items[0]?.data ?? '');
  }
  const parts = statuses.slice(0, MAX_ANSWERS).map(({ cmdRef, cmd, code }) => {
    const value = withValues ? values.get(cmdRef) : undefined;
    values.delete(cmdRef);
    return [printable(`${cmdRef} ${cmd}`), code, ...(value === undefined ? [] : [valueText(value)])].join(' ');
  });
  if (statuses.length > parts.length) parts.push(`${statuses.length - parts.length} more`);
  return parts.join(' · ');
}

function valueText(value: Data): string {
  return typeof value === 'string' ? quoted(value, MAX_VALUE_CHARS) : `(${value.length} bytes)`;
}
