import { pino } from 'pino';

/** Structured log of what an operator wants to know; callers pass no secrets, nonces or digests. */
interface Log {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** JSON lines on stderr: stdout belongs to answers. */
export function createLog(level: string, role: string): Log {
  const logger = pino({ level, base: { role }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
  return {
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
  };
}
