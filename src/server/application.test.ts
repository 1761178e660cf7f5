import { describe, expect, it } from 'vitest';
import { application, completion, delivery, FAN_OUT, GATEWAY, URL } from '../../test/server/application.ts';
import { decodeSyncBody } from '../fanout/sync-body.ts';
import type { AlertCommand, Answer } from '../protocol/message/message.ts';
import type { JobSpec } from '../store/server-store.ts';

const GROUP: JobSpec = { kind: 'group', group: 'meters', deviceIds: ['a', 'b'] };

const ok = (cmdRef: string, code = 200): Answer => ({
  kind: 'Status',
  cmdRef,
  cmd: 'Add',
  targetRefs: [],
  sourceRefs: [],
  code,
  items: [],
});

/** The nodes are set, and there is no policy to change. */
const SET = [ok('1'), ok('2'), ok('3', 404)];

describe('DM Server application', () => {
  it('server: carries a job out, exchange by exchange, and ends the session when nothing is left', async () => {
    const { made, store, told, session } = await application();
    const { id } = await store.createJob(GATEWAY.id, GROUP, undefined, 1);
    const first = await made.deliver(session(1), delivery({ first: true }));
    expect(first.commands).toMatchObject([{ kind: 'Add', cmdId: '1' }]);
    expect(await store.job(id)).toMatchObject({ state: 'sending' });
    const second = await made.deliver(session(1), delivery({ answers: [ok('1')] }));
    expect(second.commands[0]?.kind).toBe('Add');
    const third = await made.deliver(session(1), delivery({ answers: [ok('1'), ok('2')] }));
    expect(third.commands).toEqual([]);
    expect(await store.job(id)).toMatchObject({ state: 'complete', endedAt: 1000 });
    await made.ended(session(1), 'completed');
    expect(told).toEqual([`${GATEWAY.id} opened`, `${GATEWAY.id} ended, work left: false`]);
  });

  it('server: sends nothing while the package of the gateway goes on, and forgets no answer of it', async () => {
    const { made, store, session } = await application();
    const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
    await made.deliver(session(1), delivery({ first: true }));
    const partial = await made.deliver(session(1), delivery({ final: false, answers: [ok('1')] }));
    expect(partial.commands).toEqual([]);
    const next = await made.deliver(session(1), delivery({ answers: [ok('2'), ok('3', 404)] }));
    expect(next.commands).toMatchObject([{ kind: 'Exec', correlator: 'c-1' }]);
    await made.deliver(session(1), delivery({ answers: [ok('1', 202)] }));
    expect(await store.job(id)).toMatchObject({ state: 'running' });
  });

  it.each<[string, readonly Answer[], readonly Answer[]]>([
    ['sets its nodes again', [], SET],
    ['waits for the answer to its Exec', SET, [ok('1', 202)]],
  ])('server: fetches the results when the alert of a run comes while it still %s', async (_, before, last) => {
    const { made, store, session } = await application();
    const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
    await made.deliver(session(1), delivery({ first: true }));
    if (before.length > 0) await made.deliver(session(1), delivery({ answers: before }));
    const next = await made.deliver(session(1), delivery({ alerts: [completion('c-1')], answers: last }));
    expect(next.alertStatuses).toEqual([200]);
    expect(next.commands).toMatchObject([
      { kind: 'Get', items: [{ target: { locUri: `${URL}/Ext/Summary?list=StructData` } }] },
    ]);
    expect(await store.job(id)).toMatchObject({ state: 'fetching', resultsUrl: URL });
  });

  it('server: goes on with a job in the next session when one was lost', async () => {
    const { made, store, told, session } = await application();
    await store.createJob(GATEWAY.id, GROUP, undefined, 1);
    await made.deliver(session(1), delivery({ first: true }));
    await made.ended(session(1), 'timed-out');
    expect(told.at(-1)).toBe(`${GATEWAY.id} ended, work left: true`);
    const again = await made.deliver(session(2), delivery({ first: true }));
    expect(again.commands).toMatchObject([{ kind: 'Add', cmdId: '1' }]);
    // The group is there, from the session whose answer got lost.
    const filling = await made.deliver(session(2), delivery({ answers: [ok('1', 418)] }));
    expect(filling.commands).toHaveLength(1);
  });

  it('server: accepts a completion, fetches the results of its job, and accepts the repeat', async () => {
    const { made, store, session } = await application();
    const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
    await store.change(id, { state: 'running' });
    const taken = await made.deliver(session(1), delivery({ first: true, alerts: [completion('c-1')] }));
    expect(taken.alertStatuses).toEqual([200]);
    expect(taken.commands[0]?.kind).toBe('Get');
    expect(await store.job(id)).toMatchObject({ state: 'fetching', resultsUrl: URL });
    const repeat = await made.deliver(session(2), delivery({ first: true, final: false, alerts: [completion('c-1')] }));
    expect(repeat).toEqual({ alertStatuses: [200], commands: [] });
    expect(await store.completions(GATEWAY.id, URL)).toMatchObject([{ data: '200', received: 2 }]);
  });

  it('server: fetches the results of a run whose alert comes with the Status of its Exec, or before it', async () => {
    for (const isFinal of [true, false]) {
      const { made, store, session } = await application();
      const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
      await made.deliver(session(1), delivery({ first: true }));
      await made.deliver(session(1), delivery({ answers: SET }));
      const accepted = { answers: [ok('1', 202)] };
      const alerted = { alerts: [completion('c-1')] };
      if (!isFinal) await made.deliver(session(1), delivery({ ...alerted, final: false }));
      const next = await made.deliver(session(1), delivery(isFinal ? { ...accepted, ...alerted } : accepted));
      expect(next.commands).toMatchObject([{ kind: 'Get' }]);
      expect(await store.job(id)).toMatchObject({ state: 'fetching', resultsUrl: URL });
      expect((await store.events(id)).map(({ step }) => step)).toEqual([2, 7, 3]);
    }
  });

  it('server: starts a fan-out over when a session was lost before the Status of its Exec', async () => {
    const { made, store, session } = await application();
    const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
    const execs: unknown[] = [];
    for (const key of [1, 2]) {
      await made.deliver(session(key), delivery({ first: true }));
      execs.push(...(await made.deliver(session(key), delivery({ answers: SET }))).commands);
      if (key === 1) await made.ended(session(key), 'timed-out');
    }
    expect(execs).toMatchObject([
      { kind: 'Exec', correlator: 'c-1' },
      { kind: 'Exec', correlator: 'c-1' },
    ]);
    await made.deliver(session(2), delivery({ answers: [ok('1', 202)] }));
    expect(await store.job(id)).toMatchObject({ state: 'running' });
  });

  it('server: ends a job whose command the gateway leaves without a Status, and goes on with the next', async () => {
    const { made, store, session } = await application();
    const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
    await store.createJob(GATEWAY.id, GROUP, undefined, 1);
    await made.deliver(session(1), delivery({ first: true }));
    await made.deliver(session(1), delivery({ answers: SET }));
    const next = await made.deliver(session(1), delivery());
    expect(next.commands).toMatchObject([{ kind: 'Add' }]);
    expect(await store.job(id)).toMatchObject({ state: 'failed', endedAt: 1000, error: { code: 'STATUS_MISSING' } });
    expect(await store.events(id)).toMatchObject([
      { step: 2 },
      { what: expect.stringMatching(/^Exec .+ was left without a Status/) as unknown },
    ]);
  });

  it('server: ends a job whose answers take more than is kept of them, and keeps no more', async () => {
    const { made, store, session } = await application();
    const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
    await store.change(id, { state: 'fetching', resultsUrl: URL });
    await made.deliver(session(1), delivery({ first: true }));
    const item = { source: { locUri: URL }, data: 'x'.repeat(1_048_576) };
    const flood = delivery({ final: false, answers: [{ kind: 'Results', cmdRef: '1', items: [item] }] });
    for (let message = 0; message < 15; message += 1) await made.deliver(session(1), flood);
    expect(await store.job(id)).toMatchObject({ state: 'fetching' });
    await made.deliver(session(1), flood);
    expect(await store.job(id)).toMatchObject({ state: 'failed', error: { code: 'ANSWERS_TOO_LARGE' } });
    await made.deliver(session(1), flood);
    expect(await made.deliver(session(1), delivery({ answers: [ok('1')] }))).toMatchObject({ commands: [] });
  });

  it('server: accepts a completion of a run that is none of its jobs', async () => {
    const { made, store, session } = await application();
    const taken = await made.deliver(session(1), delivery({ first: true, alerts: [completion()] }));
    expect(taken).toEqual({ alertStatuses: [200], commands: [] });
    expect(await store.completions(GATEWAY.id, URL)).toHaveLength(1);
  });

  it('server: keeps a Generic Alert of any Type that a gateway passes on, and answers 200', async () => {
    const { made, store, session } = await application();
    const item = { source: { locUri: '/GwDeviceInventory/7', locName: './Lamp' }, meta: { type: 'x' }, data: '1' };
    const alert: AlertCommand = { kind: 'Alert', cmdId: '3', code: 1226, correlator: 'c', items: [item] };
    const bare: AlertCommand = { kind: 'Alert', cmdId: '4', code: 1226, items: [] };
    const taken = await made.deliver(session(1), delivery({ first: true, alerts: [alert, completion(), bare] }));
    expect(taken.alertStatuses).toEqual([200, 200, 200]);
    const [last, first] = await store.passedOnAlerts.list(undefined, 9);
    expect(first).toMatchObject({ gatewayId: GATEWAY.id, at: 1000, source: './GwDeviceInventory/7' });
    expect(decodeSyncBody(first?.alert ?? '')).toMatchObject([{ correlator: 'c', items: [item] }]);
    expect(last).toMatchObject({ id: 2, source: undefined });
  });

  it('server: answers 415 to an alert that it does not know, 413 to one that is too large, and keeps neither', async () => {
    const { made, store, session } = await application();
    const items = [{ meta: { type: 'x' }, data: '1' }];
    const { items: run } = completion();
    const alerts: AlertCommand[] = [
      { kind: 'Alert', cmdId: '3', code: 1224, items },
      { kind: 'Alert', cmdId: '4', code: 1226, items: run.map(({ meta }) => ({ meta })) },
      { kind: 'Alert', cmdId: '5', code: 1226, items: [{ data: 'x'.repeat(65_536) }] },
    ];
    const taken = await made.deliver(session(1), delivery({ first: true, alerts }));
    expect(taken.alertStatuses).toEqual([415, 415, 413]);
    expect(await store.passedOnAlerts.list(undefined, 9)).toEqual([]);
  });

  it('server: keeps the nonces that a delivery brings, for the next session', async () => {
    const { made, session } = await application();
    const nonces = { own: Uint8Array.of(1, 2), peer: Uint8Array.of(3, 4) };
    await made.deliver(session(1), delivery({ first: true, nonces }));
    const { setup, peer } = await made.identify(GATEWAY.id, 'gw');
    expect(peer).toBe(GATEWAY);
    expect([...setup.own.nonce]).toEqual([1, 2]);
    expect([...(setup.peer?.nonce ?? [])]).toEqual([3, 4]);
  });

  it('server: believes no gateway without proof but on this host and where the setting says so', async () => {
    const gateway = { ...GATEWAY, peer: { ...GATEWAY.peer, scheme: 'none' as const } };
    const { made } = await application({ gateways: [gateway], loopbackWithoutProof: true });
    expect((await made.identify(GATEWAY.id, 'gw', '127.0.0.1')).peer).toBe(gateway);
    const stranger = await made.identify(GATEWAY.id, 'gw', '10.0.0.7');
    expect(stranger).toMatchObject({ peer: undefined, setup: { peer: undefined, defaultScheme: 'md5' } });
    const { made: strict } = await application({ gateways: [gateway] });
    expect((await strict.identify(GATEWAY.id, 'gw', '127.0.0.1')).peer).toBeUndefined();
  });

  it('server: has no way in for a gateway it does not know', async () => {
    const { made } = await application();
    const { setup, peer } = await made.identify('urn:dev:stranger', undefined);
    expect(peer).toBeUndefined();
    expect(setup).toMatchObject({ serverUri: 'http://server/dm', peer: undefined, defaultScheme: 'md5' });
  });
});
