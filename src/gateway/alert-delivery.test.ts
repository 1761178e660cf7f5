import { describe, expect, it } from 'vitest';
import { countsFrom } from '../fanout/outcome.ts';
import type { PendingAlert, Run } from '../fanout/store.ts';
import { deliverAlerts, retryWaitMs } from './alert-delivery.ts';
import { completionAlert, createRunOutbox } from './run-outbox.ts';

const PENDING: PendingAlert = {
  id: 7,
  run: 2,
  serverId: 'srv',
  correlator: 'abc',
  data: 250,
  generation: 1,
  attempts: 1,
  dueAt: 0,
};

/** The outbox of a server that gets its alerts like this, noting what is asked of it. */
function outbox(...alerts: PendingAlert[]) {
  return outboxOf({}, ...alerts);
}

function outboxOf(
  options: {
    alerts?: 'completion' | 'aggregation';
    /** What its runs come to; default: they have ended. */
    run?: Partial<Run>;
    document?: string | undefined;
  },
  ...pending: PendingAlert[]
) {
  const calls: string[] = [];
  const noted = (what: string) => {
    calls.push(what);
    return Promise.resolve();
  };
  const counts = countsFrom({
    pending: 0,
    succeeded: 1,
    failed: 1,
    'timed-out': 0,
    unreachable: 0,
    unauthorized: 0,
    cancelled: 0,
    unknown: 0,
  });
  const runOutbox = createRunOutbox({
    server: { id: 'srv', alerts: options.alerts },
    fanOut: {
      dueAlerts: (_, dueBy, limit) => Promise.resolve(pending.filter(({ dueAt }) => dueAt <= dueBy).slice(0, limit)),
      nextAlertDueAt: () => Promise.resolve(undefined),
      alertAccepted: (id, generation) => noted(`accepted ${id} of generation ${generation}`),
      alertRejected: (id) => noted(`rejected ${id}`),
      alertDeferred: (id, dueAt) => noted(`deferred ${id} to ${dueAt}`),
      run: (number) => Promise.resolve({ number, counts, endedAt: 1, ...options.run } as Run),
    },
    aggregate: () => Promise.resolve('document' in options ? options.document : '<MgmtTree/>'),
    now: () => 100_000,
    log: { info: () => undefined, warn: (event) => void noted(event), error: () => undefined },
  });
  const session = () =>
    deliverAlerts({ outboxes: [runOutbox], retry: { firstMs: 2_000, maxMs: 10_000 }, now: () => 100_000 });
  return { calls, session, delivery: session() };
}

describe('alert of a run', () => {
  it('gateway: names the results, the registered type and the Correlator of the Exec', () => {
    expect(completionAlert(PENDING)).toEqual({
      kind: 'Alert',
      code: 1226,
      correlator: 'abc',
      items: [
        {
          source: { locUri: './SCR/Results/Results2' },
          meta: { type: 'urn:oma:at:oma-gwmo:completionstatus:1.0', format: 'int', mark: 'warning' },
          data: '250',
        },
      ],
    });
  });

  it('gateway: sends no Correlator when the Exec had none, and is informational when all succeeded', () => {
    const alert = completionAlert({ ...PENDING, correlator: undefined, data: 200 });
    expect(alert).not.toHaveProperty('correlator');
    expect(alert.items[0]?.meta?.mark).toBe('informational');
  });
});

