import { countsFrom, type SettledOutcome } from '../../src/fanout/outcome.ts';
import type { Ending } from '../../src/fanout/store.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import type { JobSpec, ServerStore } from '../../src/store/server-store.ts';
import { newDevice, newRun, T0, terms } from './store-fixture.ts';

/** Fills the store of a gateway: a run that is over and one under way, with one member of each phase. */
export async function fillGateway(store: GatewayStore): Promise<void> {
  await store.devices.add([newDevice('urn:dev:test:1'), newDevice('urn:dev:test:2', true)]);
  await store.devices.saveNonces(1, { client: new Uint8Array([11]), server: new Uint8Array([12]) });
  await store.devices.saveInventory(1, { man: 'maker', mod: 'model', fwV: '1.0' }, T0);
  await store.groups.create('one');
  await store.groups.addMembers('one', [{ name: '1', deviceId: 'urn:dev:test:1' }]);
  await store.groups.create('all');
  const members = [1, 2, 3].map((n) => ({ name: String(n), deviceId: `urn:dev:test:${n}` }));
  await store.groups.addMembers('all', members);
  const node = { format: 'xml', type: 'text/xml', data: '<Get/>', writtenBy: 'srv' };
  await store.nodes.write('./SCM/FanOut/ToBeFannedOut', node);
  await store.nodes.acls.set('./GwConfig/DeviceGroups/all', 'Get=srv');
  await store.peerNonces.save('srv', { own: new Uint8Array([21]), peer: new Uint8Array([22]) });

  await store.fanOut.createRun(newRun({ group: 'one', idempotencyKey: 'first' }), terms());
  await sendTo(store, 1, '<done/>');
  await store.fanOut.createRun(newRun({ correlator: 'second', startedAt: T0 + 100 }), terms());
  const target = await sendTo(store, 1, undefined);
  await store.fanOut.recordPartial(target, '<part/>');
  await store.fanOut.claimDue(2, T0 + 100, { by: 'dueAt', limit: 10, maxTurns: 10 }, ({ n }) =>
    n === 3
      ? { kind: 'settle', ...ended('unreachable', '<nobody/>') }
      : { kind: 'turn', dueAt: T0 + 5_000, endsAt: T0 + 120_000 },
  );
}

/** With a text that is short and says nothing. */
export function ended(outcome: SettledOutcome, deResult: string): Ending {
  return { outcome, deResult, facets: [], asyncExecs: 0 };
}

async function sendTo(store: GatewayStore, deviceKey: number, answer: string | undefined) {
  const target = await store.fanOut.nextForDevice(deviceKey);
  if (!target) throw new Error(`nothing waits for device ${deviceKey}`);
  await store.fanOut.markSent(target, T0 + 110, T0 + 120_000);
  if (answer !== undefined) await store.fanOut.settle(target, ended('succeeded', answer), T0 + 120);
  return target;
}

/** Orders in the store of the DM Server. */
export const GROUP_ORDER: JobSpec = { kind: 'group', group: 'all', deviceIds: ['urn:dev:test:1', 'urn:dev:test:2'] };
export const FAN_OUT_ORDER: JobSpec = {
  kind: 'fanout',
  fanOutRoot: './SCM',
  group: 'all',
  commands: '<Get/>',
  correlator: 'corr',
};
/** The alert of the fan-out that is over. */
export const COMPLETION = {
  gatewayId: 'gw-1',
  type: 'urn:oma:at:oma-gwmo:completionstatus:1.0',
  resultsUrl: './SCR/Results/Results1',
  data: '200',
  mark: 'informational',
  correlator: 'corr',
};
export const ONE_SUCCEEDED = countsFrom({
  pending: 0,
  succeeded: 1,
  failed: 0,
  'timed-out': 0,
  unreachable: 0,
  unauthorized: 0,
  cancelled: 0,
  unknown: 0,
});

/** Fills the store of a DM Server: a fan-out that is over and a group that is still to be made. */
export async function fillServer(store: ServerStore): Promise<void> {
  await store.peerNonces.save('gw-1', { own: new Uint8Array([31]), peer: new Uint8Array([32]) });
  await store.createJob('gw-1', FAN_OUT_ORDER, 'first', T0);
  await store.createJob('gw-1', GROUP_ORDER, undefined, T0 + 1);
  await store.noteCompletion(COMPLETION, T0 + 2);
  await store.noteGeneration('gw-1', COMPLETION.resultsUrl, '200', 1);
  await store.change(1, {
    state: 'complete',
    endedAt: T0 + 3,
    resultsUrl: COMPLETION.resultsUrl,
    counts: ONE_SUCCEEDED,
    generation: 1,
    events: [{ at: T0 + 3, step: 7, what: 'results are here' }],
    results: [{ n: 1, deviceId: 'urn:dev:test:1', outcome: 'succeeded', deResult: '<done/>' }],
  });
}
