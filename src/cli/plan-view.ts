import { z } from 'zod';
import { serverPlanSchema } from '../api/server-plan.ts';
import { type ApiOptions, chosenApi } from './api-option.ts';
import { jobSchema, waitForJob } from './job-wait.ts';
import { answer, answerJson, printable, table } from './output.ts';

type Plan = z.infer<typeof serverPlanSchema>;

/** Members that are shown with what is in their way; the others are only counted. */
const MAX_SHOWN = 20;

/** Asks what a start would come to, and tells it. Through the DM Server its job is waited for. */
export async function askForPlan(options: ApiOptions & { readonly json?: boolean }, order: unknown): Promise<void> {
  const api = chosenApi(options);
  const asked = await api.post('/api/v1/plans', order, z.looseObject({}));
  const plan = options.server === undefined ? asked : (await waitForJob(api, jobSchema.parse(asked).id)).plan;
  if (options.json) answerJson(plan);
  else answer(describe(serverPlanSchema.parse(plan)));
}

function describe({ packageBytes, hindered, hinderedMembers, expectedMs, ...plan }: Plan): string {
  const total = Object.values(hindered).reduce((sum: number, count) => sum + (count ?? 0), 0);
  const rows = [
    ['devices', String(plan.targets ?? '-')],
    ['can be sent to', `${plan.sendable ?? '-'}, ${plan.polling ?? '-'} of them when they poll`],
    ['cannot succeed', String(total)],
    ['package', `about ${packageBytes.xml ?? '-'} bytes in XML, ${packageBytes.wbxml ?? '-'} in WBXML`],
    ['waves', String(plan.waves ?? '-')],
    ['expected', expectedMs === null ? 'not known: no run has shown how fast' : `${Math.ceil(expectedMs / 1000)} s`],
  ];
  const shown = hinderedMembers.slice(0, MAX_SHOWN).map(({ deviceId, why }) => `  ${printable(`${deviceId}: ${why}`)}`);
  if (total > shown.length) shown.push(`  ${total - shown.length} more`);
  return [table(rows), ...shown].join('\n');
}
