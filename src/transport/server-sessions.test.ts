import { afterEach, describe, expect, it } from 'vitest';
import { decodeMessage } from '../protocol/codec.ts';
import type { Message, RequestCommand } from '../protocol/message/message.ts';
import { credOf } from '../protocol/auth/credentials.ts';
import { digestOf } from '../protocol/auth/digest.ts';
import type { Authentication } from '../protocol/auth/principal.ts';
import type { Decision, Delivery } from '../protocol/session/server-types.ts';
import type { Clock } from './clock.ts';
import type { HttpAnswer } from './http-answer.ts';
import { createServerSessions, type ServerApplication, type ServerSessions } from './server-sessions.ts';

const XML = 'application/vnd.syncml.dm+xml';
const VOUCHED: Authentication = { scheme: 'none', principal: { name: '', digest: '' }, nonce: new Uint8Array() };
const GET: RequestCommand = { kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] };

class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly task: () => void }>();
  #nextTimer = 0;

  now(): number {
    return this.#now;
  }

  after(delayMs: number, task: () => void): () => void {
    const id = this.#nextTimer++;
    this.#timers.set(id, { at: this.#now + delayMs, task });
    return () => this.#timers.delete(id);
  }

  /** Lets time pass, timer by timer, with everything that each of them sets off. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].task();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
  }

  get timers(): number {
    return this.#timers.size;
  }
}

/** An application that tells every client a list of commands once, and writes down what happened to it. */
class Recorder implements ServerApplication<string> {
  readonly events: string[] = [];
  readonly deliveries: Delivery[] = [];
  /** What every client is told at first, and what at each message. */
  commands: readonly RequestCommand[] = [GET];
  always: readonly RequestCommand[] = [];
  peer: Authentication = VOUCHED;
  known = (_source: string): boolean => true;
  beforeDecision: () => Promise<void> = () => Promise.resolve();
  beforeIdentity: () => Promise<void> = () => Promise.resolve();

  async identify(source: string, userName: string | undefined) {
    this.events.push(`identify ${source} ${userName ?? '-'}`);
    await this.beforeIdentity();
    const known = this.known(source);
    return {
      setup: {
        serverUri: 'http://gateway/dm',
        own: VOUCHED,
        peer: known ? this.peer : undefined,
        defaultScheme: 'md5' as const,
        maxMsgBytes: 65_536,
        maxObjBytes: 65_536,
      },
      peer: known ? source : undefined,
    };
  }

  async deliver({ key, peer }: { key: number; peer: string }, delivery: Delivery): Promise<Decision> {
    await this.beforeDecision();
    this.events.push(`deliver ${key} ${peer}${delivery.first ? ' first' : ''}`);
    this.deliveries.push(delivery);
    return {
      alertStatuses: delivery.alerts.map(() => 200),
      commands: delivery.first ? this.commands : this.always,
    };
  }

  ended({ key, peer }: { key: number; peer: string }, outcome: string): Promise<void> {
    this.events.push(`ended ${key} ${peer} ${outcome}`);
    return Promise.resolve();
  }
}

interface Head {
  readonly sessionId?: string;
  readonly msgId?: string;
  readonly source?: string;
  readonly userName?: string;
}

function syncml({ sessionId = '1', msgId = '1', source = 'urn:dev:1', userName }: Head, body: string): string {
  const locName = userName === undefined ? '' : `<LocName>${userName}</LocName>`;
  return (
    `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>` +
    `<SessionID>${sessionId}</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>http://gateway/dm</LocURI></Target>` +
    `<Source><LocURI>${source}</LocURI>${locName}</Source></SyncHdr><SyncBody>${body}<Final/></SyncBody></SyncML>`
  );
}

function package1(head: Head = {}, model = 'M1'): string {
  return syncml(
    head,
    `<Alert><CmdID>1</CmdID><Data>1201</Data></Alert><Replace><CmdID>2</CmdID><Item><Source>` +
      `<LocURI>./DevInfo/Mod</LocURI></Source><Data>${model}</Data></Item></Replace>`,
  );
}

