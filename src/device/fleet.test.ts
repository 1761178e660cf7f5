import { describe, expect, it, onTestFinished } from 'vitest';
import { ACCOUNT, connectionTo, GET, notification as unnamed, server } from '../../test/device/dm-server.ts';
import { FakeClock, quiet } from '../../test/fanout/fake-clock.ts';
import { digestOf } from '../protocol/auth/digest.ts';
import { encodeNotification } from '../protocol/notification/notification.ts';
import { TransportError } from '../transport/transport-error.ts';
import { generateAccounts, withNotifyAddresses } from './accounts.ts';
import { assignFaults, type FaultKind } from './faults.ts';
import { Fleet, type FleetSetup } from './fleet.ts';

const HERE = 'udp://127.0.0.1:40001';
const THERE = 'udp://127.0.0.1:40002';
const MADE = generateAccounts({ seed: 1, count: 4, auth: 'md5', serverId: 'gateway' });

/** A fleet whose server is never there: which devices came for a session is what counts. */
function fleet(values: Partial<FleetSetup> = {}) {
  const crashed: unknown[] = [];
  const made = new Fleet(
    {
      accounts: withNotifyAddresses(MADE, [HERE]),
      encoding: 'mixed',
      seed: 1,
      faults: [],
      lacks: undefined,
      maxSessions: 2,
      pollIntervalMs: 0,
      ...values,
    },
    {
      dmUrl: 'http://gateway/dm',
      connect: () => ({
        exchange: () => Promise.reject(new TransportError('TRANSPORT_REFUSED', 'nobody is there')),
        close: () => Promise.resolve(),
      }),
      now: () => 1000,
      crashed: (_deviceId, error) => crashed.push(error),
    },
  );
  onTestFinished(() => made.close());
  return { made, crashed };
}

/** Package #0 for the device with this index, with its DeviceID or without. */
function notification(index: number, isNamed: boolean, sessionId = 7): Uint8Array {
  const account = MADE[index];
  if (!account) throw new RangeError(`there is no device ${index}`);
  return encodeNotification(
    {
      version: 11,
      uiMode: 'background',
      initiator: 'server',
      sessionId,
      serverId: 'gateway',
      vendor: isNamed ? Buffer.from(account.deviceId) : undefined,
    },
    digestOf('gateway', account.serverSecret),
    Buffer.from(account.serverNonce, 'base64'),
  );
}

async function notified({ made }: ReturnType<typeof fleet>): Promise<number> {
  await made.close();
  return made.counts().devicesNotified;
}

describe('fleet', () => {
  it('fleet: gives a notification to the device that it names, whose session follows', async () => {
    const many = fleet();
    for (const index of [0, 1, 2, 3]) many.made.receive(notification(index, true), HERE);
    await many.made.close();
    expect(many.made.counts()).toMatchObject({ devices: 4, devicesNotified: 4, devicesExecuted: 0, answered: 0 });
    expect(many.made.counts().outcomes.unreachable).toBeGreaterThan(0);
    expect(many.crashed).toEqual([]);
  });

  it('fleet: gives one that names nobody to the only device of the address', async () => {
    const apart = fleet({ accounts: withNotifyAddresses(MADE.slice(0, 2), [HERE, THERE]) });
    apart.made.receive(notification(1, false), THERE);
    expect(await notified(apart)).toBe(1);
    const only = fleet({ accounts: MADE.slice(0, 1) });
    only.made.receive(notification(0, false), HERE);
    expect(await notified(only)).toBe(1);
  });

  it('fleet: ignores one that names nobody where devices share the address', async () => {
    const many = fleet();
    many.made.receive(notification(0, false), HERE);
    expect(await notified(many)).toBe(0);
  });

  it('fleet: ignores one that another device is named in, and what is none', async () => {
    const many = fleet();
    const changed = Buffer.from(notification(0, true));
    changed.write(MADE[1]?.deviceId ?? '', changed.length - (MADE[0]?.deviceId.length ?? 0));
    many.made.receive(changed, HERE);
    many.made.receive(Buffer.from('x'), HERE);
    expect(await notified(many)).toBe(0);
  });

  it('fleet: has a silent device ignore what it is told', async () => {
    const silent = fleet({ faults: [{ kind: 'silent', percent: 100 }] });
    silent.made.receive(notification(0, true), HERE);
    expect(await notified(silent)).toBe(0);
  });
});

describe('fleet with a server', () => {
  /** Two devices, one of them with the fault, that have one session at a time; their server wants something in each. */
  function pair(kind: FaultKind) {
    const at = server([GET]);
    const clock = new FakeClock();
    const faults = [{ kind, percent: 50 }];
    const [faulty = 0] = assignFaults(1, 2, faults).keys();
    const places = [HERE, THERE];
    const made = new Fleet(
      {
        accounts: places.map((notify, index) => ({ ...ACCOUNT, deviceId: `urn:dev:demo:${index}`, notify })),
        encoding: 'mixed',
        seed: 1,
        faults,
        lacks: undefined,
        maxSessions: 1,
        pollIntervalMs: 0,
      },
      {
        dmUrl: 'http://gateway/dm',
        connect: () => connectionTo(at),
        now: () => clock.now(),
        clock,
        crashed: (_deviceId, error) => {
          throw error;
        },
      },
    );
    onTestFinished(() => made.close());
    const notify = (index: number): void => made.receive(unnamed(index + 1), places[index] ?? '');
    return { made, at, clock, notifyFaulty: () => notify(faulty), notifyOther: () => notify(1 - faulty) };
  }

  it('fleet: lets another device have its session while a slow one takes its time', async () => {
    const { made, clock, notifyFaulty, notifyOther } = pair('slow');
    notifyFaulty();
    notifyOther();
    await quiet();
    expect(made.counts()).toMatchObject({ sessions: 1, answered: 1 });
    await clock.advance(3000);
    expect(made.counts()).toMatchObject({ sessions: 2, answered: 2 });
  });

  it('fleet: has a device that restarted open a session by itself', async () => {
    const { made, at, clock, notifyFaulty } = pair('reboot');
    notifyFaulty();
    await quiet();
    expect(made.counts()).toMatchObject({ sessions: 1, answered: 0, devicesExecuted: 1 });
    await clock.advance(2000);
    const opened = at.deliveries.filter(({ first }) => first).map(({ managementAlert }) => managementAlert);
    expect(opened).toEqual([1200, 1201]);
  });

  it('fleet: waits for nobody when it is closed, and nobody comes back', async () => {
    const slow = pair('slow');
    slow.notifyFaulty();
    await quiet();
    await slow.made.close();
    expect(slow.made.counts()).toMatchObject({ sessions: 1, answered: 1 });
    const restarted = pair('reboot');
    restarted.notifyFaulty();
    await quiet();
    await restarted.made.close();
    await restarted.clock.advance(100_000);
    expect(restarted.made.counts()).toMatchObject({ sessions: 1 });
  });
});
