import { z } from 'zod';
import type { DmServer } from '../server/server.ts';
import type { Job, JobSpec } from '../store/server-store.ts';

/** What the routes of a DM Server share. */
export interface ServerRoutePorts {
  readonly server: DmServer;
  /** The gateway that was named, or the only one. Throws `DmError` API_BAD_REQUEST. */
  readonly chosen: (gatewayId: string | undefined) => string;
  /** A job of this kind, or of any. Throws `DmError` API_NOT_FOUND. */
  readonly requireJob: (id: number, kind: JobSpec['kind'] | undefined) => Promise<Job>;
}

/** Not needed when the DM Server has one gateway. */
export const gatewayId = z.string().min(1).optional();
