import type { DmResponse } from './client-session.ts';

/** What a DM endpoint answers to one POST: a message, or an HTTP status for what cannot be answered by one. [HTTPBIND] */
export type HttpAnswer = { readonly kind: 'message'; readonly response: DmResponse } | HttpRefusal;

/** A POST that gets no message in return. */
export interface HttpRefusal {
  readonly kind: 'refused';
  readonly httpStatus: 400 | 404 | 405 | 413 | 415 | 500 | 503;
  /** One line for whoever reads the peer's log. */
  readonly reason: string;
  /** When it makes sense to come again, for 503. */
  readonly retryAfterS?: number | undefined;
}

/** A refusal, with its reason on one line of bounded length. */
export function refusal(httpStatus: HttpRefusal['httpStatus'], reason: string, retryAfterS?: number): HttpRefusal {
  return { kind: 'refused', httpStatus, reason: oneLine(reason), retryAfterS };
}

/** Text of a peer, fit for a log or an error: one line, at most `maxLength` characters. */
export function oneLine(text: string, maxLength = 300): string {
  const printable = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ').trim();
  return printable.length > maxLength ? `${printable.slice(0, maxLength)}…` : printable;
}
