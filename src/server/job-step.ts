import type { Refusal } from './answers.ts';

/** Something a person who watches a job wants to know; `step` is the step of the fan-out workflow it shows. */
export interface JobEvent {
  readonly step?: number | undefined;
  readonly what: string;
}

/** Where a job goes after an exchange. */
export type Advance<State> =
  | { readonly kind: 'next'; readonly state: State; readonly events: readonly JobEvent[] }
  /** The session ended before the answer: the same is asked again in the next one. */
  | { readonly kind: 'again'; readonly state: State }
  | { readonly kind: 'done'; readonly events: readonly JobEvent[] }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** The peer refused. */
export function failure(what: string, refusal: Refusal): Extract<Advance<never>, { kind: 'failed' }> {
  const cause = refusal.cause === undefined ? '' : `: ${refusal.cause}`;
  return { kind: 'failed', code: `STATUS_${refusal.status}`, message: `${what} with ${refusal.status}${cause}` };
}

export function lostAnswer<State>(state: State): Advance<State> {
  return { kind: 'again', state };
}
