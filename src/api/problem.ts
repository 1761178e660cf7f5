import { STATUS_CODES } from 'node:http';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { DmError, StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';

/** A problem document. `code` is stable; `detail` is for people. [RFC 9457 3] */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
}

/** HTTP status of the DmErrors that are the caller's to mend. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  API_NOT_FOUND: 404,
  API_BAD_REQUEST: 400,
  API_FOREIGN_HOST: 403,
  API_FOREIGN_ORIGIN: 403,
  API_RUN_MOVES: 409,
  API_TOO_MANY_STREAMS: 503,
  DEVICE_EXISTS: 409,
  DEVICE_UNKNOWN: 404,
  DEVICE_DECOMMISSIONED: 409,
  GROUP_EXISTS: 409,
  GATEWAY_UNKNOWN: 404,
  API_RESULTS_MISSING: 409,
  JOB_KEY_CONFLICT: 409,
  JOB_UNKNOWN: 404,
  STORE_WRITE: 507,
};

/** That what a path names is not there. */
export function notFound(what: string): DmError {
  return new DmError('API_NOT_FOUND', `there is no ${what}`);
}

/** What to answer for an error; nothing internal shows. */
export function problemOf(error: unknown, instance: string): Problem {
  const make = (status: number, code: string, detail: string): Problem => ({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    instance,
  });
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const where = first?.instancePath.replace(/^\//, '').replaceAll('/', '.');
    return make(400, 'API_BAD_REQUEST', `${where ? `${where}: ` : ''}${first?.message ?? 'invalid request'}`);
  }
  if (error instanceof StatusError) return make(httpStatusOf(error.status), error.code, error.message);
  if (error instanceof DmError && STATUS_OF_CODE[error.code] !== undefined) {
    return make(STATUS_OF_CODE[error.code] ?? 500, error.code, error.message);
  }
  const status = statusCodeOf(error);
  if (error instanceof Error && status !== undefined && status < 500) {
    return make(status, 'API_BAD_REQUEST', error.message);
  }
  return make(500, 'API_INTERNAL', 'the request failed; the log says why');
}

/**
 * A Status the DM peer would have got has the meaning of the HTTP status of the same number, where there is one. But
 * for 405: the API allows the request, and what it is about is in the wrong state.
 */
function httpStatusOf(status: number): number {
  if (status === STATUS.commandNotAllowed) return 409;
  return STATUS_CODES[status] ? status : 422;
}

function statusCodeOf(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}
