import { copyFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openGatewayStore, openServerStore } from '../../src/store/sqlite/open.ts';
import {
  COMPLETION,
  ended,
  FAN_OUT_ORDER,
  fillGateway,
  fillServer,
  GROUP_ORDER,
  ONE_SUCCEEDED,
} from './fixture-databases.ts';
import { newRun, T0, terms } from './store-fixture.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Every schema that was ever on main; `DMGW_WRITE_FIXTURES=1` writes the database of the last one of each role anew. */
const GATEWAY_SCHEMAS = [1, 2, 3];
const SERVER_SCHEMAS = [1, 2];
/** The first in which a run has clusters and a digest. */
const CLUSTERS_SINCE = 3;
const inFolder = temporaryFolder();

beforeAll(async () => {
  if (process.env['DMGW_WRITE_FIXTURES'] !== '1') return;
  const gatewayFile = fixture('gateway', GATEWAY_SCHEMAS.at(-1) ?? 0);
  const serverFile = fixture('server', SERVER_SCHEMAS.at(-1) ?? 0);
  rmSync(gatewayFile, { force: true });
  rmSync(serverFile, { force: true });
  const gateway = await openGatewayStore(`sqlite:${gatewayFile}`);
  await fillGateway(gateway);
  await gateway.close();
  const server = await openServerStore(`sqlite:${serverFile}`);
  await fillServer(server);
  await server.close();
});

describe.each(GATEWAY_SCHEMAS)('database of a gateway with schema %i', (schema) => {
  it('store: goes on with the runs of a gateway', async () => {
    const store = await openGatewayStore(copyOf('gateway', schema));
    const { fanOut, devices, groups, nodes, peerNonces } = store;
    expect(await devices.byDeviceId('urn:dev:test:1')).toMatchObject({
      key: 1,
      client: { scheme: 'md5', name: 'urn:dev:test:1', nonce: new Uint8Array([11]) },
      server: { scheme: 'basic', name: 'gw', password: 'made-up', nonce: new Uint8Array([12]) },
      previousServerNonce: new Uint8Array([2]),
      notify: 'udp://127.0.0.1:9',
      notificationVersion: 11,
      inventory: { man: 'maker', mod: 'model', fwV: '1.0' },
      lastSeenAt: T0,
    });
    expect(await devices.count()).toBe(2);
    expect(await groups.names('', 10)).toEqual(['all', 'one']);
    expect((await groups.members('all', undefined, 10)).map(({ name }) => name)).toEqual(['1', '2', '3']);
    expect(await nodes.read('./SCM/FanOut/ToBeFannedOut')).toMatchObject({ data: '<Get/>', writtenBy: 'srv' });
    expect(await nodes.acls.get('./GwConfig/DeviceGroups/all')).toBe('Get=srv');
    expect(await peerNonces.nonces('srv')).toEqual({ own: new Uint8Array([21]), peer: new Uint8Array([22]) });
    expect(await fanOut.run(1)).toMatchObject({ state: 'complete', generation: 1, counts: { succeeded: 1 } });
    expect(
      await fanOut.createRun(newRun({ group: 'one', idempotencyKey: 'first' }), terms({ maxActiveRuns: 0 })),
    ).toMatchObject({
      kind: 'existing',
    });
    expect(await fanOut.createRun(newRun({ group: 'one' }), terms({ maxActiveRuns: 0 }))).toMatchObject({
      kind: 'existing',
      run: { number: 1 },
    });
    expect(await fanOut.dueAlerts('srv', T0 + 1_000, 10)).toMatchObject([{ run: 1, data: 200, correlator: 'corr' }]);

    expect(await fanOut.activeRuns()).toMatchObject([
      {
        number: 2,
        state: 'running',
        policy: newRun().policy,
        endsAt: newRun({ startedAt: T0 + 100 }).endsAt,
        wave: 1,
        released: 3,
        counts: { targets: 3, pending: 2, unreachable: 1 },
      },
    ]);
    const [sent] = await fanOut.sentTargets(undefined, 10);
    expect(sent).toMatchObject({ run: 2, n: 1, partial: '<part/>', sentAt: T0 + 110 });
    const waiting = await fanOut.nextForDevice(2);
    expect(waiting).toMatchObject({ run: 2, n: 2, attempts: 1, notifiable: false, dueAt: T0 + 5_000 });
    await fanOut.settle(sent!, ended('succeeded', '<whole/>'), T0 + 200);
    await fanOut.markSent(waiting!, T0 + 200, T0 + 120_000);
    const { completed } = await fanOut.settle(waiting!, ended('failed', '<no/>'), T0 + 300);
    expect(completed).toMatchObject({ state: 'complete', counts: { succeeded: 1, failed: 1, unreachable: 1 } });
    expect(await fanOut.members(2, 0, 10)).toMatchObject([
      { outcome: 'succeeded', deResult: '<whole/>', answeredAt: T0 + 200 },
      { outcome: 'failed', deResult: '<no/>', attempts: 1 },
      { outcome: 'unreachable', deResult: '<nobody/>', answeredAt: undefined },
    ]);
    expect(await fanOut.dueAlerts('srv', T0 + 1_000, 10)).toMatchObject([{ run: 1 }, { run: 2, data: 250 }]);
    const hasClusters = schema >= CLUSTERS_SINCE;
    expect(completed?.digest).toEqual(hasClusters ? expect.stringMatching(/^[0-9a-f]{64}$/) : undefined);
    expect(await fanOut.clusters(2, 'answer', 9)).toHaveLength(hasClusters ? 3 : 0);
    expect(await fanOut.member(1, 1)).toMatchObject({ outcome: 'succeeded', deResult: '<done/>', asyncAnswers: [] });
    const retryOf = { run: 2, outcomes: ['failed', 'unreachable'] } as const;
    expect(await fanOut.createRun(newRun({ retryOf }), terms())).toMatchObject({
      kind: 'created',
      run: { number: 3, counts: { targets: 2 } },
    });
    expect(await fanOut.deleteRun(2)).toBe(true);
    await store.close();
  });
});