/** Status for everything in a message of ours, Results for its Get. */
function package3(reply: Message, head: Head = {}): string {
  const msgRef = reply.hdr.msgId;
  const answers = reply.body.flatMap((command, index) => {
    const cmdId = 2 * index + 2;
    if (command.kind !== 'Get') return [];
    return [
      `<Status><CmdID>${cmdId}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${command.cmdId}</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>`,
      `<Results><CmdID>${cmdId + 1}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${command.cmdId}</CmdRef><Item><Source><LocURI>./DevInfo/Mod</LocURI></Source><Data>M1</Data></Item></Results>`,
    ];
  });
  const hdrStatus = `<Status><CmdID>1</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>`;
  return syncml({ msgId: '2', ...head }, hdrStatus + answers.join(''));
}

function messageOf(answer: HttpAnswer): Message {
  if (answer.kind !== 'message') throw new Error(`no message but ${answer.httpStatus} ${answer.reason}`);
  return decodeMessage(answer.response.body, 'xml').message;
}

function codesOf(answer: HttpAnswer): number[] {
  return messageOf(answer).body.flatMap((command) => (command.kind === 'Status' ? [command.code] : []));
}

const open: ServerSessions[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((sessions) => sessions.close()));
});

function start(options: Partial<Parameters<typeof createServerSessions>[1]> = {}) {
  const application = new Recorder();
  const clock = new ManualClock();
  const sessions = createServerSessions(application, {
    maxOpenSessions: 10,
    idleTimeoutMs: 60_000,
    totalTimeoutMs: 900_000,
    clock,
    ...options,
  });
  open.push(sessions);
  const say = (body: string | Uint8Array, contentType = XML) =>
    sessions.handle({ url: '/dm', contentType, body: typeof body === 'string' ? Buffer.from(body) : body });
  return { application, clock, sessions, say };
}

function gate(): { readonly opened: Promise<void>; open: () => void } {
  let openGate = (): void => undefined;
  const opened = new Promise<void>((resolve) => (openGate = resolve));
  return { opened, open: openGate };
}

describe('sessions of a DM server', () => {
  it('server: leads a client through a session, whatever connection its messages come by', async () => {
    const { application, sessions, say } = start();
    const package2 = messageOf(await say(package1({ userName: 'm1' })));
    expect(package2.body.map(({ kind }) => kind)).toEqual(['Status', 'Status', 'Status', 'Get']);
    expect(sessions.openCount).toBe(1);
    const package4 = messageOf(await say(package3(package2)));
    expect(package4.body.map(({ kind }) => kind)).toEqual(['Status']);
    expect(application.deliveries[1]?.answers.map(({ kind }) => kind)).toEqual(['Status', 'Results']);
    expect(application.events).toEqual([
      'identify urn:dev:1 m1',
      'deliver 1 urn:dev:1 first',
      'deliver 1 urn:dev:1',
      'ended 1 urn:dev:1 completed',
    ]);
    expect(sessions.openCount).toBe(0);
  });

  it('server: answers in the media type of the request, without its parameters', async () => {
    const answer = await start().say(package1(), 'Application/vnd.syncml+XML; charset=UTF-8');
    expect(answer).toMatchObject({ kind: 'message', response: { contentType: 'application/vnd.syncml+xml' } });
  });

  it('server: refuses with 400, and says why, what it cannot decode', async () => {
    const { application, say } = start();
    const refusals = [
      await say('<SyncML><SyncHdr>'),
      await say(''),
      await say('\0\xff garbage'),
      await say(Buffer.from('02a4016a006d6c', 'hex'), 'application/vnd.syncml.dm+wbxml'),
    ];
    for (const answer of refusals) {
      expect(answer).toMatchObject({ kind: 'refused', httpStatus: 400 });
      expect(answer.kind === 'refused' && answer.reason).toMatch(/^[A-Z_0-9]+: .* at (byte \d+|\d+:\d+)$/);
    }
    expect(application.events).toEqual([]);
  });

  it('server: gives no session to a client with an endless name', async () => {
    const { say, sessions } = start();
    expect(await say(package1({ source: 'x'.repeat(1025) }))).toMatchObject({ kind: 'refused', httpStatus: 400 });
    expect(await say(package1({ sessionId: 'x'.repeat(65) }))).toMatchObject({ kind: 'refused', httpStatus: 400 });
    expect(sessions.openCount).toBe(0);
  });

  it('server: takes a client that changes its Source for another one', async () => {
    const { application, say, sessions } = start();
    await say(package1({ source: 'urn:dev:1' }));
    await say(package1({ source: 'urn:dev:2' }));
    expect(sessions.openCount).toBe(2);
    expect(application.events.filter((event) => event.startsWith('identify'))).toHaveLength(2);
  });

  it('server: challenges a client nobody knows, and tells the application nothing of its end', async () => {
    const { application, clock, say } = start();
    application.known = () => false;
    expect(codesOf(await say(package1()))[0]).toBe(407);
    await clock.advance(120_000);
    expect(application.events).toEqual(['identify urn:dev:1 -']);
  });

  it('server: refuses more sessions than it may have, and lets those it has go on', async () => {
    const { say } = start({ maxOpenSessions: 1 });
    const package2 = messageOf(await say(package1()));
    const refused = await say(package1({ source: 'urn:dev:2' }));
    expect(refused).toMatchObject({ kind: 'refused', httpStatus: 503, retryAfterS: 5 });
    expect(codesOf(await say(package3(package2)))).toEqual([200]);
    expect((await say(package1({ source: 'urn:dev:2' }))).kind).toBe('message');
  });
});

