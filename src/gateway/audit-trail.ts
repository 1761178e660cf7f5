import type { EpochMs } from '../fanout/store.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Enrolment } from './enrolment.ts';
import type { GatewayLog } from './gateway.ts';

/** Who did it, as the audit calls whoever uses the API. */
export const API_ACTOR = 'api';

/** Keeps that somebody has done something. What was done stays done when it cannot be kept; it never rejects. */
export type AuditNote = (actor: string, action: string, subject: string, detail?: string) => Promise<void>;

/** Notes go to the store, and to the log when it fails. */
export function createAuditNote(audit: Pick<AuditStore, 'add'>, now: () => EpochMs, log: GatewayLog): AuditNote {
  return async (actor, action, subject, detail = '') => {
    try {
      await audit.add({ at: now(), actor, action, subject, detail });
    } catch (error) {
      log.error('audit could not be written', { actor, action, subject, err: error });
    }
  };
}

/** Enrolment through the API that is noted; nothing secret is in a note. */
export function auditedEnrolment(enrolment: Enrolment, note: AuditNote): Enrolment {
  return {
    async bootstrap(deviceId, request) {
      const enrolled = await enrolment.bootstrap(deviceId, request);
      await note(API_ACTOR, 'device.bootstrap', deviceId, request.create ? 'new account' : request.move ? 'moved' : '');
      return enrolled;
    },
    async rotate(deviceId, request) {
      const enrolled = await enrolment.rotate(deviceId, request);
      await note(API_ACTOR, 'device.rotate', deviceId);
      return enrolled;
    },
    async remove(deviceId, options) {
      const unreachable = await enrolment.remove(deviceId, options);
      await note(API_ACTOR, options.purge ? 'device.purge' : 'device.decommission', deviceId);
      return unreachable;
    },
  };
}
