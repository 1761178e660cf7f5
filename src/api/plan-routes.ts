import { z } from 'zod';
import { parseCommands } from '../fanout/commands.ts';
import { applyPolicy, type Policy } from '../fanout/policy.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Api } from './listener.ts';
import { commandText, groupName, policyInput } from './shapes.ts';

const planSchema = z.object({
  targets: z.int(),
  sendable: z.int(),
  /** Of the sendable ones, devices that come when they poll. */
  polling: z.int(),
  packageBytes: z.object({ xml: z.int(), wbxml: z.int() }),
  hindered: z.object({ 'no-account': z.int(), MaxMsgSize: z.int(), MaxObjSize: z.int() }),
  /** The first 1,000 of them. */
  hinderedMembers: z.array(z.object({ deviceId: z.string(), hindrance: z.string(), why: z.string() })),
  waves: z.int(),
  /** Null: no run has shown how fast devices answer. */
  expectedMs: z.number().nullable(),
});

/** The API of a gateway: what a start would come to. */
export function addPlanRoutes(api: Api, gateway: Gateway, defaults: Policy): void {
  api.after(() => {
    api.post(
      '/api/v1/plans',
      {
        schema: {
          summary:
            'A dry run: members, sizes, who cannot succeed and why, expected duration; nothing is sent or stored',
          body: z.strictObject({ group: groupName, commands: commandText, policy: policyInput.optional() }),
          response: { 200: planSchema },
        },
      },
      async ({ body }) => {
        const plan = await gateway.planRun({
          group: body.group,
          commands: parseCommands(body.commands, undefined),
          policy: applyPolicy(defaults, body.policy ?? {}),
        });
        return { ...plan, hinderedMembers: [...plan.hinderedMembers], expectedMs: plan.expectedMs ?? null };
      },
    );
  });
}
