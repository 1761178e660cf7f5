import { DmError } from '../protocol/errors.ts';

/**
 * Why a peer was not reached or its answer could not be used: `REFUSED` no connection; `LOST` the connection ended
 * before the answer was complete; `TIMEOUT`; `HTTP_STATUS` another one than 200; `MEDIA_TYPE` no DM message;
 * `TOO_LARGE` an answer beyond the limit; `URL` nothing that can be posted to; `CLOSED` on our side.
 */
export type TransportErrorCode =
  | 'TRANSPORT_REFUSED'
  | 'TRANSPORT_LOST'
  | 'TRANSPORT_TIMEOUT'
  | 'TRANSPORT_HTTP_STATUS'
  | 'TRANSPORT_MEDIA_TYPE'
  | 'TRANSPORT_TOO_LARGE'
  | 'TRANSPORT_URL'
  | 'TRANSPORT_CLOSED';

/** A message could not be exchanged. Its message names the peer and what happened. [HTTPBIND] */
export class TransportError extends DmError {
  declare readonly code: TransportErrorCode;
  /** HTTP status code of the answer, for TRANSPORT_HTTP_STATUS only. */
  readonly httpStatus: number | undefined;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions & { readonly httpStatus?: number }) {
    super(code, message, options);
    this.httpStatus = options?.httpStatus;
  }
}

/** The `code` of an error of Node or of a library; undefined where it has none. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
