import { describe, expect, it } from 'vitest';
import type { Assignment } from '../fanout/engine.ts';
import type { Target } from '../fanout/store.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import type { Delivery } from '../protocol/session/server-types.ts';
import type { Device, StoredCredential } from '../store/devices.ts';
import type { SessionIdentity } from '../transport/server-sessions.ts';
import { createSouthbound } from './southbound.ts';

const CREDENTIAL: StoredCredential = {
  scheme: 'md5',
  name: 'user',
  digest: 'digest',
  password: undefined,
  nonce: new Uint8Array(),
};

const DEVICE: Device = {
  key: 1,
  deviceId: 'urn:dev:1',
  client: CREDENTIAL,
  server: { ...CREDENTIAL, name: 'gw' },
  notify: undefined,
  notificationVersion: 11,
  previousServerNonce: new Uint8Array(),
  former: undefined,
  decommissionedAt: undefined,
  inventory: { detailAt: 1_000 },
  lastSeenAt: undefined,
};

const DELIVERY: Delivery = {
  first: false,
  final: true,
  devInfo: [],
  alerts: [],
  managementAlert: undefined,
  answers: [],
  strayAnswers: 0,
  outstanding: [],
  peerMaxMsgBytes: undefined,
  peerMaxObjBytes: undefined,
  form: { encoding: 'xml' },
  nonces: {},
};

const GET: RequestCommand = { kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] };
const OK: Answer = {
  kind: 'Status',
  cmdRef: '1',
  cmd: 'Get',
  targetRefs: [],
  sourceRefs: [],
  code: 200,
  items: [],
};

function assignment(run: number): Assignment {
  const target: Target = {
    run,
    n: 1,
    deviceId: DEVICE.deviceId,
    deviceKey: DEVICE.key,
    phase: 'sent',
    attempts: 1,
    refusedAttempts: 0,
    lastContact: 'none',
    dueAt: 0,
    endsAt: 0,
    firstTurnAt: 0,
    sentAt: 0,
    notifiable: true,
    partial: undefined,
  };
  return { target, commands: [GET] };
}

