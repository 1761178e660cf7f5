import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Authentication } from '../protocol/auth/principal.ts';
import type { WireForm } from '../protocol/codec.ts';
import type { RequestCommand } from '../protocol/message/message.ts';
import type { ClientSetup } from '../protocol/session/client-types.ts';
import type { Delivery } from '../protocol/session/server-types.ts';
import { type ClientSessionOutcome, runClientSession } from './client-session.ts';
import { createDmHttpClient, type DmHttpClient, type Exchange } from './http-client.ts';
import { type DmListener, listenDm } from './http-listener.ts';
import { createServerSessions } from './server-sessions.ts';
import { TransportError } from './transport-error.ts';
import { openTrace, type Trace } from './trace.ts';

const VOUCHED: Authentication = { scheme: 'none', principal: { name: '', digest: '' }, nonce: new Uint8Array() };
const XML: WireForm = { encoding: 'xml' };
const FORMS: readonly WireForm[] = [
  XML,
  ...([1, 2, 3] as const).map((version) => ({ encoding: 'wbxml', version }) as const),
];
const GET: RequestCommand = { kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] };

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Endpoint extends DmListener {
  readonly deliveries: readonly Delivery[];
  readonly outcomes: readonly string[];
}

/** A DM server that asks every client for its model. */
async function openEndpoint(options: { maxOpenSessions?: number; trace?: Trace } = {}): Promise<Endpoint> {
  const deliveries: Delivery[] = [];
  const outcomes: string[] = [];
  const sessions = createServerSessions<string>(
    {
      identify: (source) =>
        Promise.resolve({
          setup: {
            serverUri: 'http://gateway/dm',
            own: VOUCHED,
            peer: VOUCHED,
            defaultScheme: 'md5',
            maxMsgBytes: 65_536,
            maxObjBytes: 65_536,
          },
          peer: source,
        }),
      deliver: (_session, delivery) => {
        deliveries.push(delivery);
        return Promise.resolve({ alertStatuses: [], commands: delivery.first ? [GET] : [] });
      },
      ended: ({ peer }, outcome) => {
        outcomes.push(`${peer} ${outcome}`);
        return Promise.resolve();
      },
    },
    { maxOpenSessions: 100, idleTimeoutMs: 60_000, totalTimeoutMs: 60_000, ...options },
  );
  closers.push(() => sessions.close());
  const { handle } = sessions;
  const listener = await listenDm({ host: '127.0.0.1', port: 0, path: '/dm', maxBodyBytes: 65_536, handle });
  closers.push(() => listener.close());
  return { ...listener, deliveries, outcomes };
}

function client(): DmHttpClient {
  const http = createDmHttpClient({ connections: 4 });
  closers.push(() => http.close());
  return http;
}

function runClient(url: string, exchange: Exchange, setup: Partial<ClientSetup> = {}): Promise<ClientSessionOutcome> {
  return runClientSession(
    {
      sessionId: '1',
      serverUri: url,
      clientUri: 'urn:dev:1',
      form: XML,
      own: VOUCHED,
      peer: VOUCHED,
      maxMsgBytes: 16_384,
      maxObjBytes: 65_536,
      managementAlert: 1201,
      devInfo: [{ source: { locUri: './DevInfo/Mod' }, meta: { format: 'chr', type: 'text/plain' }, data: 'M1' }],
      alerts: [],
      ...setup,
    },
    {
      exchange,
      execute: async function* (_msgId, commands) {
        for (const { cmdId, kind } of await Promise.resolve(commands)) {
          yield { kind: 'Status', cmdRef: cmdId, cmd: kind, targetRefs: [], sourceRefs: [], code: 200, items: [] };
          yield {
            kind: 'Results',
            cmdRef: cmdId,
            items: [{ source: { locUri: './DevInfo/Mod' }, meta: { format: 'chr' }, data: 'Mod <1> & more' }],
          };
        }
      },
      takeAlerts: () => Promise.resolve([]),
      alertAnswered: () => Promise.resolve(),
      remember: () => Promise.resolve(),
      newNonce: () => new Uint8Array(16),
    },
  );
}

describe('DM client and server over HTTP', () => {
  it.each(FORMS)('client and server: run a session in %o', async (form) => {
    const endpoint = await openEndpoint();
    expect(await runClient(endpoint.url, client().exchange, { form })).toEqual({ kind: 'completed' });
    expect(endpoint.outcomes).toEqual(['urn:dev:1 completed']);
    expect(endpoint.deliveries.map((delivery) => delivery.form)).toEqual([form, form]);
    expect(endpoint.deliveries[1]?.answers.map((answer) => answer.items[0]?.data)).toEqual([
      undefined,
      'Mod <1> & more',
    ]);
  });

  it.each(['shared', 'per-session'] as const)('client and server: run many sessions at once, %s', async (mode) => {
    const endpoint = await openEndpoint();
    const http = client();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const connection = mode === 'per-session' ? http.connect() : undefined;
        const outcome = await runClient(endpoint.url, (connection ?? http).exchange, { clientUri: `urn:dev:${index}` });
        await connection?.close();
        return outcome.kind;
      }),
    );
    expect(new Set(outcomes)).toEqual(new Set(['completed']));
    expect(endpoint.outcomes).toHaveLength(50);
  });

  it('client and server: get over an answer that is lost on its way', async () => {
    const endpoint = await openEndpoint();
    const http = client();
    let exchanges = 0;
    const outcome = await runClient(endpoint.url, async (request) => {
      const response = await http.exchange(request);
      if (exchanges++ % 2 === 0) throw new TransportError('TRANSPORT_LOST', 'the connection ended');
      return response;
    });
    expect(outcome).toEqual({ kind: 'completed' });
    expect(exchanges).toBe(4);
    expect(endpoint.deliveries).toHaveLength(2);
  });

  it('client and server: end a session when the server is full', async () => {
    const endpoint = await openEndpoint({ maxOpenSessions: 0 });
    expect(await runClient(endpoint.url, client().exchange)).toEqual({
      kind: 'unreachable',
      reason: `${new URL(endpoint.url).origin}: HTTP 503: too many sessions`,
    });
    const response = await fetch(endpoint.url, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.syncml.dm+xml' },
      body: '<SyncML',
    });
    expect(response.status).toBe(400);
  });

  it('server: answers garbage with one line that says what is wrong and where', async () => {
    const endpoint = await openEndpoint();
    for (const [type, body] of [
      ['xml', '<SyncML><SyncHdr></SyncML>'],
      ['wbxml', Buffer.from('02a4016a006d6c', 'hex')],
    ] as const) {
      const response = await fetch(endpoint.url, {
        method: 'POST',
        headers: { 'content-type': `application/vnd.syncml.dm+${type}` },
        body,
      });
      expect(response.status).toBe(400);
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(await response.text()).toMatch(/^[A-Z_0-9]+: .* at (byte \d+|\d+:\d+)\n$/);
    }
    expect(endpoint.deliveries).toEqual([]);
  });

  it('server: keeps every body where it is told to', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'dm-endpoint-'));
    closers.push(() => rm(dir, { recursive: true }));
    const trace = await openTrace(dir, 'gateway');
    const endpoint = await openEndpoint({ trace });
    await runClient(endpoint.url, client().exchange);
    await trace.close();
    expect((await readdir(dir)).sort()).toEqual([
      '000001-gateway-in-urn_dev_1.xml',
      '000002-gateway-out-urn_dev_1.xml',
      '000003-gateway-in-urn_dev_1.xml',
      '000004-gateway-out-urn_dev_1.xml',
    ]);
  });
});
