import { describe, expect, it } from 'vitest';
import { results, status } from '../../test/server/answers.ts';
import { application, completion, delivery, FAN_OUT, GATEWAY, URL } from '../../test/server/application.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { JobSpec, ServerStore } from '../store/server-store.ts';

const RUNS = './SCM/FanOut/Ext/Runs/1';

/** The summary of a run of two members. */
function summary(values: Readonly<Record<string, string | number>>): Answer[] {
  const none = { Failed: 0, TimedOut: 0, Unreachable: 0, Unauthorized: 0, Cancelled: 0, Unknown: 0 };
  const all = { Pending: 0, Succeeded: 0, ...none, Targets: 2, Generation: 1, State: 'complete', ...values };
  const leaves = Object.entries(all).map(([name, value]) => [`${URL}/Ext/Summary/${name}`, String(value)]);
  return [status('1', 200), results('1', Object.fromEntries(leaves) as Record<string, string>)];
}

function pairs(...outcomes: string[]): Answer[] {
  const leaves = outcomes.flatMap((outcome, index) => [
    [`${URL}/Results/${index + 1}/DeviceID`, `d${index + 1}`],
    [`${URL}/Results/${index + 1}/Ext/Outcome`, outcome],
  ]);
  return [status('1', 200), results('1', Object.fromEntries(leaves) as Record<string, string>)];
}

async function runningJob(store: ServerStore): Promise<number> {
  const { id } = await store.createJob(GATEWAY.id, FAN_OUT, undefined, 1);
  await store.change(id, { state: 'running', resultsUrl: URL });
  return id;
}

const asked = (commands: readonly RequestCommand[]): unknown[] =>
  commands.flatMap((command) =>
    'items' in command ? command.items.map(({ target }) => `${command.kind} ${target?.locUri ?? ''}`) : [],
  );

