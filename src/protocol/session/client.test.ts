import { describe, expect, it } from 'vitest';
import { checkCred, credOf } from '../auth/credentials.ts';
import { digestOf } from '../auth/digest.ts';
import type { Authentication } from '../auth/principal.ts';
import { encodeMessage } from '../codec.ts';
import type { Answer, Command, Message, Meta, RequestCommand, StatusCommand, SyncHdr } from '../message/message.ts';
import type { ClientEffect, ClientInput, ClientSetup, OutgoingAlert } from './client-types.ts';
import { clientStart, type ClientState, stepClient } from './client.ts';

const NONE: Authentication = { scheme: 'none', principal: { name: '', digest: '' }, nonce: new Uint8Array() };
const DEVICE: Authentication = {
  scheme: 'md5',
  principal: { name: 'm1', digest: digestOf('m1', 'device-secret') },
  nonce: Buffer.from('device-nonce'),
};
const SERVER: Authentication = {
  scheme: 'md5',
  principal: { name: 'srv', digest: digestOf('srv', 'server-secret') },
  nonce: Buffer.from('server-nonce'),
};
const FRESH = Buffer.from('fresh-nonce-0001');
const CHAL: Meta = { format: 'b64', type: 'syncml:auth-md5', nextNonce: 'bmV4dA==' };
const NEXT = Buffer.from('next');
const GET: RequestCommand = { kind: 'Get', cmdId: '5', items: [{ target: { locUri: './DevInfo/Mod' } }] };
const DONE: OutgoingAlert = { ref: 'run-1', alert: { kind: 'Alert', code: 1226, items: [] } };

const SETUP: ClientSetup = {
  sessionId: 'A1',
  serverUri: 'http://server/dm',
  clientUri: 'urn:dev:1',
  form: { encoding: 'xml' },
  own: NONE,
  peer: NONE,
  maxMsgBytes: 4096,
  maxObjBytes: 65_536,
  managementAlert: 1200,
  devInfo: [{ source: { locUri: './DevInfo/Mod' }, data: 'M1' }],
  alerts: [],
};

interface Reply {
  /** Code of the Status for our SyncHdr; undefined: there is none. */
  readonly code?: number | undefined;
  readonly chal?: Meta;
  readonly commands?: readonly Command[];
  readonly final?: boolean;
  readonly hdr?: Partial<SyncHdr>;
}

/** A client and what came of its steps; its tree answers every command with a Status and `results` Results. */
class Conversation {
  state: ClientState;
  readonly posts: { readonly url: string; readonly message: Message }[] = [];
  readonly executed: string[] = [];
  readonly remembered: Omit<Extract<ClientEffect, { kind: 'remember' }>, 'kind'>[] = [];
  readonly alertsAnswered: string[] = [];
  /** Alerts that come up while commands are executed. */
  alerts: OutgoingAlert[] = [];
  results = 1;
  /** What it answers instead, besides the Status. */
  answers: readonly Answer[] | undefined;
  outcome: string | undefined;
  #answers: Answer[] = [];
  #serverMsgId = 0;

  constructor(setup: Partial<ClientSetup> = {}) {
    this.state = clientStart({ ...SETUP, ...setup });
    this.#step({ kind: 'open' });
  }

  /** Our last message. */
  get said(): Message {
    const last = this.posts.at(-1);
    if (!last) throw new Error('nothing was said');
    return last.message;
  }

  /** The server answers our last message. */
  hear({ code = 200, chal, commands = [], final = true, hdr = {} }: Reply): void {
    this.#serverMsgId += 1;
    const status: StatusCommand = statusFor(this.said, '0', 'SyncHdr', code, chal);
    const message: Message = {
      hdr: {
        verDtd: '1.2',
        verProto: 'DM/1.2',
        sessionId: 'A1',
        msgId: String(this.#serverMsgId),
        target: { locUri: 'urn:dev:1' },
        source: { locUri: 'http://server/dm' },
        ...hdr,
      },
      body: [status, ...commands],
      final,
    };
    this.#step({ kind: 'received', message, freshNonce: FRESH });
  }

  #step(first: ClientInput): void {
    let input: ClientInput | undefined = first;
    while (input) {
      const { next, effects } = stepClient(this.state, input);
      this.state = next;
      input = undefined;
      for (const effect of effects) input = this.#perform(effect) ?? input;
    }
  }

