import { DEFAULT_POLICY } from '../../src/fanout/policy.ts';
import { facetsOf } from '../../src/fanout/facets.ts';
import type { SettledOutcome } from '../../src/fanout/outcome.ts';
import type { Ending, NewRun, StartTerms } from '../../src/fanout/store.ts';
import type { MemberDevice } from '../fanout/memory-rows.ts';
import type { NewDevice } from '../../src/store/devices.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';

/** When the runs of the tests start. */
export const T0 = 1_700_000_000_000;

/** An account with made-up secrets; `poller`: without an address for notifications. */
export function newDevice(deviceId: string, poller = false): NewDevice {
  return {
    deviceId,
    client: { scheme: 'md5', name: deviceId, digest: 'Y2xpZW50', password: undefined, nonce: new Uint8Array([1]) },
    server: { scheme: 'basic', name: 'gw', digest: 'c2VydmVy', password: 'made-up', nonce: new Uint8Array([2]) },
    notify: poller ? undefined : 'udp://127.0.0.1:9',
    notificationVersion: 11,
  };
}

/** What a run is asked for with; group `all`, and `srv` to be told. */
export function newRun(changes: Partial<NewRun> = {}): NewRun {
  return {
    fanOutRoot: './SCM',
    serverId: 'srv',
    group: 'all',
    retryOf: undefined,
    commands: '<SyncBody/>',
    correlator: 'corr',
    policy: DEFAULT_POLICY,
    startedAt: T0,
    endsAt: (changes.startedAt ?? T0) + DEFAULT_POLICY.runDeadlineMs,
    state: 'running',
    idempotencyKey: undefined,
    ...changes,
  };
}

/** All members at once, and no quorum. */
export function terms(changes: Partial<StartTerms> = {}): StartTerms {
  return { maxActiveRuns: 10, firstWave: (targets) => targets, quorum: () => undefined, ...changes };
}

/** A DeResult that says one thing. */
export function deResult(code: string): string {
  const status = `<CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Get</Cmd><Data>${code}</Data>`;
  return `<SyncBody xmlns="SYNCML:SYNCML1.2"><Status>${status}</Status></SyncBody>`;
}

/** How a member ends, with a Status of that code. */
export function ending(outcome: SettledOutcome, code = '200', asyncExecs = 0): Ending {
  const text = deResult(code);
  return { outcome, deResult: text, facets: facetsOf(text), asyncExecs };
}

/** Groups by name: for each member its DeviceID, and whether its account has no address, or there is none. */
export type Groups = Readonly<Record<string, readonly GroupDevice[]>>;

export interface GroupDevice {
  readonly deviceId: string;
  readonly account: 'notified' | 'polling' | 'none';
}

/** The groups as the memory store is given them; accounts are counted from 1 in the order in which they appear. */
export function memberDevices(groups: Groups): Record<string, MemberDevice[]> {
  const keys = new Map<string, number>();
  for (const { deviceId } of accountsOf(groups)) keys.set(deviceId, keys.size + 1);
  const memberOf = ({ deviceId, account }: GroupDevice): MemberDevice => ({
    deviceId,
    deviceKey: keys.get(deviceId),
    notifiable: account === 'notified',
  });
  return Object.fromEntries(Object.entries(groups).map(([name, devices]) => [name, devices.map(memberOf)]));
}

/** Stores accounts and groups so that they get the keys that `memberDevices` counts. */
export async function storeGroups(store: GatewayStore, groups: Groups): Promise<void> {
  await store.devices.add(
    accountsOf(groups).map(({ deviceId, account }) => newDevice(deviceId, account === 'polling')),
  );
  for (const [name, devices] of Object.entries(groups)) {
    await store.groups.create(name);
    const members = devices.map(({ deviceId }, index) => ({ name: String(index + 1), deviceId }));
    await store.groups.addMembers(name, members);
  }
}

function accountsOf(groups: Groups): GroupDevice[] {
  const accounts = new Map<string, GroupDevice>();
  for (const device of Object.values(groups).flat()) {
    if (device.account !== 'none') accounts.set(device.deviceId, device);
  }
  return [...accounts.values()];
}
