import { describe, expect, it } from 'vitest';
import type { PendingAlert } from '../fanout/store.ts';
import { completionAlert, deliverAlerts, retryWaitMs } from './alert-delivery.ts';

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

/** An outbox that notes what is asked of it. */
function outbox(...alerts: PendingAlert[]) {
  const calls: string[] = [];
  const noted = (what: string) => {
    calls.push(what);
    return Promise.resolve();
  };
  return {
    calls,
    delivery: deliverAlerts({
      outbox: {
        dueAlerts: () => Promise.resolve(alerts),
        alertAccepted: (id) => noted(`accepted ${id}`),
        alertRejected: (id) => noted(`rejected ${id}`),
        alertDeferred: (id, dueAt) => noted(`deferred ${id} to ${dueAt}`),
      },
      serverId: 'srv',
      retry: { firstMs: 2_000, maxMs: 10_000 },
      now: () => 100_000,
    }),
  };
}

describe('alert of a run', () => {
  it('gateway: names the results, the registered type and the Correlator of the Exec', () => {
    expect(completionAlert(PENDING)).toEqual({
      ref: '7',
      alert: {
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
      },
    });
  });

  it('gateway: sends no Correlator when the Exec had none, and is informational when all succeeded', () => {
    const { alert } = completionAlert({ ...PENDING, correlator: undefined, data: 200 });
    expect(alert).not.toHaveProperty('correlator');
    expect(alert.items[0]?.meta?.mark).toBe('informational');
  });
});

describe('delivery of alerts', () => {
  it('gateway: hands each alert to a session once', async () => {
    const { delivery } = outbox(PENDING);
    expect((await delivery.take()).map(({ ref }) => ref)).toEqual(['7']);
    expect(await delivery.take()).toEqual([]);
  });

  it.each([
    [200, 'accepted 7'],
    [202, 'accepted 7'],
    [415, 'rejected 7'],
    [500, 'deferred 7 to 104000'],
    [407, 'deferred 7 to 104000'],
  ])('gateway: after Status %i the alert is %s', async (status, call) => {
    const { delivery, calls } = outbox(PENDING);
    await delivery.take();
    await delivery.answered('7', status);
    await delivery.end();
    expect(calls).toEqual([call]);
  });

  it('gateway: keeps what got no Status for later', async () => {
    const { delivery, calls } = outbox(PENDING, { ...PENDING, id: 8, attempts: 0 });
    await delivery.take();
    await delivery.answered('7', 200);
    await delivery.end();
    expect(calls).toEqual(['accepted 7', 'deferred 8 to 102000']);
  });

  it('gateway: ignores a Status for an alert that it did not send', async () => {
    const { delivery, calls } = outbox(PENDING);
    await delivery.answered('7', 200);
    expect(calls).toEqual([]);
  });

  it('gateway: doubles the wait up to its maximum', () => {
    const retry = { firstMs: 2_000, maxMs: 10_000 };
    expect([0, 1, 2, 3, 1_000].map((attempts) => retryWaitMs(retry, attempts))).toEqual([
      2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });
});
