import { describe, expect, it, onTestFinished } from 'vitest';
import { openServerStore } from '../store/sqlite/open.ts';
import { createOrders } from './orders.ts';

const FAN_OUT = {
  gatewayId: 'gw',
  fanOutRoot: './SCM',
  group: 'meters',
  commands: '<Get/>',
  policy: {},
  correlator: undefined,
  idempotencyKey: undefined,
};
const RETRY = { outcomes: ['failed'], policy: {}, correlator: undefined, idempotencyKey: undefined } as const;

async function opened() {
  const store = await openServerStore('sqlite::memory:');
  onTestFinished(() => store.close());
  const woken: string[] = [];
  let made = 0;
  const orders = createOrders(store, {
    gatewayIds: ['gw'],
    newCorrelator: () => `c-${(made += 1)}`,
    now: () => 1000,
    wake: (id) => woken.push(id),
  });
  return { store, orders, woken };
}

describe('orders of a DM Server', () => {
  it('server: keeps the policy of an order as nodes hold it, and nothing that was not ordered', async () => {
    const { store, orders } = await opened();
    const policy = {
      DeviceDeadline: 60,
      LateAlert: true,
      Waves: '10,50%',
      NotBefore: '2030-01-01T00:00Z',
      NotAfter: '',
    };
    await orders.startFanOut({ ...FAN_OUT, policy });
    await orders.startFanOut(FAN_OUT);
    expect((await store.job(1))?.spec).toMatchObject({
      policy: { DeviceDeadline: '60', LateAlert: 'true', Waves: '10,50%', NotBefore: '2030-01-01T00:00:00.000Z' },
    });
    expect(Object.keys((await store.job(1))?.spec ?? {})).not.toContain('idempotencyKey');
    expect((await store.job(2))?.spec).toEqual({
      kind: 'fanout',
      fanOutRoot: './SCM',
      group: 'meters',
      commands: '<Get/>',
      correlator: 'c-2',
    });
  });

  it('server: takes no policy out of range', async () => {
    const { store, orders } = await opened();
    const order = async () => orders.startFanOut({ ...FAN_OUT, policy: { Attempts: 101 } });
    await expect(order()).rejects.toMatchObject({ status: 400, code: 'FANOUT_POLICY' });
    expect(await store.job(1)).toBeUndefined();
  });

  it('server: steers a run that its gateway has named, and wakes the gateway', async () => {
    const { store, orders, woken } = await opened();
    const job = await orders.startFanOut(FAN_OUT);
    const state = { status: 405, code: 'SERVER_RUN_STATE' };
    await expect(orders.steerFanOut(job, 'pause')).rejects.toMatchObject(state);
    await store.change(job, { state: 'running', resultsUrl: './SCR/Results/Results7' });
    await expect(orders.retryFanOut({ ...RETRY, job })).rejects.toMatchObject(state);
    const id = await orders.steerFanOut(job, 'pause');
    expect((await store.job(id))?.spec).toEqual({ kind: 'steer', fanOutRoot: './SCM', action: 'pause', job, run: 7 });
    expect(woken).toEqual(['gw', 'gw']);
    await store.change(job, { state: 'complete', endedAt: 5 });
    await expect(orders.steerFanOut(job, 'cancel')).rejects.toMatchObject(state);
  });

  it('server: retries a run that has ended as a fan-out that is linked to it', async () => {
    const { store, orders } = await opened();
    const job = await orders.startFanOut(FAN_OUT);
    await store.change(job, { state: 'complete', endedAt: 5, resultsUrl: './SCR/Results/Results7' });
    const id = await orders.retryFanOut({ ...RETRY, job, idempotencyKey: 'k' });
    expect((await store.job(id))?.spec).toMatchObject({
      kind: 'fanout',
      group: 'meters',
      correlator: 'c-2',
      retryOf: { job, run: 7, outcomes: ['failed'] },
    });
    expect(await orders.retryFanOut({ ...RETRY, job, idempotencyKey: 'k' })).toBe(id);
    const other = orders.retryFanOut({ ...RETRY, outcomes: ['unknown'], job, idempotencyKey: 'k' });
    await expect(other).rejects.toMatchObject({ code: 'JOB_KEY_CONFLICT' });
    const policed = await orders.retryFanOut({ ...RETRY, policy: { Attempts: 2 }, job });
    expect((await store.job(policed))?.spec).toMatchObject({ policy: { Attempts: '2' } });
    const outOfRange = async () => orders.retryFanOut({ ...RETRY, policy: { Attempts: 101 }, job });
    await expect(outOfRange()).rejects.toMatchObject({ status: 400, code: 'FANOUT_POLICY' });
  });

  it('server: knows no run of a job that ordered none', async () => {
    const { orders } = await opened();
    const group = { gatewayId: 'gw', group: 'g', deviceIds: [], idempotencyKey: undefined };
    for (const id of [await orders.createGroup(group), 99]) {
      await expect(orders.steerFanOut(id, 'pause')).rejects.toMatchObject({ code: 'JOB_UNKNOWN' });
    }
  });
});
