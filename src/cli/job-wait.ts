import { z } from 'zod';
import type { ApiClient } from '../app/api-client.ts';
import { RefusedError } from '../app/failure.ts';

/** Work that a DM Server does on a gateway. */
export const jobSchema = z.looseObject({
  id: z.int(),
  state: z.string(),
  error: z.object({ code: z.string(), message: z.string() }).nullish(),
  plan: z.unknown(),
});

const POLL_MS = 200;

/** Waits for the end of a job. Throws `RefusedError` when it failed. */
export async function waitForJob(api: ApiClient, id: number): Promise<z.infer<typeof jobSchema>> {
  for (;;) {
    const job = await api.get(`/api/v1/jobs/${id}`, jobSchema);
    if (job.error) throw new RefusedError(job.error.code, job.error.message);
    if (job.state === 'complete') return job;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