  #perform(effect: ClientEffect): ClientInput | undefined {
    switch (effect.kind) {
      case 'post':
        this.posts.push(effect);
        return undefined;
      case 'execute':
        this.executed.push(...effect.commands.map(({ cmdId }) => `${effect.msgId}/${cmdId}`));
        this.#answers = effect.commands.flatMap((command) => answersTo(command, this.results, this.answers));
        return this.#produced();
      case 'produce':
        return this.#produced();
      case 'remember':
        this.remembered.push({ ownNonce: effect.ownNonce, peerNonce: effect.peerNonce });
        return undefined;
      case 'alertAnswered':
        this.alertsAnswered.push(`${effect.ref} ${effect.status}`);
        return undefined;
      case 'closed':
        this.outcome = effect.outcome.kind === 'refused' ? `refused ${effect.outcome.status}` : effect.outcome.kind;
        return undefined;
    }
  }

  /** Ten answers at a time. */
  #produced(): ClientInput {
    const answers = this.#answers.splice(0, 10);
    return { kind: 'produced', answers, done: this.#answers.length === 0, alerts: this.alerts.splice(0) };
  }
}

function statusFor(said: Message, cmdRef: string, cmd: string, code = 200, chal?: Meta): StatusCommand {
  return {
    kind: 'Status',
    cmdId: '1',
    msgRef: said.hdr.msgId,
    cmdRef,
    cmd,
    targetRefs: [],
    sourceRefs: [],
    code,
    chal,
    items: [],
  };
}

function answersTo({ cmdId }: RequestCommand, results: number, answers?: readonly Answer[]): Answer[] {
  return [
    { kind: 'Status', cmdRef: cmdId, cmd: 'Get', targetRefs: [], sourceRefs: [], code: 200, items: [] },
    ...(answers ??
      Array.from({ length: results }, (): Answer => ({ kind: 'Results', cmdRef: cmdId, items: [{ data: 'M1' }] }))),
  ];
}

function kinds({ body }: Message): string {
  return body
    .map((command) => (command.kind === 'Status' ? `${command.cmd} ${command.code}` : command.kind))
    .join(', ');
}

describe('a DM client and package 1', () => {
  it('client: begins with its alert, DevInfo and further alerts', () => {
    const talk = new Conversation({ alerts: [DONE] });
    const { hdr, body, final } = talk.said;
    expect(hdr).toMatchObject({
      verDtd: '1.2',
      verProto: 'DM/1.2',
      sessionId: 'A1',
      msgId: '1',
      target: { locUri: 'http://server/dm' },
      source: { locUri: 'urn:dev:1' },
      meta: { maxMsgBytes: 4096, maxObjBytes: 65_536 },
    });
    expect(body).toMatchObject([
      { kind: 'Alert', cmdId: '1', code: 1200 },
      { kind: 'Replace', cmdId: '2', items: SETUP.devInfo },
      { kind: 'Alert', cmdId: '3', code: 1226 },
    ]);
    expect(final).toBe(true);
  });

  it('client: is done when the server has nothing to say, and sends no message that would only say so', () => {
    const talk = new Conversation();
    talk.hear({});
    expect(talk.outcome).toBe('completed');
    expect(talk.posts).toHaveLength(1);
  });

  it('client: sends in several messages what one cannot hold', () => {
    const alerts = Array.from({ length: 20 }, (_, index) => ({ ref: `run-${index}`, alert: DONE.alert }));
    const talk = new Conversation({ alerts, maxMsgBytes: 1200 });
    expect(talk.said.final).toBe(false);
    const answered = (said: Message) =>
      said.body.flatMap(({ kind, cmdId }) => (kind === 'Alert' ? [statusFor(said, cmdId, 'Alert')] : []));
    for (let turn = 0; turn < 20 && !talk.said.final; turn += 1) {
      expect(encodeMessage(talk.said, SETUP.form).length).toBeLessThanOrEqual(1200);
      const next: RequestCommand = { kind: 'Alert', cmdId: '9', code: 1222, items: [] };
      talk.hear({ commands: [...answered(talk.said), next], final: false });
    }
    talk.hear({ commands: answered(talk.said) });
    expect(talk.outcome).toBe('completed');
    expect(talk.alertsAnswered).toEqual(alerts.map(({ ref }) => `${ref} 200`));
  });
});