/** A southbound side over an engine that gives out these runs, noting every call of the engine and the store. */
function southbound(runs: readonly number[], device: Device = DEVICE) {
  const calls: string[] = [];
  const noted = (what: string) => {
    calls.push(what);
    return Promise.resolve();
  };
  const waiting = runs.map(assignment);
  const app = createSouthbound({
    gatewayId: 'gateway',
    devices: {
      byDeviceId: (deviceId) => Promise.resolve(deviceId === device.deviceId ? device : undefined),
      saveNonces: (_, nonces) => noted(`nonces ${Object.values(nonces).filter(Boolean).length}`),
      noteSecretUsed: () => noted('secret used'),
      saveInventory: (_, inventory) => noted(`inventory ${JSON.stringify(inventory)}`),
    },
    engine: {
      sessionOpened: () => void noted('opened'),
      sessionClosed: () => void noted('closed'),
      nextFor: () => Promise.resolve(waiting.shift()),
      answered: ({ target }, answers) => noted(`run ${target.run} answered ${answers.length}`),
      sessionLost: ({ target }, how) => noted(`run ${target.run} ${how}`),
      contactFailed: (_, contact) => noted(contact),
    },
    inventoryAlerts: { seen: () => Promise.resolve() },
    takeAlerts: (_, alerts) => Promise.resolve(alerts.map(() => 200)),
    serverUri: () => 'http://gateway/dm',
    maxMsgBytes: 10_000,
    maxObjBytes: 10_000,
    inventoryMaxAgeMs: 1_000,
    now: () => 1_500,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const session = (key: number): SessionIdentity<Device> => ({
    key,
    sessionId: `A${key}`,
    source: device.deviceId,
    peer: device,
  });
  return { app, calls, session };
}

const devInfo = (values: Record<string, string>) =>
  Object.entries(values).map(([name, data]) => ({ source: { locUri: `./DevInfo/${name}` }, data }));

describe('identification of devices', () => {
  it('gateway: knows a device by its Source LocURI', async () => {
    const { setup, peer } = await southbound([]).app.identify('urn:dev:1', 'user');
    expect(peer).toBe(DEVICE);
    expect(setup).toMatchObject({
      serverUri: 'http://gateway/dm',
      own: { principal: { name: 'gw' } },
      peer: { principal: { name: 'user' } },
    });
  });

  it.each([
    ['an unknown Source', 'urn:dev:2', undefined],
    ['the user name of another', 'urn:dev:1', 'somebody'],
  ])('gateway: gives %s a setup that no proof satisfies', async (_, source, userName) => {
    const { setup } = await southbound([]).app.identify(source, userName);
    expect(setup).toMatchObject({ peer: undefined, defaultScheme: 'md5' });
  });
});

describe('sessions with devices', () => {
  it('gateway: brings the commands of one run after the other in one session, then ends it', async () => {
    const { app, calls, session } = southbound([1, 2]);
    const first = await app.deliver(session(1), { ...DELIVERY, first: true, nonces: { own: new Uint8Array(16) } });
    const second = await app.deliver(session(1), { ...DELIVERY, answers: [OK] });
    const third = await app.deliver(session(1), { ...DELIVERY, answers: [OK] });
    await app.ended(session(1), 'completed');
    expect([first.commands, second.commands, third.commands]).toEqual([[GET], [GET], []]);
    expect(calls).toEqual(['opened', 'nonces 1', 'inventory {}', 'run 1 answered 1', 'run 2 answered 1', 'closed']);
  });

  it('gateway: keeps DevInfo and asks for the versions once nothing else is left', async () => {
    const { app, calls, session } = southbound([1], { ...DEVICE, inventory: { detailAt: 500 } });
    const first = await app.deliver(session(1), {
      ...DELIVERY,
      first: true,
      devInfo: devInfo({ DevId: 'urn:dev:1', Man: 'm', Mod: 'x' }),
    });
    expect(first.commands).toEqual([GET]);
    const second = await app.deliver(session(1), { ...DELIVERY, answers: [OK] });
    expect(second.commands).toMatchObject([
      { kind: 'Get', items: [{ target: { locUri: './DevDetail/FwV' } }, {}, {}] },
    ]);
    const third = await app.deliver(session(1), {
      ...DELIVERY,
      answers: [OK, { kind: 'Results', cmdRef: '1', items: [{ source: { locUri: './DevDetail/FwV' }, data: '7.1' }] }],
    });
    expect(third.commands).toEqual([]);
    expect(calls).toEqual([
      'opened',
      'inventory {"man":"m","mod":"x"}',
      'run 1 answered 1',
      'inventory {"fwV":"7.1","detailAt":1500}',
    ]);
  });

  it('gateway: tells a device that sends the DevId of another nothing, and notes it', async () => {
    const { app, calls, session } = southbound([1]);
    const decision = await app.deliver(session(1), {
      ...DELIVERY,
      first: true,
      devInfo: devInfo({ DevId: 'urn:dev:9', Man: 'm' }),
      alerts: [{ kind: 'Alert', cmdId: '3', code: 1226, items: [] }],
    });
    expect(decision).toEqual({ isRefused: true, alertStatuses: [], commands: [] });
    await app.ended(session(1), 'unauthorized');
    expect(calls).toEqual(['opened', 'unauthorized', 'closed']);
  });

  it('gateway: accepts the alerts of a device', async () => {
    const { app, session } = southbound([]);
    const alerts = [
      { kind: 'Alert', cmdId: '3', code: 1224, items: [] },
      { kind: 'Alert', cmdId: '4', code: 1226, items: [] },
    ] as const;
    expect((await app.deliver(session(1), { ...DELIVERY, alerts })).alertStatuses).toEqual([200, 200]);
  });

  it('gateway: sends nothing while the package of the device is not complete', async () => {
    const { app, session } = southbound([1]);
    expect((await app.deliver(session(1), { ...DELIVERY, first: true, final: false })).commands).toEqual([]);
    expect((await app.deliver(session(1), DELIVERY)).commands).toEqual([GET]);
  });

  it('gateway: gives the commands up when the package is complete and a Status is missing', async () => {
    const { app, calls, session } = southbound([1, 2]);
    await app.deliver(session(1), { ...DELIVERY, first: true });
    const decision = await app.deliver(session(1), { ...DELIVERY, strayAnswers: 1, outstanding: ['1'] });
    await app.ended(session(1), 'completed');
    expect(decision.commands).toEqual([]);
    expect(calls).toEqual(['opened', 'inventory {}', 'run 1 lost', 'closed']);
  });

  it.each([
    ['timed-out', 'lost'],
    ['aborted', 'lost'],
    ['completed', 'lost'],
    ['refused', 'refused'],
  ] as const)('gateway: a session that ended as %s leaves the member %s', async (outcome, how) => {
    const { app, calls, session } = southbound([1]);
    await app.deliver(session(1), { ...DELIVERY, first: true });
    await app.ended(session(1), outcome);
    expect(calls.slice(2)).toEqual([`run 1 ${how}`, 'closed']);
  });

  it('gateway: notes that a device could not prove itself', async () => {
    const { app, calls, session } = southbound([1]);
    await app.ended(session(1), 'unauthorized');
    expect(calls).toEqual(['unauthorized']);
  });

  it('gateway: gives up what a session carries when its device opens another, and takes its answer all the same', async () => {
    const { app, calls, session } = southbound([1, 2]);
    await app.deliver(session(1), { ...DELIVERY, first: true });
    expect(app.openSessionId(1)).toBe('A1');
    const decision = await app.deliver(session(2), { ...DELIVERY, first: true });
    expect(decision.commands).toEqual([GET]);
    expect(app.openSessionId(1)).toBe('A2');
    expect((await app.deliver(session(1), { ...DELIVERY, answers: [OK] })).commands).toEqual([]);
    await app.ended(session(1), 'completed');
    await app.ended(session(2), 'aborted');
    expect(app.openSessionId(1)).toBeUndefined();
    expect(calls).toEqual([
      'opened',
      'inventory {}',
      'run 1 lost',
      'inventory {}',
      'run 1 answered 1',
      'run 2 lost',
      'closed',
    ]);
  });
});
