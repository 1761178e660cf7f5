import { isDeepStrictEqual } from 'node:util';
import type { Plan } from '../../fanout/plan.ts';
import type { EpochMs } from '../../fanout/store.ts';
import { StatusError } from '../../protocol/errors.ts';
import type { MakePlan, PlanRequest } from '../planning.ts';
import type { Behaviours, NodeBehaviour, NodeRow, NodeTable } from './node-table.ts';

/** How long a plan stands for the leaves that are read one after the other. */
const FRESH_MS = 2_000;
const NUMBER = { format: 'int', access: ['Get'], occurrence: 'ZeroOrOne' } as const satisfies NodeRow;
const TEXT = { format: 'chr', access: ['Get'], occurrence: 'ZeroOrOne' } as const satisfies NodeRow;

/** `Ext/Plan` of the Fan-Out MO: what Start would come to now, or why it would be refused. [FANOUT 7] */
export const PLAN_NODES = {
  'FanOut/Ext/Plan': { format: 'node', access: ['Get'], occurrence: 'One' },
  'FanOut/Ext/Plan/Refusal': TEXT,
  'FanOut/Ext/Plan/Targets': NUMBER,
  'FanOut/Ext/Plan/Sendable': NUMBER,
  'FanOut/Ext/Plan/Polling': NUMBER,
  'FanOut/Ext/Plan/XmlBytes': NUMBER,
  'FanOut/Ext/Plan/WbxmlBytes': NUMBER,
  'FanOut/Ext/Plan/NoAccount': NUMBER,
  'FanOut/Ext/Plan/OverMaxMsgSize': NUMBER,
  'FanOut/Ext/Plan/OverMaxObjSize': NUMBER,
  'FanOut/Ext/Plan/Hindered': TEXT,
  'FanOut/Ext/Plan/Waves': NUMBER,
  'FanOut/Ext/Plan/ExpectedSeconds': NUMBER,
} as const satisfies NodeTable;

interface PlanNodePorts {
  /** What Start would ask for, the same commands as long as they are written. Throws the `StatusError` that it would be refused with. */
  readonly request: () => Promise<PlanRequest>;
  readonly makePlan: MakePlan;
  readonly now: () => EpochMs;
}

/** A plan, or why there is none. */
type Planned =
  { readonly kind: 'plan'; readonly plan: Plan } | { readonly kind: 'refused'; readonly refusal: StatusError };

/** The plan of one instance, made when it is read. */
export function createPlanNodes({ request, makePlan, now }: PlanNodePorts): Behaviours<typeof PLAN_NODES> {
  let last: { readonly asked: PlanRequest; readonly at: EpochMs; readonly planned: Promise<Planned> } | undefined;

  async function planned(): Promise<Planned> {
    const asked = await attempt(request);
    if (asked instanceof StatusError) return { kind: 'refused', refusal: asked };
    const at = now();
    if (!last || !isSame(last.asked, asked) || at - last.at > FRESH_MS) last = { asked, at, planned: make(asked) };
    return last.planned;
  }

  async function make(asked: PlanRequest): Promise<Planned> {
    const plan = await attempt(() => makePlan(asked));
    return plan instanceof StatusError ? { kind: 'refused', refusal: plan } : { kind: 'plan', plan };
  }

  const ofPlan = (select: (plan: Plan) => string | number | undefined): NodeBehaviour<readonly []> => ({
    async read() {
      const made = await planned();
      return made.kind === 'plan' ? select(made.plan)?.toString() : undefined;
    },
  });

  return {
    'FanOut/Ext/Plan/Refusal': {
      async read() {
        const made = await planned();
        return made.kind === 'refused' ? `${made.refusal.status} ${made.refusal.message}` : undefined;
      },
    },
    'FanOut/Ext/Plan/Targets': ofPlan(({ targets }) => targets),
    'FanOut/Ext/Plan/Sendable': ofPlan(({ sendable }) => sendable),
    'FanOut/Ext/Plan/Polling': ofPlan(({ polling }) => polling),
    'FanOut/Ext/Plan/XmlBytes': ofPlan(({ packageBytes }) => packageBytes.xml),
    'FanOut/Ext/Plan/WbxmlBytes': ofPlan(({ packageBytes }) => packageBytes.wbxml),
    'FanOut/Ext/Plan/NoAccount': ofPlan(({ hindered }) => hindered['no-account']),
    'FanOut/Ext/Plan/OverMaxMsgSize': ofPlan(({ hindered }) => hindered.MaxMsgSize),
    'FanOut/Ext/Plan/OverMaxObjSize': ofPlan(({ hindered }) => hindered.MaxObjSize),
    'FanOut/Ext/Plan/Hindered': ofPlan(({ hinderedMembers }) =>
      hinderedMembers.map(({ deviceId, why }) => `${deviceId}: ${why}`).join('\n'),
    ),
    'FanOut/Ext/Plan/Waves': ofPlan(({ waves }) => waves),
    'FanOut/Ext/Plan/ExpectedSeconds': ofPlan(
      ({ expectedMs }) => expectedMs && Math.max(1, Math.round(expectedMs / 1000)),
    ),
  };
}

function isSame(one: PlanRequest, other: PlanRequest): boolean {
  return one.commands === other.commands && one.group === other.group && isDeepStrictEqual(one.policy, other.policy);
}

/** A refusal as a value. */
async function attempt<T>(work: () => Promise<T>): Promise<T | StatusError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
}
