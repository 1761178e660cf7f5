import { describe, expect, it } from 'vitest';
import type { Authentication } from '../protocol/auth/principal.ts';
import { decodeMessage, encodeMessage, type WireForm } from '../protocol/codec.ts';
import type { Answer, Command, Message, RequestCommand, StatusCommand } from '../protocol/message/message.ts';
import type { ClientSetup } from '../protocol/session/client-types.ts';
import {
  type ClientSessionOptions,
  type ClientSessionPorts,
  type DmRequest,
  type DmResponse,
  runClientSession,
} from './client-session.ts';
import { contentTypeOf, encodingOf } from './media-type.ts';
import { TransportError } from './transport-error.ts';

const VOUCHED: Authentication = { scheme: 'none', principal: { name: '', digest: '' }, nonce: new Uint8Array() };
const WBXML: WireForm = { encoding: 'wbxml', version: 2 };
const GET: RequestCommand = { kind: 'Get', cmdId: '9', items: [{ target: { locUri: './DevInfo/Mod' } }] };

const SETUP: ClientSetup = {
  sessionId: 'A1',
  serverUri: 'http://server.example/dm',
  clientUri: 'urn:dev:1',
  form: { encoding: 'xml' },
  own: VOUCHED,
  peer: VOUCHED,
  maxMsgBytes: 4096,
  maxObjBytes: 65_536,
  managementAlert: 1201,
  devInfo: [{ source: { locUri: './DevInfo/Mod' }, data: 'M1' }],
  alerts: [],
};

function messageOf({ body, contentType }: { body: Uint8Array; contentType: string }): Message {
  return decodeMessage(body, encodingOf(contentType)!).message;
}

/** What a server answers: a Status for everything in the request, and then its commands. */
function reply(
  request: DmRequest,
  commands: readonly RequestCommand[],
  form: WireForm = SETUP.form,
  hdr: Partial<Message['hdr']> = {},
): DmResponse {
  const { hdr: asked, body } = messageOf(request);
  const answered = body.filter((command) => command.kind !== 'Status' && command.kind !== 'Results');
  const status = (cmdRef: string, cmd: string, index: number): StatusCommand => ({
    kind: 'Status',
    cmdId: String(100 + index),
    msgRef: asked.msgId,
    cmdRef,
    cmd,
    targetRefs: [],
    sourceRefs: [],
    code: 200,
    items: [],
  });
  const statuses = [status('0', 'SyncHdr', 0), ...answered.map(({ cmdId, kind }, i) => status(cmdId, kind, i + 1))];
  const message: Message = {
    hdr: {
      ...asked,
      target: asked.source,
      source: asked.target,
      meta: { maxMsgBytes: SETUP.maxMsgBytes },
      cred: undefined,
      ...hdr,
    },
    body: [...statuses, ...commands],
    final: true,
  };
  return { contentType: contentTypeOf(form.encoding), body: encodeMessage(message, form) };
}

function answerTo(command: RequestCommand): Answer[] {
  return [
    { kind: 'Status', cmdRef: command.cmdId, cmd: 'Get', targetRefs: [], sourceRefs: [], code: 200, items: [] },
    {
      kind: 'Results',
      cmdRef: command.cmdId,
      items: [{ source: { locUri: './DevInfo/Mod' }, meta: { format: 'chr' }, data: 'M1' }],
    },
  ];
}

type Script = (request: DmRequest, turn: number) => DmResponse | Promise<DmResponse>;

/** Runs a session against scripted answers; the last script answers all that follows. */
async function run(
  scripts: readonly Script[],
  { options = {}, ports = {} }: { options?: ClientSessionOptions; ports?: Partial<ClientSessionPorts> } = {},
) {
  const requests: DmRequest[] = [];
  const outcome = await runClientSession(
    SETUP,
    {
      exchange: async (request) => {
        const script = scripts[Math.min(requests.length, scripts.length - 1)]!;
        requests.push(request);
        return script(request, requests.length);
      },
      execute: async function* (_msgId, commands) {
        for (const command of commands) yield* await Promise.resolve(answerTo(command));
      },
      takeAlerts: () => Promise.resolve([]),
      alertAnswered: () => Promise.resolve(),
      remember: () => Promise.resolve(),
      newNonce: () => new Uint8Array(16),
      ...ports,
    },
    options,
  );
  return { outcome, requests };
}