describe('a full server', () => {
  it('server: lets a client in instead of one that has not proved itself for seconds', async () => {
    const { application, clock, say, sessions } = start({ maxOpenSessions: 1 });
    application.known = (source) => source !== 'urn:dev:unknown';
    await say(package1({ source: 'urn:dev:unknown' }));
    expect(await say(package1())).toMatchObject({ kind: 'refused', httpStatus: 503 });
    await clock.advance(5001);
    expect((await say(package1())).kind).toBe('message');
    expect(sessions.openCount).toBe(1);
  });

  it('server: never ends the session of a proven client to make room', async () => {
    const { clock, say } = start({ maxOpenSessions: 1 });
    await say(package1());
    await clock.advance(50_000);
    expect(await say(package1({ source: 'urn:dev:2' }))).toMatchObject({ kind: 'refused', httpStatus: 503 });
  });
});

describe('repeated messages', () => {
  it('server: answers a repeat with the same bytes and delivers nothing twice, also after the end', async () => {
    const { application, say } = start();
    const first = await say(package1());
    expect(await say(package1())).toEqual(first);
    const package2 = messageOf(first);
    const last = await say(package3(package2));
    expect(await say(package3(package2))).toEqual(last);
    expect(application.deliveries).toHaveLength(2);
    expect(application.events.filter((event) => event.startsWith('ended'))).toHaveLength(1);
  });

  it('server: lets a repeat wait while the first is still being handled', async () => {
    const { application, say } = start();
    const decided = gate();
    application.beforeDecision = () => decided.opened;
    const answers = [say(package1()), say(package1())];
    decided.open();
    const [first, second] = await Promise.all(answers);
    expect(second).toBe(first);
    expect(application.deliveries).toHaveLength(1);
  });

  it('server: refuses another message of a session while one is being handled', async () => {
    const { application, say } = start();
    const decided = gate();
    application.beforeDecision = () => decided.opened;
    const first = say(package1());
    expect(await say(package1({ msgId: '2' }))).toMatchObject({ kind: 'refused', httpStatus: 503, retryAfterS: 1 });
    decided.open();
    expect((await first).kind).toBe('message');
  });

  it('server: forgets what it answered to an ended session after a while', async () => {
    const { application, clock, say } = start({ closedSessionMs: 30_000 });
    const package2 = messageOf(await say(package1()));
    const last = await say(package3(package2));
    await clock.advance(29_999);
    expect(await say(package3(package2))).toBe(last);
    await clock.advance(1);
    await say(package3(package2));
    expect(application.deliveries).toHaveLength(3);
  });

  it('server: keeps the answers of no more ended sessions than it may', async () => {
    const { application, say } = start({ maxClosedSessions: 1 });
    const sources = ['urn:dev:1', 'urn:dev:2'];
    const last: string[] = [];
    for (const source of sources) {
      last.push(package3(messageOf(await say(package1({ source }))), { source }));
      await say(last.at(-1)!);
    }
    await say(last[1]!);
    expect(application.deliveries).toHaveLength(4);
    await say(last[0]!);
    expect(application.deliveries).toHaveLength(5);
  });

  it('server: has something new to say to a client that polls with the very same message', async () => {
    const { application, say } = start();
    application.commands = [];
    expect(messageOf(await say(package1())).body.some(({ kind }) => kind === 'Get')).toBe(false);
    application.commands = [GET];
    expect(messageOf(await say(package1())).body.some(({ kind }) => kind === 'Get')).toBe(true);
  });

  it('server: begins another session where the SessionID of an ended one is used again', async () => {
    const { application, say } = start();
    application.commands = [];
    await say(package1({}, 'M1'));
    await say(package1({}, 'M2'));
    expect(application.events.filter((event) => event.startsWith('ended'))).toEqual([
      'ended 1 urn:dev:1 completed',
      'ended 2 urn:dev:1 completed',
    ]);
  });

  it('server: refuses a further message of an ended session', async () => {
    const { application, say } = start();
    application.commands = [];
    await say(package1());
    expect(await say(syncml({ msgId: '2' }, ''))).toMatchObject({ kind: 'refused', httpStatus: 400 });
  });

  it('server: ends the session of a client that begins again under the same SessionID', async () => {
    const { application, say, sessions } = start();
    await say(package1({}, 'M1'));
    const package2 = messageOf(await say(package1({}, 'M2')));
    await say(package3(package2));
    expect(application.events).toEqual([
      'identify urn:dev:1 -',
      'deliver 1 urn:dev:1 first',
      'identify urn:dev:1 -',
      'ended 1 urn:dev:1 timed-out',
      'deliver 2 urn:dev:1 first',
      'deliver 2 urn:dev:1',
      'ended 2 urn:dev:1 completed',
    ]);
    expect(sessions.openCount).toBe(0);
  });
});

