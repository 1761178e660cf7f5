import type { Clock } from '../fanout/engine.ts';
import { DmError } from '../protocol/errors.ts';
import type { GatewayLog } from './gateway.ts';

/** How long the store may refuse writes before that is said again. */
const REPEAT_MS = 10_000;

/**
 * The log, but for what many devices run into at once: that the store refuses writes is said once, and after that now
 * and then with how often it happened meanwhile.
 */
export function calmLog(log: GatewayLog, clock: Pick<Clock, 'now'>): GatewayLog {
  let saidAt = -Infinity;
  let unsaid = 0;
  return {
    info: (event, fields) => log.info(event, fields),
    warn: (event, fields) => log.warn(event, fields),
    error(event, fields = {}) {
      if (!(fields.err instanceof DmError && fields.err.code === 'STORE_WRITE')) {
        log.error(event, fields);
        return;
      }
      const now = clock.now();
      if (now - saidAt < REPEAT_MS) {
        unsaid += 1;
        return;
      }
      log.error(event, { ...fields, unsaid });
      saidAt = now;
      unsaid = 0;
    },
  };
}