const commandsOf = (request: DmRequest): readonly Command[] => messageOf(request).body;

it.each([
  [undefined, [true, true, true]],
  [4, [true, true, false]],
  [3, [true, false, false]],
])('client: takes a MaxObjSize of %j for a bound on values as they are transferred', async (maxObjBytes, expected) => {
  const seen: boolean[] = [];
  const execute: ClientSessionPorts['execute'] = async function* (_msgId, commands, fits) {
    // Octets that XML cannot hold go as base64.
    seen.push(...['abc', new Uint8Array(3), 'ünd€'].map((data) => fits(data)));
    for (const command of commands) yield* await Promise.resolve(answerTo(command));
  };
  const get: RequestCommand = { kind: 'Get', cmdId: '1', items: [{ target: { locUri: './A' } }] };
  const meta = { maxMsgBytes: SETUP.maxMsgBytes, maxObjBytes };
  await run([(request) => reply(request, [get], SETUP.form, { meta }), (request) => reply(request, [])], {
    ports: { execute },
  });
  expect(seen).toEqual(expected);
});

describe('session of a DM client', () => {
  it('client: says package 1, executes, answers, and is done', async () => {
    const { outcome, requests } = await run([(request) => reply(request, [GET]), (request) => reply(request, [])]);
    expect(outcome).toEqual({ kind: 'completed' });
    expect(requests.map(({ url }) => url)).toEqual(['http://server.example/dm', 'http://server.example/dm']);
    expect(commandsOf(requests[0]!).map(({ kind }) => kind)).toEqual(['Alert', 'Replace']);
    expect(commandsOf(requests[1]!).map(({ kind }) => kind)).toEqual(['Status', 'Status', 'Results']);
  });

  it('client: reads an answer in another encoding than its own', async () => {
    const { outcome, requests } = await run([(request) => reply(request, [], WBXML)]);
    expect(outcome).toEqual({ kind: 'completed' });
    expect(requests[0]?.contentType).toBe('application/vnd.syncml.dm+xml');
  });

  it('client: executes only as far as its answers can be sent', async () => {
    const pulledAtPost: number[] = [];
    let pulled = 0;
    const { outcome, requests } = await run([(request) => reply(request, [GET]), (request) => reply(request, [])], {
      ports: {
        execute: async function* (_msgId, commands) {
          const [status, results] = answerTo(commands[0] ?? GET);
          if (commands.length === 0) return;
          yield status!;
          for (; pulled < 300; pulled++) yield await Promise.resolve(results!);
        },
        remember: () => Promise.resolve(),
        takeAlerts: () => {
          pulledAtPost.push(pulled);
          return Promise.resolve([]);
        },
      },
    });
    expect(outcome).toEqual({ kind: 'completed' });
    expect(pulledAtPost[0]).toBeGreaterThan(0);
    expect(pulledAtPost[0]).toBeLessThan(100);
    for (const { body } of requests) expect(body.byteLength).toBeLessThanOrEqual(SETUP.maxMsgBytes);
    const results = requests.flatMap((request) => commandsOf(request).filter(({ kind }) => kind === 'Results'));
    expect(results).toHaveLength(300);
  });
});