describe.each(SERVER_SCHEMAS)('database of a DM Server with schema %i', (schema) => {
  it('store: goes on with the jobs of a DM Server', async () => {
    const store = await openServerStore(copyOf('server', schema));
    expect(await store.peerNonces.nonces('gw-1')).toEqual({ own: new Uint8Array([31]), peer: new Uint8Array([32]) });
    expect(await store.job(1)).toMatchObject({ spec: FAN_OUT_ORDER, state: 'complete', counts: ONE_SUCCEEDED });
    expect(await store.events(1)).toEqual([{ at: T0 + 3, step: 7, what: 'results are here' }]);
    expect(await store.results(1, 0, 10)).toMatchObject([{ n: 1, outcome: 'succeeded', deResult: '<done/>' }]);
    expect(await store.noteCompletion(COMPLETION, T0 + 9)).toBe('repeat');
    expect(await store.completions('gw-1', COMPLETION.resultsUrl)).toMatchObject([{ generation: 1, received: 2 }]);
    expect(await store.openJobs('gw-1', ['queued'], 10)).toMatchObject([{ id: 2, spec: GROUP_ORDER }]);
    expect((await store.createJob('gw-1', FAN_OUT_ORDER, 'first', T0)).id).toBe(1);
    await store.change(2, { state: 'complete' });
    expect(await store.openJobs('gw-1', ['queued'], 10)).toEqual([]);
    await store.close();
  });
});

function fixture(role: 'gateway' | 'server', schema: number): string {
  return fileURLToPath(new URL(`../fixtures/${role}-schema-${schema}.db`, import.meta.url));
}

function copyOf(role: 'gateway' | 'server', schema: number): string {
  const path = inFolder(`${role}-${schema}.db`);
  copyFileSync(fixture(role, schema), path);
  return `sqlite:${path}`;
}