describe('delivery of alerts', () => {
  it('gateway: hands each alert to a session once', async () => {
    const { delivery } = outbox(PENDING);
    expect((await delivery.take()).map(({ ref }) => ref)).toEqual(['run 7 1']);
    expect(await delivery.take()).toEqual([]);
  });

  it('gateway: lets alerts that were refused hold up no others, and sends them all the same', async () => {
    const refused = Array.from({ length: 60 }, (_, at) => ({ ...PENDING, id: at + 1, dueAt: 900_000 }));
    const { delivery } = outbox(...refused, { ...PENDING, id: 99 });
    const refs = (await delivery.take()).map(({ ref }) => ref);
    expect(refs.slice(0, 2)).toEqual(['run 99 1', 'run 1 1']);
    expect(refs).toHaveLength(50);
  });

  it.each([
    [200, 'accepted 7 of generation 1'],
    [202, 'accepted 7 of generation 1'],
    [415, 'rejected 7'],
    [500, 'deferred 7 to 104000'],
    [407, 'deferred 7 to 104000'],
  ])('gateway: after Status %i the alert is %s', async (status, call) => {
    const { delivery, calls } = outbox(PENDING);
    await delivery.take();
    await delivery.answered('run 7 1', status);
    await delivery.end();
    expect(calls).toEqual([call]);
  });

  it('gateway: hands an alert out again in the same session once it tells something else', async () => {
    const alerts = [PENDING];
    const { delivery } = outbox(...alerts);
    const { delivery: changing } = outboxOf({}, PENDING, { ...PENDING, generation: 2 });
    expect((await delivery.take()).length).toBe(1);
    expect((await changing.take()).map(({ ref }) => ref)).toEqual(['run 7 1', 'run 7 2']);
  });

  it.each([
    [{ counts: { targets: 10, pending: 5, succeeded: 5 } }, 'informational'],
    [{ counts: { targets: 10, pending: 5, succeeded: 4 } }, 'warning'],
  ])('gateway: tells of a quorum with %o as %s', async (run, mark) => {
    const { delivery } = outboxOf(
      { run: { ...run, endedAt: undefined } as unknown as Partial<Run> },
      { ...PENDING, data: 101 },
    );
    expect((await delivery.take())[0]?.alert.items[0]).toMatchObject({ data: '101', meta: { mark } });
  });

  it('gateway: brings the results with the alert where the server wants that', async () => {
    const { delivery } = outboxOf({ alerts: 'aggregation' }, PENDING);
    expect((await delivery.take())[0]?.alert).toMatchObject({
      code: 1226,
      correlator: 'abc',
      items: [
        {
          source: { locUri: './SCR/Results/Results2' },
          meta: { type: 'urn:oma:at:oma-gwmo:resultaggregation:1.0', format: 'xml', mark: 'warning' },
          data: '<MgmtTree/>',
        },
      ],
    });
  });

  it.each([
    ['they are too large for an object', { document: undefined }],
    ['the run is still going', { run: { endedAt: undefined } as unknown as Partial<Run> }],
  ])('gateway: leaves the results out when %s', async (_, options) => {
    const { delivery } = outboxOf({ alerts: 'aggregation', ...options }, PENDING);
    expect((await delivery.take())[0]?.alert.items[0]?.data).toBe('250');
  });

  it('gateway: leaves the results out after the server said that they are too large', async () => {
    const { session } = outboxOf({ alerts: 'aggregation' }, PENDING);
    const first = session();
    expect((await first.take())[0]?.alert.items[0]?.data).toBe('<MgmtTree/>');
    await first.answered('run 7 1', 413);
    expect((await session().take())[0]?.alert.items[0]?.data).toBe('250');
  });

  it('gateway: keeps what got no Status for later', async () => {
    const { delivery, calls } = outbox(PENDING, { ...PENDING, id: 8, attempts: 0 });
    await delivery.take();
    await delivery.answered('run 7 1', 200);
    await delivery.end();
    expect(calls).toEqual(['accepted 7 of generation 1', 'deferred 8 to 102000']);
  });

  it('gateway: ignores a Status for an alert that it did not send', async () => {
    const { delivery, calls } = outbox(PENDING);
    await delivery.answered('run 7 1', 200);
    expect(calls).toEqual([]);
  });

  it('gateway: doubles the wait up to its maximum', () => {
    const retry = { firstMs: 2_000, maxMs: 10_000 };
    expect([0, 1, 2, 3, 1_000].map((attempts) => retryWaitMs(retry, attempts))).toEqual([
      2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });
});