describe('strangers who bear the name of a client', () => {
  const PROVER: Authentication = {
    scheme: 'md5',
    principal: { name: 'm1', digest: digestOf('m1', 'secret') },
    nonce: new Uint8Array(),
  };
  const cred = `<Cred><Meta><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta><Data>${credOf(PROVER)!.data}</Data></Cred>`;
  const proven = package1().replace('</SyncHdr>', `${cred}</SyncHdr>`);

  function startWithProof() {
    const started = start();
    started.application.peer = PROVER;
    const post = (body: string, url: string, from: string) =>
      started.sessions.handle({ url, contentType: XML, body: Buffer.from(body), from });
    return { ...started, post };
  }

  it('server: does not end a session because somebody begins one under its name', async () => {
    const { application, sessions, post } = startWithProof();
    const package2 = messageOf(await post(proven, '/dm', 'device'));
    expect(codesOf(await post(package1(), '/dm', 'stranger'))[0]).toBe(407);
    expect(codesOf(await post(package1({ msgId: '2' }), '/dm', 'stranger'))[0]).toBe(407);
    expect(codesOf(await post(package3(package2), package2.hdr.respUri!, 'device'))).toEqual([200]);
    expect(application.events).toContain('ended 1 urn:dev:1 completed');
    expect(sessions.openCount).toBe(0);
  });

  it('server: takes no answer from a stranger for that of a client', async () => {
    const { application, post } = startWithProof();
    const package2 = messageOf(await post(proven, '/dm', 'device'));
    expect(await post(package3(package2), '/dm', 'stranger')).toMatchObject({ kind: 'refused', httpStatus: 400 });
    expect(await post(package3(package2), '/dm?s=guessed', 'stranger')).toMatchObject({ httpStatus: 400 });
    expect(application.deliveries).toHaveLength(1);
    expect(codesOf(await post(package3(package2), '/dm', 'device'))).toEqual([200]);
  });

  it('server: asks for the RespURI of a client that has used it, wherever its messages come from', async () => {
    const { application, post } = startWithProof();
    application.always = [GET];
    const package2 = messageOf(await post(proven, '/dm', 'device'));
    const next = messageOf(await post(package3(package2), package2.hdr.respUri!, 'elsewhere'));
    expect(await post(package3(next, { msgId: '3' }), '/dm', 'device')).toMatchObject({ httpStatus: 400 });
    expect((await post(package3(next, { msgId: '3' }), package2.hdr.respUri!, 'device')).kind).toBe('message');
  });

  it('server: shuts nobody out whose name a stranger has used up', async () => {
    const { post } = startWithProof();
    for (const msgId of ['77', '78']) await post(package1({ msgId }), '/dm', 'stranger');
    expect(codesOf(await post(proven, '/dm', 'device'))[0]).toBe(212);
  });
});