describe('a DM client that has to prove itself', () => {
  it('client: proves itself with the stored nonce in its first message', () => {
    const talk = new Conversation({ own: DEVICE });
    expect(checkCred(talk.said.hdr.cred, DEVICE)).toBe('valid');
    expect(talk.said.hdr.source.locName).toBe('m1');
  });

  it('client: says package 1 again under the challenge, with a Status for the SyncHdr', () => {
    const talk = new Conversation({ own: DEVICE, alerts: [DONE] });
    talk.hear({ code: 401, chal: CHAL });
    expect(talk.said.hdr).toMatchObject({ sessionId: 'A1', msgId: '2' });
    expect(kinds(talk.said)).toBe('SyncHdr 200, Alert, Replace, Alert');
    expect(checkCred(talk.said.hdr.cred, { ...DEVICE, nonce: NEXT })).toBe('valid');
    talk.hear({ code: 212, commands: [statusFor(talk.said, '4', 'Alert', 200)] });
    expect(talk.alertsAnswered).toEqual(['run-1 200']);
    expect(talk.outcome).toBe('completed');
  });

  it('client: gives up after two refusals', () => {
    const talk = new Conversation({ own: DEVICE });
    talk.hear({ code: 407, chal: CHAL });
    talk.hear({ code: 401, chal: CHAL });
    expect(talk.outcome).toBe('refused 401');
    expect(talk.posts).toHaveLength(2);
  });

  it.each([
    ['asks for another scheme', { code: 401, chal: { format: 'b64', type: 'syncml:auth-basic' } }, 'refused 401'],
    ['does not say what it wants', { code: 407 }, 'refused 407'],
    ['speaks another version', { code: 513 }, 'refused 513'],
    ['is busy', { code: 503 }, 'refused 503'],
  ])('client: gives up when the server %s', (_, reply, outcome) => {
    const talk = new Conversation({ own: DEVICE });
    talk.hear(reply);
    expect(talk.outcome).toBe(outcome);
  });

  it('client: proves itself once where it is accepted for the session, and keeps the nonce for the next', () => {
    const talk = new Conversation({ own: DEVICE });
    talk.hear({ code: 212, chal: CHAL, commands: [GET] });
    expect(talk.remembered).toEqual([{ ownNonce: NEXT, peerNonce: undefined }]);
    expect(talk.said.hdr.cred).toBeUndefined();
  });

  it('client: proves itself in every message to a server that wants it so', () => {
    const talk = new Conversation({ own: DEVICE });
    talk.hear({ code: 200, chal: CHAL, commands: [GET] });
    expect(checkCred(talk.said.hdr.cred, { ...DEVICE, nonce: NEXT })).toBe('valid');
  });
});

describe('a DM client and a server that has to prove itself', () => {
  it('client: accepts a proof, says so, and gives a nonce for the next session', () => {
    const talk = new Conversation({ peer: SERVER });
    talk.hear({ commands: [GET], hdr: { cred: credOf(SERVER) } });
    expect(kinds(talk.said)).toBe('SyncHdr 212, Get 200, Results');
    expect((talk.said.body[0] as StatusCommand).chal).toEqual({ ...CHAL, nextNonce: FRESH.toString('base64') });
    expect(talk.remembered).toEqual([{ ownNonce: undefined, peerNonce: FRESH }]);
  });

  it('client: executes nothing of a server without a proof, and does when the proof comes', () => {
    const talk = new Conversation({ peer: SERVER });
    talk.hear({ commands: [GET] });
    expect(kinds(talk.said)).toBe('SyncHdr 407, Get 407');
    expect(talk.executed).toEqual([]);
    talk.hear({ commands: [GET], hdr: { cred: credOf({ ...SERVER, nonce: FRESH }) } });
    expect(talk.executed).toEqual(['2/5']);
    expect(kinds(talk.said)).toBe('SyncHdr 212, Get 200, Results');
  });

  it('client: gives up at the second message without a proof', () => {
    const talk = new Conversation({ peer: SERVER });
    talk.hear({ commands: [GET], hdr: { cred: credOf(DEVICE) } });
    expect(kinds(talk.said)).toBe('SyncHdr 401, Get 401');
    talk.hear({ commands: [GET], hdr: { cred: credOf(SERVER) } });
    expect(talk.outcome).toBe('distrusted');
    expect(talk.executed).toEqual([]);
  });

  it('client: needs no proof of a server that wants nothing', () => {
    const talk = new Conversation({ peer: SERVER });
    talk.hear({});
    expect(talk.outcome).toBe('completed');
  });

  it('client: believes no acknowledgement of an alert without a proof, and says the alert again', () => {
    const talk = new Conversation({ peer: SERVER, alerts: [DONE] });
    talk.hear({ commands: [statusFor(talk.said, '3', 'Alert', 200)] });
    expect(kinds(talk.said)).toBe('SyncHdr 407, Alert');
    expect(talk.alertsAnswered).toEqual([]);
    const cred = credOf({ ...SERVER, nonce: FRESH });
    talk.hear({ commands: [statusFor(talk.said, '2', 'Alert', 202)], hdr: { cred } });
    expect(talk.alertsAnswered).toEqual(['run-1 202']);
    expect(talk.outcome).toBe('completed');
  });

  it('client: keeps the nonce a server knows when the session ends before it could learn another', () => {
    const talk = new Conversation({ own: DEVICE, peer: SERVER });
    talk.hear({ code: 212, chal: CHAL, hdr: { cred: credOf(SERVER) } });
    expect(talk.outcome).toBe('completed');
    expect(talk.remembered).toEqual([{ ownNonce: NEXT, peerNonce: undefined }]);
  });

  it('client: uses the nonce of an unproven server, and keeps it only when the proof comes', () => {
    const talk = new Conversation({ own: DEVICE, peer: SERVER });
    talk.hear({ code: 401, chal: CHAL });
    expect(kinds(talk.said)).toBe('SyncHdr 407, Alert, Replace');
    expect(talk.remembered).toEqual([]);
    const chal = { ...CHAL, nextNonce: 'dGhpcmQ=' };
    talk.hear({ code: 212, chal, commands: [GET], hdr: { cred: credOf({ ...SERVER, nonce: FRESH }) } });
    expect(talk.remembered).toEqual([{ ownNonce: Buffer.from('third'), peerNonce: FRESH }]);
    expect(kinds(talk.said)).toBe('SyncHdr 212, Get 200, Results');
  });

  it('client: stores no nonce of a server that never proves itself', () => {
    const talk = new Conversation({ own: DEVICE, peer: SERVER });
    talk.hear({ code: 212, chal: CHAL, commands: [GET] });
    talk.hear({ commands: [GET] });
    expect(talk.outcome).toBe('distrusted');
    expect(talk.remembered).toEqual([]);
  });
});

