import { ALERT, STATUS } from '../protocol/message/codes.ts';
import type { AlertCommand, Data } from '../protocol/message/message.ts';
import { type Outcome, refused } from './outcome.ts';

/** What a user is shown or asked. [DMPROTO 10] */
export interface UserQuestion {
  readonly kind: 'display' | 'confirm' | 'text' | 'singleChoice' | 'multipleChoice';
  readonly text: string;
  /** Of the two choices; numbered from 1. */
  readonly choices: readonly string[];
  readonly options: UserOptions;
}

/** What the server says of how to ask; everything may be missing. [DMPROTO 10.3] */
export interface UserOptions {
  readonly minDisplayMs?: number | undefined;
  readonly maxDisplayMs?: number | undefined;
  /** What stands there before the user does anything; numbers of choices are separated by `-`. */
  readonly defaultResponse?: string | undefined;
  readonly maxLength?: number | undefined;
  /** A alphanumeric, N numeric, D date, T time, P phone number, I IP address. */
  readonly inputType?: string | undefined;
  /** T text, P password. */
  readonly echoType?: string | undefined;
}

/** What came of a question. */
export type UserAnswer =
  | { readonly kind: 'shown' | 'yes' | 'no' | 'cancelled' | 'timedOut' | 'cannotShow' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'chosen'; readonly numbers: readonly number[] };

/** The user of a device. */
export interface UserInteraction {
  ask(question: UserQuestion): Promise<UserAnswer>;
}

const KINDS: Readonly<Record<number, UserQuestion['kind']>> = {
  [ALERT.display]: 'display',
  [ALERT.confirmOrReject]: 'confirm',
  [ALERT.textInput]: 'text',
  [ALERT.singleChoice]: 'singleChoice',
  [ALERT.multipleChoice]: 'multipleChoice',
};

/**
 * Executes an alert that a server sends: a question to the user, or nothing that belongs here [406]. [DMPROTO 10]
 *
 * Choice: a question without its text, or a choice of nothing, is incomplete [412].
 */
export async function executeAlert(user: UserInteraction | undefined, alert: AlertCommand): Promise<Outcome> {
  const kind = alert.code === undefined ? undefined : KINDS[alert.code];
  if (!user || !kind) return refused(STATUS.featureNotSupported);
  const [options, text, ...choices] = alert.items.map(({ data }) => data);
  const isChoice = kind === 'singleChoice' || kind === 'multipleChoice';
  if (text === undefined || (isChoice && choices.length === 0)) return refused(STATUS.incompleteCommand);
  const question = { kind, text: textOf(text), choices: choices.map(textOf), options: readOptions(textOf(options)) };
  return outcomeOf(await user.ask(question), question.options);
}

/** Whether the user ended what the alert was part of: what stands behind it there is not executed. [REPPRO 6.6.14] */
export function isEndedByUser({ code }: Outcome): boolean {
  return code === STATUS.notModified || code === STATUS.cancelled || code === STATUS.requestTimeout;
}

/** Reads the first Item of a user interaction. What is not known, or no value, is passed over. [DMPROTO 10.3] */
export function readOptions(text: string): UserOptions {
  const given = new URLSearchParams(text);
  const seconds = (name: string) => toMs(numberOf(given.get(name)));
  return {
    minDisplayMs: seconds('MINDT'),
    maxDisplayMs: seconds('MAXDT'),
    defaultResponse: given.get('DR') ?? undefined,
    maxLength: numberOf(given.get('MAXLEN')),
    inputType: oneOf('ANDTPI', given.get('IT')),
    echoType: oneOf('TP', given.get('ET')),
  };
}

/** Choice: text beyond MAXLEN is cut. */
function outcomeOf(answer: UserAnswer, { maxLength }: UserOptions): Outcome {
  switch (answer.kind) {
    case 'shown':
    case 'yes':
      return { code: STATUS.ok, items: [] };
    case 'no':
      return refused(STATUS.notModified);
    case 'cancelled':
      return refused(STATUS.cancelled);
    case 'timedOut':
      return refused(STATUS.requestTimeout);
    case 'cannotShow':
      return refused(STATUS.sizeTooBig);
    case 'text':
      return { code: STATUS.ok, items: [{ data: answer.text.slice(0, maxLength) }] };
    case 'chosen':
      return { code: STATUS.ok, items: answer.numbers.map((number) => ({ data: String(number) })) };
  }
}

function textOf(data: Data | undefined): string {
  return typeof data === 'string' ? data : Buffer.from(data ?? []).toString();
}

function numberOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function toMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

function oneOf(letters: string, text: string | null): string | undefined {
  return text?.length === 1 && letters.includes(text) ? text : undefined;
}
