import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../protocol/auth/digest.ts';
import type { Answer, RequestCommand } from '../protocol/message/message.ts';
import { readNotification, verifyNotification } from '../protocol/notification/notification.ts';
import type { JobState, ServerStore } from '../store/server-store.ts';
import { openServerStore } from '../store/sqlite/open.ts';
import { runClientSession } from '../transport/client-session.ts';
import { createDmHttpClient } from '../transport/http-client.ts';
import { listenUdp } from '../transport/udp-listener.ts';
import { openDmServer } from './open.ts';
import type { DmServer, DmServerSetup, GatewayAccount } from './server.ts';

const GATEWAY_ID = 'urn:dev:gateway';
const PEER = { name: 'gw', digest: digestOf('gw', 'gateway secret') };
const OWN = { name: 'dm-server', digest: digestOf('dm-server', 'server secret') };
const NO_NONCE = new Uint8Array();

function account(notify?: string): GatewayAccount {
  return {
    id: GATEWAY_ID,
    peer: { scheme: 'md5', principal: PEER },
    own: { scheme: 'md5', principal: OWN },
    notify,
  };
}

async function openStore(): Promise<ServerStore> {
  const store = await openServerStore('sqlite::memory:');
  onTestFinished(() => store.close());
  return store;
}

async function open(values: Partial<DmServerSetup> = {}): Promise<DmServer> {
  const server = await openDmServer({
    id: 'dm-server',
    store: values.store ?? (await openStore()),
    gateways: [account()],
    listen: { host: '127.0.0.1', port: 0, path: '/dm' },
    maxMsgBytes: 65_536,
    maxObjBytes: 1_048_576,
    idleTimeoutMs: 10_000,
    totalTimeoutMs: 10_000,
    notifyRetry: { firstMs: 20, maxMs: 20 },
    traceDir: undefined,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...values,
  });
  onTestFinished(() => server.close());
  return server;
}

/** A socket of a gateway; `received` resolves when so many notifications are there. */
async function notifications() {
  const datagrams: Uint8Array[] = [];
  let noted = (): void => undefined;
  const listener = await listenUdp({
    host: '127.0.0.1',
    port: 0,
    handle: (datagram) => {
      datagrams.push(Uint8Array.from(datagram));
      noted();
    },
  });
  onTestFinished(() => listener.close());
  async function received(count: number): Promise<readonly Uint8Array[]> {
    while (datagrams.length < count) await new Promise<void>((resolve) => (noted = resolve));
    return datagrams;
  }
  return { address: listener.address, received };
}

/** One session of the gateway, which answers 200 to everything; answers what it was told to do. */
async function session(url: string, sessionId: string): Promise<readonly RequestCommand[]> {
  const client = createDmHttpClient();
  onTestFinished(() => client.close());
  const told: RequestCommand[] = [];
  const outcome = await runClientSession(
    {
      sessionId,
      serverUri: url,
      clientUri: GATEWAY_ID,
      form: { encoding: 'xml' },
      own: { scheme: 'md5', principal: PEER, nonce: NO_NONCE },
      peer: { scheme: 'md5', principal: OWN, nonce: NO_NONCE },
      maxMsgBytes: 65_536,
      maxObjBytes: 1_048_576,
      managementAlert: 1200,
      devInfo: [{ source: { locUri: './DevInfo/DevId' }, data: GATEWAY_ID }],
      alerts: [],
    },
    {
      exchange: (request) => client.exchange(request),
      async *execute(_msgId, commands): AsyncGenerator<Answer> {
        told.push(...commands);
        for (const { kind, cmdId } of commands) {
          yield { kind: 'Status', cmdRef: cmdId, cmd: kind, targetRefs: [], sourceRefs: [], code: 200, items: [] };
        }
        await Promise.resolve();
      },
      takeAlerts: () => Promise.resolve([]),
      alertAnswered: () => Promise.resolve(),
      remember: () => Promise.resolve(),
      newNonce: () => randomBytes(16),
    },
  );
  expect(outcome).toEqual({ kind: 'completed' });
  return told;
}

const GROUP = { gatewayId: GATEWAY_ID, group: 'meters', deviceIds: ['a'], idempotencyKey: undefined };
const FAN_OUT = {
  gatewayId: GATEWAY_ID,
  fanOutRoot: './SCM',
  group: 'meters',
  commands: '<Get/>',
  policy: {},
  correlator: undefined,
  idempotencyKey: undefined,
};