describe('a DM client and commands', () => {
  it('client: answers with Status and Results, and again as long as the server has commands', () => {
    const talk = new Conversation();
    talk.hear({ commands: [GET, { ...GET, cmdId: '6' }] });
    expect(talk.said.body).toMatchObject([
      { kind: 'Status', cmdId: '1', msgRef: '1', cmdRef: '0' },
      { kind: 'Status', cmdId: '2', msgRef: '1', cmdRef: '5' },
      { kind: 'Results', cmdId: '3', msgRef: '1', cmdRef: '5' },
      { kind: 'Status', cmdId: '4', msgRef: '1', cmdRef: '6' },
      { kind: 'Results', cmdId: '5', msgRef: '1', cmdRef: '6' },
    ]);
    talk.hear({ commands: [GET] });
    expect(talk.said.hdr.msgId).toBe('3');
    expect(talk.said.body).toMatchObject([{ msgRef: '2' }, { msgRef: '2' }, { msgRef: '2' }]);
    talk.hear({});
    expect(talk.outcome).toBe('completed');
    expect(talk.executed).toEqual(['1/5', '1/6', '2/5']);
  });

  it('client: sends an alert that came up meanwhile with its answers', () => {
    const talk = new Conversation();
    talk.alerts = [DONE];
    talk.hear({ commands: [GET] });
    expect(kinds(talk.said)).toBe('SyncHdr 200, Get 200, Results, Alert');
    talk.hear({ commands: [statusFor(talk.said, '4', 'Alert', 500)] });
    expect(talk.alertsAnswered).toEqual(['run-1 500']);
  });

  it('client: spreads its answers over messages that the server can take, and says Final in the last', () => {
    const talk = new Conversation();
    talk.results = 100;
    talk.hear({ commands: [GET], hdr: { meta: { maxMsgBytes: 1500 } } });
    const said: Message[] = [];
    for (let turn = 0; turn < 50; turn += 1) {
      said.push(talk.said);
      expect(encodeMessage(talk.said, SETUP.form).length).toBeLessThanOrEqual(1500);
      if (talk.said.final) break;
      talk.hear({ commands: [{ kind: 'Alert', cmdId: '9', code: 1222, items: [] }], final: false });
    }
    expect(said.length).toBeGreaterThan(5);
    expect(said.flatMap(({ body }) => body.filter(({ kind }) => kind === 'Results'))).toHaveLength(100);
    const answers = said.flatMap(({ body }) => body.filter(({ kind }) => kind !== 'Alert'));
    expect(answers.every((answer) => !('cmdRef' in answer) || answer.cmdRef !== '5' || answer.msgRef === '1')).toBe(
      true,
    );
    talk.hear({});
    expect(talk.outcome).toBe('completed');
  });

  it('client: splits Results that are larger than a message by their Items', () => {
    const talk = new Conversation();
    const items = Array.from({ length: 60 }, (_, at) => ({ source: { locUri: `./A/${at}` }, data: 'x & y'.repeat(4) }));
    talk.answers = [{ kind: 'Results', cmdRef: '5', items }];
    talk.hear({ commands: [GET], hdr: { meta: { maxMsgBytes: 1500 } } });
    for (let turn = 0; turn < 20 && !talk.said.final; turn += 1) talk.hear({ final: false });
    const said = talk.posts.map(({ message }) => message).slice(1);
    expect(said.length).toBeGreaterThan(3);
    for (const message of said) expect(encodeMessage(message, SETUP.form).length).toBeLessThanOrEqual(1500);
    const sent = said.flatMap(({ body }) =>
      body.flatMap((command) => (command.kind === 'Results' ? command.items : [])),
    );
    expect(sent).toEqual(items);
  });

  it('client: asks for the rest of a package, and says Final when it has answered all of it', () => {
    const talk = new Conversation();
    talk.hear({ commands: [GET], final: false });
    expect(kinds(talk.said)).toBe('SyncHdr 200, Get 200, Results, Alert');
    expect(talk.said.final).toBe(false);
    talk.hear({ final: false });
    expect(kinds(talk.said)).toBe('SyncHdr 200, Alert');
    talk.hear({ commands: [{ ...GET, cmdId: '7' }] });
    expect(kinds(talk.said)).toBe('SyncHdr 200, Get 200, Results');
    expect(talk.said.final).toBe(true);
    expect(talk.executed).toEqual(['1/5', '3/7']);
  });

  it('client: executes commands in their order that come before its answers are all said', () => {
    const talk = new Conversation();
    talk.results = 30;
    talk.hear({ commands: [GET], final: false, hdr: { meta: { maxMsgBytes: 1500 } } });
    talk.hear({ commands: [{ ...GET, cmdId: '7' }], hdr: { meta: { maxMsgBytes: 1500 } } });
    for (let turn = 0; turn < 20 && !talk.said.final; turn += 1) talk.hear({ final: false });
    expect(talk.said.final).toBe(true);
    talk.hear({});
    expect(talk.executed).toEqual(['1/5', '2/7']);
    const refs = talk.posts.flatMap(({ message }) =>
      message.body.flatMap((command) =>
        command.kind === 'Results' ? [`${command.msgRef ?? ''}/${command.cmdRef}`] : [],
      ),
    );
    expect(refs).toEqual([...Array<string>(30).fill('1/5'), ...Array<string>(30).fill('2/7')]);
    expect(talk.outcome).toBe('completed');
  });

  it('client: executes nothing twice that a server sends twice', () => {
    const talk = new Conversation();
    talk.hear({ commands: [GET] });
    talk.hear({ commands: [GET], hdr: { msgId: '1' } });
    expect(talk.executed).toEqual(['1/5']);
    expect(talk.outcome).toBe('malformed');
  });

  it('client: executes other commands of a server that gives every message the same MsgID', () => {
    const talk = new Conversation();
    talk.hear({ commands: [GET] });
    talk.hear({ commands: [{ ...GET, cmdId: '6' }], hdr: { msgId: '1' } });
    expect(talk.executed).toEqual(['1/5', '1/6']);
  });

  it('client: goes to the RespURI it is given', () => {
    const talk = new Conversation();
    talk.hear({ commands: [GET], hdr: { respUri: 'http://server/dm?sid=7' } });
    talk.hear({ commands: [GET] });
    expect(talk.posts.map(({ url }) => url)).toEqual([
      'http://server/dm',
      'http://server/dm?sid=7',
      'http://server/dm?sid=7',
    ]);
  });

  it('client: says nothing more to a server that aborts', () => {
    const talk = new Conversation();
    talk.hear({ commands: [GET, { kind: 'Alert', cmdId: '9', code: 1223, items: [] }] });
    expect(talk.outcome).toBe('aborted');
    expect(talk.executed).toEqual([]);
    expect(talk.posts).toHaveLength(1);
  });

  it('client: ends the session by its own abort, whatever the server still wants', () => {
    const talk = new Conversation();
    talk.alerts = [{ ref: 'stop', alert: { kind: 'Alert', code: 1223, items: [] } }];
    talk.hear({ commands: [GET] });
    expect(talk.said.body).toContainEqual(expect.objectContaining({ kind: 'Alert', code: 1223 }));
    talk.hear({ commands: [{ ...GET, cmdId: '6' }] });
    expect(talk.outcome).toBe('aborted');
    expect(talk.executed).toHaveLength(1);
    expect(talk.posts).toHaveLength(2);
  });
});
