import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/open.ts';
import type { GatewayStore } from '../../src/store/gateway-store.ts';
import { openGatewayStore } from '../../src/store/sqlite/open.ts';
import { deviceAccount, gatewaySetup, keptLog } from './gateway-fixture.ts';
import { HttpRefused, RawDevice } from './raw-device.ts';
import { elementsIn, rawStatus, textIn } from './raw-syncml.ts';

const DEVICES = 60;
const MAX_SESSIONS = 7;
const MAX_BYTES_IN_FLIGHT = 131_072;

let store: GatewayStore;
let gateway: Gateway;
let devices: readonly RawDevice[];

beforeEach(async () => {
  store = await openGatewayStore('sqlite::memory:');
  const setup = gatewaySetup(store, keptLog());
  const deviceIds = Array.from({ length: DEVICES }, (_, index) => `urn:dev:${index + 1}`);
  await store.devices.add(deviceIds.map((id) => deviceAccount(id, undefined)));
  await store.groups.create('all', { members: deviceIds.map((deviceId, n) => ({ name: String(n + 1), deviceId })) });
  gateway = await openGateway({
    ...setup,
    southbound: { ...setup.southbound, maxSessions: MAX_SESSIONS, maxBytesInFlight: MAX_BYTES_IN_FLIGHT },
  });
  await gateway.startRun({
    group: 'all',
    commands: [{ kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
    policy: setup.fanOut.policy,
    correlator: undefined,
    idempotencyKey: undefined,
  });
  devices = deviceIds.map((id) => new RawDevice({ id, dmUrl: gateway.dmUrl, user: id, secret: `secret-of-${id}` }));
});

afterEach(async () => {
  await gateway.close();
  await store.close();
});

/** A device that is in its session, with its commands, or was told to come again. */
type Attempt =
  | { readonly kind: 'in'; readonly device: RawDevice; readonly commands: string }
  | { readonly kind: 'refused'; readonly device: RawDevice; readonly refusal: HttpRefused };

async function tryToOpen(device: RawDevice): Promise<Attempt> {
  try {
    return { kind: 'in', device, commands: await device.open('1', 1201) };
  } catch (refusal) {
    if (refusal instanceof HttpRefused) return { kind: 'refused', device, refusal };
    throw refusal;
  }
}

/** Says that everything went well until there is nothing more to do. */
async function finish({ device, commands }: Extract<Attempt, { kind: 'in' }>): Promise<void> {
  let message = commands;
  for (let get = elementsIn(message, 'Get')[0]; get !== undefined; get = elementsIn(message, 'Get')[0]) {
    const msgRef = Number(textIn(message, 'MsgID'));
    const own = rawStatus(1, msgRef, '0', 'SyncHdr', 212);
    message = await device.send(own + rawStatus(2, msgRef, textIn(get, 'CmdID') ?? '', 'Get', 200));
  }
}

describe('more devices at the door than the gateway serves at a time', () => {
  it('gateway: tells the others when to come again, serves those who are in, and all of them in the end', async () => {
    let waiting = devices;
    let most = 0;
    let refusals = 0;
    for (let round = 0; waiting.length > 0 && round <= DEVICES / MAX_SESSIONS + 1; round += 1) {
      const attempts = await Promise.all(waiting.map(tryToOpen));
      const { load } = gateway;
      most = Math.max(most, load.openSessions);
      const isIn = attempts.filter((attempt) => attempt.kind === 'in');
      const refused = attempts.filter((attempt) => attempt.kind === 'refused');
      expect(isIn).toHaveLength(Math.min(MAX_SESSIONS, waiting.length));
      for (const { refusal } of refused) {
        expect([refusal.status, refusal.retryAfter]).toEqual([503, '5']);
      }
      // Nothing of those who were refused is left.
      expect(load).toMatchObject({ openSessions: isIn.length, bytesInFlight: 0 });
      await Promise.all(isIn.map(finish));
      expect(gateway.load.openSessions).toBe(0);
      refusals += refused.length;
      waiting = refused.map(({ device }) => device);
    }
    expect(waiting).toEqual([]);
    expect(most).toBe(MAX_SESSIONS);
    expect(refusals).toBeGreaterThan(DEVICES);
    expect((await store.fanOut.run(1))?.counts).toMatchObject({ targets: DEVICES, pending: 0, succeeded: DEVICES });
  });

  it('gateway: holds no more of their messages than it may, however many begin one', async () => {
    const begun = Array.from({ length: DEVICES }, () => new SlowMessage(gateway.dmUrl, 30_000));
    await expect.poll(() => begun.filter(({ status }) => status === 503).length).toBeGreaterThan(0);
    expect(gateway.load.bytesInFlight).toBeLessThanOrEqual(MAX_BYTES_IN_FLIGHT);
    for (const message of begun) message.giveUp();
    await Promise.all(begun.map(({ over }) => over));
    await expect.poll(() => gateway.load.bytesInFlight).toBe(0);
    const [device] = devices;
    const attempt = await tryToOpen(device!);
    expect(attempt.kind).toBe('in');
  });
});

/** A message whose body is begun and never ends, until it is given up. */
class SlowMessage {
  readonly over: Promise<unknown>;
  readonly #abort = new AbortController();
  status: number | undefined;

  constructor(url: string, bytes: number) {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.alloc(bytes, ' ')),
    });
    this.over = fetch(url, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/vnd.syncml.dm+xml' },
      signal: this.#abort.signal,
    }).then(
      ({ status }) => (this.status = status),
      () => undefined,
    );
  }

  giveUp(): void {
    this.#abort.abort();
  }
}