describe('alerts of a run', () => {
  it('server: reads the counts at a quorum and goes on waiting, then reads the results at the end', async () => {
    const { made, store, session } = await application();
    const id = await runningJob(store);
    await made.deliver(session(1), delivery({ first: true, alerts: [completion('c-1', '101')] }));
    const quorum = { State: 'running', Succeeded: 1, Pending: 1 };
    expect((await made.deliver(session(1), delivery({ answers: summary(quorum) }))).commands).toEqual([]);
    expect(await store.job(id)).toMatchObject({
      state: 'running',
      runState: 'running',
      counts: { pending: 1, succeeded: 1 },
      endedAt: undefined,
      generation: undefined,
    });
    expect(await store.results(id, 0, 9)).toEqual([]);
    await made.deliver(session(2), delivery({ first: true, alerts: [completion('c-1')] }));
    await made.deliver(session(2), delivery({ answers: summary({ Succeeded: 2, Generation: 2 }) }));
    await made.deliver(session(2), delivery({ answers: pairs('succeeded', 'succeeded') }));
    expect(await store.job(id)).toMatchObject({ state: 'complete', generation: 2, endedAt: 1000 });
    expect(await store.completions(GATEWAY.id, URL)).toMatchObject([{ data: '101' }, { data: '200', generation: 2 }]);
  });

  it('server: loses no end that is told while it reads the counts of a quorum', async () => {
    const { made, store, session } = await application();
    const id = await runningJob(store);
    await made.deliver(session(1), delivery({ first: true, alerts: [completion('c-1', '101')] }));
    const running = summary({ State: 'running', Succeeded: 1, Pending: 1 });
    const next = await made.deliver(session(1), delivery({ alerts: [completion('c-1')], answers: running }));
    expect(asked(next.commands)).toEqual([`Get ${URL}/Ext/Summary?list=StructData`]);
    expect(await store.job(id)).toMatchObject({ state: 'fetching' });
  });

  it('server: ends a job as cancelled, with the results of the run', async () => {
    const { made, store, session } = await application();
    const id = await runningJob(store);
    await made.deliver(session(1), delivery({ first: true, alerts: [completion('c-1', '551')] }));
    await made.deliver(session(1), delivery({ answers: summary({ State: 'cancelled', Succeeded: 1, Cancelled: 1 }) }));
    await made.deliver(session(1), delivery({ answers: pairs('succeeded', 'cancelled') }));
    expect(await store.job(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1 }, endedAt: 1000 });
    expect(await store.results(id, 0, 9)).toHaveLength(2);
  });

  it('server: reads the results again when an alert announces another generation, and only then', async () => {
    const { made, store, session } = await application();
    const id = await runningJob(store);
    await store.change(id, { state: 'complete', generation: 1, endedAt: 5, runState: 'complete' });
    await made.deliver(session(1), delivery({ first: true, alerts: [completion('c-1', '250')] }));
    const same = await made.deliver(session(1), delivery({ answers: summary({ Succeeded: 1, Unknown: 1 }) }));
    expect(same.commands).toEqual([]);
    expect(await store.job(id)).toMatchObject({ state: 'complete' });
    await made.deliver(session(1), delivery({ alerts: [completion('c-1')] }));
    const later = await made.deliver(session(1), delivery({ answers: summary({ Succeeded: 2, Generation: 2 }) }));
    expect(asked(later.commands)).toHaveLength(2);
    await made.deliver(session(1), delivery({ answers: pairs('succeeded', 'succeeded') }));
    expect(await store.job(id)).toMatchObject({ state: 'complete', generation: 2, endedAt: 5 });
  });

  it('server: keeps the results that it has when they cannot be read again', async () => {
    const { made, store, session } = await application();
    const id = await runningJob(store);
    await store.change(id, { state: 'complete', generation: 1, endedAt: 5 });
    await made.deliver(session(1), delivery({ first: true, alerts: [completion('c-1')] }));
    await made.deliver(session(1), delivery({ answers: [status('1', 425)] }));
    expect(await store.job(id)).toMatchObject({ state: 'complete', error: undefined });
    expect((await store.events(id)).at(-1)?.what).toContain('refused with 425');
  });

  it('server: believes the alerts of a gateway that has no summary', async () => {
    const { made, store, session } = await application();
    const id = await runningJob(store);
    const noSummary = delivery({ answers: [status('1', 404)] });
    await made.deliver(session(1), delivery({ first: true, alerts: [completion('c-1', '101')] }));
    expect((await made.deliver(session(1), noSummary)).commands).toEqual([]);
    expect(await store.job(id)).toMatchObject({ state: 'running' });
    await made.deliver(session(2), delivery({ first: true, alerts: [completion('c-1', '551')] }));
    expect(asked((await made.deliver(session(2), noSummary)).commands)).toEqual([`Get ${URL}/Results`]);
    const names = [status('1', 200), results('1', { [`${URL}/Results`]: '1' })];
    await made.deliver(session(2), delivery({ answers: names }));
    const pair = results('1', { [`${URL}/Results/1/DeviceID`]: 'd1' });
    await made.deliver(session(2), delivery({ answers: [status('1', 200), pair] }));
    expect(await store.job(id)).toMatchObject({ state: 'cancelled', counts: { targets: 1, pending: 1 } });
  });

  it('server: asks for fewer results at a time when a page of them is more than it takes', async () => {
    const { made, store, session } = await application();
    const id = await runningJob(store);
    await store.change(id, { state: 'fetching' });
    await made.deliver(session(1), delivery({ first: true }));
    const page = await made.deliver(session(1), delivery({ answers: summary({ Succeeded: 4, Targets: 4 }) }));
    expect(asked(page.commands)).toHaveLength(4);
    const flood = results('1', { [`${URL}/Results/1/DeResult`]: 'x'.repeat(1_048_576) });
    for (let message = 0; message < 20; message += 1) {
      expect((await made.deliver(session(1), delivery({ final: false, answers: [flood] }))).commands).toEqual([]);
    }
    const half = await made.deliver(session(1), delivery({ answers: [status('1', 200)] }));
    expect(asked(half.commands)).toEqual([1, 2].map((n) => `Get ${URL}/Results/${n}?list=StructData`));
    await made.deliver(session(1), delivery({ answers: pairs('succeeded', 'succeeded') }));
    expect(await store.job(id)).toMatchObject({ state: 'fetching' });
    expect(await store.results(id, 0, 9)).toHaveLength(2);
  });
});

