import { applyPolicy, DEFAULT_POLICY, type PolicyInput, policyText } from '../fanout/policy.ts';
import { POLICY_ROWS } from '../fanout/policy-table.ts';
import { DmError, StatusError } from '../protocol/errors.ts';
import { STATUS } from '../protocol/message/codes.ts';
import {
  type FanOutSpec,
  type Job,
  type JobSpec,
  keyConflict,
  type PolicyTexts,
  type ServerStore,
} from '../store/server-store.ts';
import { runOfUrl } from './run-url.ts';
import type { DmServer } from './server.ts';

interface OrderPorts {
  readonly gatewayIds: readonly string[];
  /** Text that nobody guesses and that is never made twice. */
  newCorrelator(): string;
  now(): number;
  /** There is work for this gateway. */
  wake(gatewayId: string): void;
}

type Orders = Pick<DmServer, 'createGroup' | 'startFanOut' | 'planFanOut' | 'steerFanOut' | 'retryFanOut'>;

/** Takes orders: each is a durable job when its promise resolves, and its gateway is told to come. */
export function createOrders(store: ServerStore, ports: OrderPorts): Orders {
  async function order(gatewayId: string, spec: JobSpec, idempotencyKey: string | undefined): Promise<Job> {
    if (!ports.gatewayIds.includes(gatewayId)) {
      const known = ports.gatewayIds.join(', ');
      throw new DmError('GATEWAY_UNKNOWN', `there is no gateway ${gatewayId}; there are ${known}`);
    }
    const job = await store.createJob(gatewayId, spec, idempotencyKey, ports.now());
    ports.wake(gatewayId);
    return job;
  }

  /** One that was made up does not tell two orders apart; one that was given does. */
  async function orderFanOut(
    gatewayId: string,
    spec: Omit<FanOutSpec, 'kind' | 'correlator'>,
    correlator: string | undefined,
    idempotencyKey: string | undefined,
  ): Promise<number> {
    const ordered: FanOutSpec = { kind: 'fanout', ...spec, correlator: correlator ?? ports.newCorrelator() };
    const job = await order(gatewayId, ordered, idempotencyKey);
    const isOther = correlator !== undefined && job.spec.kind === 'fanout' && job.spec.correlator !== correlator;
    if (isOther && idempotencyKey !== undefined) throw keyConflict(idempotencyKey);
    return job.id;
  }

  async function fanOutOf(id: number): Promise<{ readonly job: Job; readonly spec: FanOutSpec; readonly run: number }> {
    const job = await store.job(id);
    if (job?.spec.kind !== 'fanout') throw new DmError('JOB_UNKNOWN', `there is no run ${id}`);
    const run = job.resultsUrl === undefined ? undefined : runOfUrl(job.resultsUrl);
    if (run !== undefined) return { job, spec: job.spec, run };
    throw notAllowed(`run ${id} is ${job.state}, and its gateway has not told yet which of its runs it is`);
  }

  return {
    async createGroup({ gatewayId, idempotencyKey, ...spec }) {
      return (await order(gatewayId, { kind: 'group', ...spec }, idempotencyKey)).id;
    },

    startFanOut: ({ gatewayId, idempotencyKey, correlator, policy, ...target }) =>
      orderFanOut(gatewayId, { ...target, policy: policyTexts(policy) }, correlator, idempotencyKey),

    async planFanOut({ gatewayId, policy, ...target }) {
      return (await order(gatewayId, { kind: 'plan', ...target, policy: policyTexts(policy) }, undefined)).id;
    },

    async steerFanOut(id, action) {
      const { job, spec, run } = await fanOutOf(id);
      if (job.endedAt !== undefined) throw notAllowed(`run ${id} has ended: it is ${job.state}`);
      const { fanOutRoot } = spec;
      return (await order(job.gatewayId, { kind: 'steer', fanOutRoot, action, job: id, run }, undefined)).id;
    },

    async retryFanOut({ job: id, outcomes, policy, correlator, idempotencyKey }) {
      const { job, spec, run } = await fanOutOf(id);
      if (job.endedAt === undefined)
        throw notAllowed(`run ${id} is ${job.state}; only a run that has ended can be retried`);
      const { fanOutRoot, group, commands } = spec;
      const retryOf = { job: id, run, outcomes };
      const target = { fanOutRoot, group, commands, policy: policyTexts(policy), retryOf };
      return orderFanOut(job.gatewayId, target, correlator, idempotencyKey);
    },
  };
}

/** What was ordered, as nodes hold it; a time that is empty is none. Throws `StatusError` 400. */
function policyTexts(input: PolicyInput): PolicyTexts | undefined {
  const policy = applyPolicy(DEFAULT_POLICY, input);
  const texts = POLICY_ROWS.flatMap((row) => {
    const text = input[row.node] === undefined ? undefined : policyText(row, policy);
    return text === undefined ? [] : [[row.node, text] as const];
  });
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}

function notAllowed(message: string): StatusError {
  return new StatusError(STATUS.commandNotAllowed, 'SERVER_RUN_STATE', message);
}