describe('time-outs and failures', () => {
  it('server: ends a session whose client is silent, once', async () => {
    const { application, clock, say, sessions } = start({ idleTimeoutMs: 60_000 });
    await say(package1());
    await clock.advance(60_000);
    expect(sessions.openCount).toBe(1);
    await clock.advance(1000);
    expect(sessions.openCount).toBe(0);
    await clock.advance(100_000);
    expect(application.events.at(-1)).toBe('ended 1 urn:dev:1 timed-out');
    expect(application.events.filter((event) => event.startsWith('ended'))).toHaveLength(1);
  });

  it('server: ends a session that lasts too long although its client speaks', async () => {
    const { application, clock, say } = start({ idleTimeoutMs: 60_000, totalTimeoutMs: 100_000 });
    await say(package1());
    await clock.advance(50_000);
    await say(package1());
    await clock.advance(49_000);
    await say(package1());
    expect(application.events).not.toContain('ended 1 urn:dev:1 timed-out');
    await clock.advance(2000);
    expect(application.events).toContain('ended 1 urn:dev:1 timed-out');
  });

  it('server: does not end a session in the middle of a message', async () => {
    const { application, clock, say, sessions } = start({ idleTimeoutMs: 1000 });
    const decided = gate();
    application.beforeDecision = () => decided.opened;
    const answer = say(package1());
    await clock.advance(10_000);
    expect(sessions.openCount).toBe(1);
    decided.open();
    expect((await answer).kind).toBe('message');
  });

  it('server: lets the client send a message again that the application failed on', async () => {
    const { application, say } = start();
    application.beforeDecision = () => Promise.reject(new Error('disk full'));
    await expect(say(package1())).rejects.toThrow('disk full');
    application.beforeDecision = () => Promise.resolve();
    const package2 = messageOf(await say(package1()));
    expect(package2.body.some(({ kind }) => kind === 'Get')).toBe(true);
    expect(application.events.filter((event) => event.startsWith('identify'))).toHaveLength(1);
  });

  it('server: keeps no session of a client that could not be looked up', async () => {
    const { application, say, sessions } = start();
    application.beforeIdentity = () => Promise.reject(new Error('disk full'));
    await expect(say(package1())).rejects.toThrow('disk full');
    expect(sessions.openCount).toBe(0);
  });

  it('server: reports an application that fails at the end, and answers the client all the same', async () => {
    const errors: unknown[] = [];
    const { application, say } = start({ onError: (error) => errors.push(error) });
    application.commands = [];
    application.ended = () => Promise.reject(new Error('disk full'));
    expect((await say(package1())).kind).toBe('message');
    expect(errors).toHaveLength(1);
  });

  it('server: answers what is under way and ends every session when it closes', async () => {
    const { application, clock, say, sessions } = start();
    await say(package1({ source: 'urn:dev:1' }));
    const decided = gate();
    application.beforeDecision = () => decided.opened;
    const underWay = say(package1({ source: 'urn:dev:2' }));
    const closed = sessions.close();
    expect(await say(package1({ source: 'urn:dev:3' }))).toMatchObject({ kind: 'refused', httpStatus: 503 });
    decided.open();
    expect((await underWay).kind).toBe('message');
    await closed;
    expect(application.events.slice(-2)).toEqual(['ended 1 urn:dev:1 timed-out', 'ended 2 urn:dev:2 timed-out']);
    expect(sessions.openCount).toBe(0);
    expect(clock.timers).toBe(0);
  });
});
