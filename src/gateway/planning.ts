import { type Pace, type Plan, Planner } from '../fanout/plan.ts';
import type { Policy } from '../fanout/policy.ts';
import type { EpochMs, FanOutStore } from '../fanout/store.ts';
import { StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import type { GroupStore } from '../store/groups.ts';

const PAGE = 1_000;
/** Runs among which the one with the most answers shows how fast devices answer. */
const PACE_RUNS = 20;

interface PlanningPorts {
  readonly groups: Pick<GroupStore, 'exists' | 'resolvedMembers'>;
  readonly fanOut: Pick<FanOutStore, 'runs'>;
  readonly now: () => EpochMs;
}

/** What a start would ask for. */
export interface PlanRequest {
  readonly group: string;
  readonly commands: readonly RequestCommand[];
  readonly policy: Policy;
}

/** Says what a run would be without starting it. Throws `StatusError` 404 (no group) and 412 (no members). */
export type MakePlan = (request: PlanRequest) => Promise<Plan>;

/** Plans over the groups and the runs there have been; nothing is sent or stored. [FANOUT 7] */
export function createPlanning({ groups, fanOut, now }: PlanningPorts): MakePlan {
  async function pace(): Promise<Pace | undefined> {
    let most = 0;
    let pace: Pace | undefined;
    for (const { endedAt, firstSentAt, lastAnswerAt, counts, policy } of await fanOut.runs(undefined, PACE_RUNS)) {
      const answered = counts.succeeded + counts.failed;
      if (endedAt === undefined || firstSentAt === undefined || lastAnswerAt === undefined || answered <= most)
        continue;
      most = answered;
      const tookMs = Math.max(1, lastAnswerAt - firstSentAt);
      // No more than all of its devices can have been at work at once.
      pace = {
        membersPerSecond: (answered * 1000) / tookMs,
        concurrency: Math.min(policy.concurrency, counts.targets),
      };
    }
    return pace;
  }

  return async ({ group, commands, policy }) => {
    if (!(await groups.exists(group))) {
      throw new StatusError(STATUS.notFound, 'FANOUT_NO_GROUP', `there is no group ${group}`);
    }
    const planner = new Planner(commands, policy);
    const at = now();
    for (let after = 0; ;) {
      const { members } = await groups.resolvedMembers(group, after, PAGE, at);
      planner.add(
        members.map(({ deviceId, deviceKey, notify, maxMsgBytes, maxObjBytes }) => ({
          deviceId,
          hasAccount: deviceKey !== undefined,
          notifiable: notify !== undefined,
          maxMsgBytes,
          maxObjBytes,
        })),
      );
      const last = members.at(-1);
      if (!last || members.length < PAGE) break;
      after = last.n;
    }
    const plan = planner.plan(await pace());
    if (plan.targets > 0) return plan;
    throw new StatusError(STATUS.incompleteCommand, 'FANOUT_EMPTY_GROUP', `group ${group} has no members`);
  };
}