describe('DM Server', () => {
  it('server: notifies the gateway of an order and carries it out in the session that follows', async () => {
    const socket = await notifications();
    const server = await open({ gateways: [account(socket.address)] });
    const id = await server.createGroup(GROUP);
    const [datagram = NO_NONCE] = await socket.received(1);
    expect(verifyNotification(datagram, OWN, NO_NONCE)).toBe(true);
    const told = await session(server.dmUrl, readNotification(datagram)?.sessionId ?? '');
    expect(told.map(({ kind }) => kind)).toEqual(['Add', 'Add']);
    expect(await server.store.job(id)).toMatchObject({ state: 'complete' satisfies JobState });
  });

  it('server: notifies again, also under the reset nonces, with one session id', async () => {
    const socket = await notifications();
    const store = await openStore();
    await store.peerNonces.save(GATEWAY_ID, { own: Buffer.from('stored') });
    const server = await open({ store, gateways: [account(socket.address)] });
    await server.createGroup(GROUP);
    const [first = NO_NONCE, ...again] = (await socket.received(4)).slice(0, 4);
    expect(verifyNotification(first, OWN, NO_NONCE)).toBe(false);
    expect(again.filter((datagram) => verifyNotification(datagram, OWN, NO_NONCE))).toHaveLength(2);
    expect(again.every((datagram) => verifyNotification(datagram, OWN, Buffer.from('stored')))).toBe(true);
    expect(new Set(again.map((datagram) => readNotification(datagram)?.sessionId)).size).toBe(1);
  });

  it('server: takes up the orders that an earlier process left', async () => {
    const socket = await notifications();
    const store = await openStore();
    const { deviceIds, group } = GROUP;
    await store.createJob(GATEWAY_ID, { kind: 'group', group, deviceIds }, undefined, 1);
    await open({ store, gateways: [account(socket.address)] });
    expect(await socket.received(1)).not.toEqual([]);
  });

  it('server: makes up a correlator that finds its fan-out', async () => {
    const server = await open();
    const jobs = [await server.startFanOut(FAN_OUT), await server.startFanOut(FAN_OUT)];
    const correlators: string[] = [];
    for (const id of jobs) {
      const job = await server.store.job(id);
      const correlator = job?.spec.kind === 'fanout' ? job.spec.correlator : '';
      expect(correlator).toMatch(/^[\w-]{16}$/);
      expect(await server.store.jobByCorrelator(GATEWAY_ID, correlator)).toMatchObject({ id });
      correlators.push(correlator);
    }
    expect(new Set(correlators).size).toBe(2);
    const given = await server.startFanOut({ ...FAN_OUT, correlator: 'c-1' });
    expect(await server.store.jobByCorrelator(GATEWAY_ID, 'c-1')).toMatchObject({ id: given });
  });

  it('server: answers the same order twice with the job of then', async () => {
    const server = await open();
    const order = { ...FAN_OUT, idempotencyKey: 'k' };
    expect(await server.startFanOut(order)).toBe(await server.startFanOut(order));
  });

  it('server: takes no other order under a key that was used', async () => {
    const server = await open({ gateways: [account(), { ...account(), id: 'urn:dev:other' }] });
    const keyed = { idempotencyKey: 'k' };
    const id = await server.startFanOut({ ...FAN_OUT, ...keyed, correlator: 'c-1' });
    expect(await server.startFanOut({ ...FAN_OUT, ...keyed })).toBe(id);
    const conflict = { code: 'JOB_KEY_CONFLICT', message: 'the idempotency key k was used for another order' };
    for (const other of [
      { group: 'others' },
      { commands: '<Exec/>' },
      { fanOutRoot: './SCM2' },
      { correlator: 'c-2' },
      { policy: { Attempts: 2 } },
      { gatewayId: 'urn:dev:other' },
    ]) {
      await expect(server.startFanOut({ ...FAN_OUT, ...keyed, ...other })).rejects.toMatchObject(conflict);
    }
    await expect(server.createGroup({ ...GROUP, ...keyed })).rejects.toMatchObject(conflict);
    await server.createGroup({ ...GROUP, idempotencyKey: 'g' });
    for (const deviceIds of [['b'], ['a', 'b'], []]) {
      const other = server.createGroup({ ...GROUP, idempotencyKey: 'g', deviceIds });
      await expect(other).rejects.toMatchObject({ code: 'JOB_KEY_CONFLICT' });
    }
    expect(await server.store.job(3)).toBeUndefined();
  });

  it('server: takes no order for a gateway that it does not know', async () => {
    const server = await open();
    const unknown = expect.objectContaining({ code: 'GATEWAY_UNKNOWN' }) as Error;
    await expect(server.createGroup({ ...GROUP, gatewayId: 'other' })).rejects.toEqual(unknown);
    await expect(server.startFanOut({ ...FAN_OUT, gatewayId: 'other' })).rejects.toEqual(unknown);
  });

  it('server: does not open where the port is taken, nor with an address that is none', async () => {
    const { port } = new URL((await open()).dmUrl);
    const listen = { host: '127.0.0.1', port: Number(port), path: '/dm' };
    await expect(open({ listen })).rejects.toMatchObject({ code: 'TRANSPORT_PORT_IN_USE' });
    await expect(open({ gateways: [account('udp://nowhere')] })).rejects.toMatchObject({ code: 'TRANSPORT_ADDRESS' });
  });
});
