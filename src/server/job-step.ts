import type { Refusal } from './answers.ts';

/** Something a person who watches a job wants to know; `step` is the step of the fan-out workflow it shows. */
export interface JobEvent {
  readonly step?: number | undefined;
  readonly what: string;
}

/** Where a job goes after an exchange. */
export type Advance<State> =
  | { readonly kind: 'next'; readonly state: State; readonly events: readonly JobEvent[] }
  | { readonly kind: 'done'; readonly events: readonly JobEvent[] }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** The end of a job that cannot go on. */
export type Failure = Extract<Advance<never>, { kind: 'failed' }>;

/** The peer refused. */
export function failure(what: string, refusal: Refusal): Failure {
  const cause = refusal.cause === undefined ? '' : `: ${refusal.cause}`;
  return { kind: 'failed', code: `STATUS_${refusal.status}`, message: `${what} with ${refusal.status}${cause}` };
}

/**
 * The peer ended its package and left a Status out. It may have executed the command: to ask the same again, and again,
 * would not bring the Status, and could do the work twice. A session that breaks off is no such case. [REPPRO 6]
 */
export function missingStatus(what: string): Failure {
  return {
    kind: 'failed',
    code: 'STATUS_MISSING',
    message: `${what} was left without a Status: the gateway ended its package and did not answer it`,
  };
}

/** The peer answered with more than is taken for one exchange. */
export function tooMuch(maxBytes: number): Failure {
  return {
    kind: 'failed',
    code: 'ANSWERS_TOO_LARGE',
    message: `the gateway answered with more than ${maxBytes} bytes to what it was sent`,
  };
}