describe('steering of a run', () => {
  const spec = (job: number, action: 'pause' | 'cancel'): JobSpec => ({
    kind: 'steer',
    fanOutRoot: './SCM',
    action,
    job,
    run: 1,
  });

  it('server: steers a run at its gateway and shows what it is then', async () => {
    const { made, store, session } = await application();
    const run = await runningJob(store);
    const { id } = await store.createJob(GATEWAY.id, spec(run, 'pause'), undefined, 1);
    const sent = await made.deliver(session(1), delivery({ first: true }));
    expect(asked(sent.commands)).toEqual([`Exec ${RUNS}/Pause`, `Get ${RUNS}/State`]);
    const answers = [status('1', 200), status('2', 200), results('2', { [`${RUNS}/State`]: 'paused' })];
    await made.deliver(session(1), delivery({ answers }));
    expect(await store.job(id)).toMatchObject({ state: 'complete', endedAt: 1000 });
    expect(await store.job(run)).toMatchObject({ state: 'running', runState: 'paused', endedAt: undefined });
    expect((await store.events(run)).at(-1)?.what).toContain('Pause answered 200');
  });

  it('server: leaves a run as it is when its gateway refuses', async () => {
    const { made, store, session } = await application();
    const run = await runningJob(store);
    const { id } = await store.createJob(GATEWAY.id, spec(run, 'cancel'), undefined, 1);
    await made.deliver(session(1), delivery({ first: true }));
    await made.deliver(session(1), delivery({ answers: [status('1', 405, 'run 1 is complete'), status('2', 404)] }));
    expect(await store.job(id)).toMatchObject({ state: 'failed', error: { code: 'STATUS_405' } });
    expect(await store.job(run)).toMatchObject({ state: 'running', error: undefined, endedAt: undefined });
  });

  it('server: starts a retry with one Exec and waits for the alert of the new run', async () => {
    const { made, store, session } = await application();
    const retryOf = { job: await runningJob(store), run: 1, outcomes: ['failed', 'unknown'] } as const;
    const { id } = await store.createJob(GATEWAY.id, { ...FAN_OUT, correlator: 'c-2', retryOf }, undefined, 1);
    const asking = await made.deliver(session(1), delivery({ first: true }));
    expect(asked(asking.commands)).toEqual(['Get ./SCM/FanOut/Ext/Policy']);
    const sent = await made.deliver(session(1), delivery({ answers: [status('1', 404)] }));
    expect(sent.commands).toMatchObject([{ kind: 'Exec', correlator: 'c-2', items: [{ data: 'failed,unknown' }] }]);
    await made.deliver(session(1), delivery({ answers: [status('1', 202, './SCR/Results/Results2')] }));
    expect(await store.job(id)).toMatchObject({ state: 'running', resultsUrl: './SCR/Results/Results2' });
    expect(await store.jobByCorrelator(GATEWAY.id, 'c-2')).toMatchObject({ id });
  });

  it('server: asks for a plan once what a start would read is set, and starts nothing', async () => {
    const { made, store, session } = await application();
    const plan: JobSpec = { kind: 'plan', fanOutRoot: './SCM', group: 'meters', commands: '<Get/>' };
    const { id } = await store.createJob(GATEWAY.id, plan, undefined, 1);
    await made.deliver(session(1), delivery({ first: true }));
    const set = [status('1', 200), status('2', 200), status('3', 404)];
    const next = await made.deliver(session(1), delivery({ answers: set }));
    expect(asked(next.commands)).toEqual(['Get ./SCM/FanOut/Ext/Plan?list=StructData']);
    const told = results('1', { './SCM/FanOut/Ext/Plan/Members': '25' });
    const last = await made.deliver(session(1), delivery({ answers: [status('1', 200), told] }));
    expect(last.commands).toEqual([]);
    expect(await store.job(id)).toMatchObject({ state: 'complete', plan: '{"Members":"25"}' });
  });

  it('server: ends a plan with the refusal that a start would meet', async () => {
    const { made, store, session } = await application();
    const plan: JobSpec = { kind: 'plan', fanOutRoot: './SCM', group: 'meters', commands: '<Get/>' };
    const { id } = await store.createJob(GATEWAY.id, plan, undefined, 1);
    await made.deliver(session(1), delivery({ first: true }));
    await made.deliver(session(1), delivery({ answers: [status('1', 200), status('2', 200), status('3', 404)] }));
    const told = results('1', { './SCM/FanOut/Ext/Plan/Refusal': '404 no group' });
    await made.deliver(session(1), delivery({ answers: [status('1', 200), told] }));
    expect(await store.job(id)).toMatchObject({
      state: 'failed',
      error: { code: 'STATUS_404', message: 'a start would be refused with 404 no group' },
    });
  });
});