describe('what a server or a network does to a client session', () => {
  const lost: Script = () => Promise.reject(new TransportError('TRANSPORT_LOST', 'the connection ended'));

  it('client: posts the same bytes again when an answer is lost', async () => {
    const { outcome, requests } = await run([lost, (request) => reply(request, [])]);
    expect(outcome).toEqual({ kind: 'completed' });
    expect(requests).toHaveLength(2);
    expect(requests[1]?.body).toEqual(requests[0]?.body);
  });

  it('client: gives up when the answer to the second post is lost too', async () => {
    const { outcome, requests } = await run([lost]);
    expect(outcome).toEqual({ kind: 'unreachable', reason: 'the connection ended' });
    expect(requests).toHaveLength(2);
  });

  it('client: posts as often as it is told', async () => {
    expect((await run([lost], { options: { maxReposts: 0 } })).requests).toHaveLength(1);
    expect((await run([lost], { options: { maxReposts: 3 } })).requests).toHaveLength(4);
  });

  it('client: does not insist where nobody listens', async () => {
    const { outcome, requests } = await run([
      () => Promise.reject(new TransportError('TRANSPORT_REFUSED', 'cannot connect')),
    ]);
    expect(outcome).toEqual({ kind: 'unreachable', reason: 'cannot connect' });
    expect(requests).toHaveLength(1);
  });

  it('client: calls an answer malformed that it cannot decode, and says where', async () => {
    const { outcome } = await run([
      () => ({ contentType: contentTypeOf('xml'), body: Buffer.from('<SyncML><SyncHdr>') }),
    ]);
    expect(outcome).toEqual({ kind: 'malformed', reason: expect.stringMatching(/^[A-Z_]+: .* at 1:\d+$/) as string });
  });

  it('client: calls an answer malformed that is no DM message', async () => {
    const { outcome } = await run([() => ({ contentType: 'text/html', body: Buffer.from('<html>') })]);
    expect(outcome).toMatchObject({ kind: 'malformed' });
  });

  it('client: ends a session that lasts too long', async () => {
    let timeUp = (): void => undefined;
    const clock = {
      now: () => 0,
      after: (_ms: number, task: () => void) => {
        timeUp = task;
        return () => undefined;
      },
    };
    const { outcome, requests } = await run(
      [
        () => {
          queueMicrotask(timeUp);
          return new Promise<DmResponse>(() => undefined);
        },
      ],
      { options: { clock, totalTimeoutMs: 5000 } },
    );
    expect(outcome).toEqual({ kind: 'unreachable', reason: 'the session took longer than 5000 ms' });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.signal?.aborted).toBe(true);
  });

  it('client: follows a RespURI on the host of its server', async () => {
    const respUri = 'http://server.example:8081/dm?sid=7';
    const { outcome, requests } = await run([
      (request) => reply(request, [GET], SETUP.form, { respUri }),
      (request) => reply(request, []),
    ]);
    expect(outcome).toEqual({ kind: 'completed' });
    expect(requests[1]?.url).toBe(respUri);
  });

  it.each(['?sid=7', '/dm?sid=7'])('client: follows the relative RespURI %s', async (respUri) => {
    const { requests } = await run([
      (request) => reply(request, [GET], SETUP.form, { respUri }),
      (request) => reply(request, []),
    ]);
    expect(requests[1]?.url).toBe('http://server.example/dm?sid=7');
  });

  it.each([
    '//evil.example/dm',
    'http://169.254.169.254/latest',
    'https://server.example/dm',
    'file:///etc/passwd',
    'nonsense',
  ])('client: does not let a RespURI lead it to %s', async (respUri) => {
    const { outcome, requests } = await run([(request) => reply(request, [GET], SETUP.form, { respUri })]);
    expect(outcome).toMatchObject({ kind: 'malformed' });
    expect(requests).toHaveLength(1);
  });

  it('client: follows a RespURI to a host it was told about', async () => {
    const { outcome } = await run(
      [
        (request) => reply(request, [GET], SETUP.form, { respUri: 'http://node-2.example/dm' }),
        (request) => reply(request, []),
      ],
      { options: { respUriHosts: ['node-2.example'] } },
    );
    expect(outcome).toEqual({ kind: 'completed' });
  });
});

describe('defects around a client session', () => {
  it('client: passes on what its tree throws', async () => {
    const failing = run([(request) => reply(request, [GET])], {
      ports: {
        execute: async function* () {
          yield* await Promise.reject<Answer[]>(new Error('disk full'));
        },
      },
    });
    await expect(failing).rejects.toThrow('disk full');
  });

  it('client: lets go of answers that nobody takes any more', async () => {
    let released = false;
    const { outcome } = await run(
      [(request) => reply(request, [GET]), () => Promise.reject(new TransportError('TRANSPORT_REFUSED', 'gone'))],
      {
        ports: {
          execute: async function* (_msgId, commands) {
            try {
              for (let i = 0; i < 1000; i++) yield* await Promise.resolve(answerTo(commands[0] ?? GET));
            } finally {
              released = true;
            }
          },
        },
      },
    );
    expect(outcome.kind).toBe('unreachable');
    expect(released).toBe(true);
  });
});
