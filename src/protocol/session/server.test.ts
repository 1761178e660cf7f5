import { describe, expect, it } from 'vitest';
import { checkCred, credOf, nextNonceOf } from '../auth/credentials.ts';
import { digestOf } from '../auth/digest.ts';
import { macHeaderFor, readMacHeader } from '../auth/mac-header.ts';
import type { Authentication } from '../auth/principal.ts';
import { encodeMessage, type WireForm } from '../codec.ts';
import type { Command, Cred, Message, Meta, RequestCommand, StatusCommand } from '../message/message.ts';
import type { Decision, Delivery, ServerEffect, ServerOutcome, ServerSetup } from './server-types.ts';
import { serverStart, type ServerState, stepServer } from './server.ts';

const XML: WireForm = { encoding: 'xml' };
const NONE: Authentication = { scheme: 'none', principal: { name: '', digest: '' }, nonce: new Uint8Array() };
const DEVICE: Authentication = {
  scheme: 'md5',
  principal: { name: 'm1', digest: digestOf('m1', 'device-secret') },
  nonce: Buffer.from('device-nonce'),
};
const GATEWAY: Authentication = {
  scheme: 'md5',
  principal: { name: 'gw', digest: digestOf('gw', 'gateway-secret') },
  nonce: Buffer.from('gateway-nonce'),
};
const FRESH = Buffer.from('fresh-nonce-0001');

const SETUP: ServerSetup = {
  serverUri: 'http://gateway/dm',
  own: NONE,
  peer: NONE,
  defaultScheme: 'md5',
  maxMsgBytes: 65_536,
  maxObjBytes: 1_048_576,
};

const ALERT: RequestCommand = { kind: 'Alert', cmdId: '1', code: 1200, items: [] };
const DEV_INFO: RequestCommand = {
  kind: 'Replace',
  cmdId: '2',
  items: [{ source: { locUri: './DevInfo/Mod' }, data: 'M1' }],
};

function get(cmdId: string, locUri = './DevInfo/Mod'): RequestCommand {
  return { kind: 'Get', cmdId, items: [{ target: { locUri } }] };
}

interface Said {
  readonly cred?: Cred | undefined;
  /** Who signs the message. */
  readonly signer?: Authentication;
  readonly final?: boolean;
  readonly meta?: Meta;
  readonly versions?: { readonly verDtd: string; readonly verProto: string };
}

/** A server and what came of its steps; the application decides by the list it is given. */
class Conversation {
  state: ServerState;
  readonly decisions: Decision[];
  readonly deliveries: Delivery[] = [];
  outcome: ServerOutcome | undefined;
  #msgId = 0;

  constructor(setup: Partial<ServerSetup> = {}, decisions: readonly (readonly RequestCommand[])[] = []) {
    this.state = serverStart({ ...SETUP, ...setup });
    this.decisions = decisions.map((commands) => ({ alertStatuses: [200, 202, 415], commands }));
  }

  /** The client says these commands; answers the server's reply. */
  say(body: readonly Command[], { cred, signer, final = true, meta, versions }: Said = {}): Message {
    this.#msgId += 1;
    const message: Message = {
      hdr: {
        verDtd: '1.2',
        verProto: 'DM/1.2',
        ...versions,
        sessionId: 'A1',
        msgId: String(this.#msgId),
        target: { locUri: 'http://gateway/dm' },
        source: { locUri: 'urn:dev:1', locName: 'm1' },
        cred,
        meta,
      },
      body,
      final,
    };
    const bytes = encodeMessage(message, XML);
    const mac = signer && readMacHeader(macHeaderFor(bytes, signer), bytes);
    let effects = this.#step({ kind: 'received', message, mac, form: XML, freshNonce: FRESH });
    const delivered = effects.find((effect) => effect.kind === 'deliver');
    if (delivered) {
      this.deliveries.push(delivered.delivery);
      const decision = (delivered.delivery.final ? this.decisions.shift() : undefined) ?? {
        alertStatuses: [200, 202, 415],
        commands: [],
      };
      effects = this.#step({ kind: 'decided', decision });
    }
    for (const effect of effects) if (effect.kind === 'closed') this.outcome = effect.outcome;
    const reply = effects.find((effect) => effect.kind === 'reply');
    if (!reply) throw new Error('no reply');
    return reply.message;
  }

  #step(input: Parameters<typeof stepServer>[1]): readonly ServerEffect[] {
    const { next, effects } = stepServer(this.state, input);
    this.state = next;
    return effects;
  }
}

function statuses({ body }: Message): readonly (readonly [string, string, number])[] {
  return body.flatMap((command) => (command.kind === 'Status' ? [[command.cmdRef, command.cmd, command.code]] : []));
}

function commands({ body }: Message): readonly Command[] {
  return body.filter((command) => command.kind !== 'Status');
}

/** The client's Status for a command of the server's message; `0` is its SyncHdr. */
function status(reply: Message, cmdRef: string, code = 200, chal?: Meta): StatusCommand {
  const { hdr, body } = reply;
  const cmd = cmdRef === '0' ? 'SyncHdr' : (body.find(({ cmdId }) => cmdId === cmdRef)?.kind ?? 'Get');
  return {
    kind: 'Status',
    cmdId: '9',
    msgRef: hdr.msgId,
    cmdRef,
    cmd,
    targetRefs: [],
    sourceRefs: [],
    code,
    chal,
    items: [],
  };
}

describe('a DM server lets clients in', () => {
  it('server: asks a client for credentials that has sent none, and executes nothing', () => {
    const talk = new Conversation({ peer: DEVICE });
    const reply = talk.say([ALERT, DEV_INFO]);
    expect(statuses(reply)).toEqual([
      ['0', 'SyncHdr', 407],
      ['1', 'Alert', 407],
      ['2', 'Replace', 407],
    ]);
    expect((reply.body[0] as StatusCommand).chal).toEqual({
      format: 'b64',
      type: 'syncml:auth-md5',
      nextNonce: FRESH.toString('base64'),
    });
    expect(reply.final).toBe(true);
    expect(talk.deliveries).toEqual([]);
    expect(talk.outcome).toBeUndefined();
  });

  it('server: accepts the proof for its challenge and gives a nonce for the next session', () => {
    const talk = new Conversation({ peer: DEVICE }, [[get('x')]]);
    talk.say([ALERT, DEV_INFO]);
    const reply = talk.say([ALERT, DEV_INFO], { cred: credOf({ ...DEVICE, nonce: FRESH }) });
    expect(statuses(reply)[0]).toEqual(['0', 'SyncHdr', 212]);
    expect(nextNonceOf((reply.body[0] as StatusCommand).chal)).toEqual(FRESH);
    expect(talk.deliveries[0]).toMatchObject({ first: true, final: true, managementAlert: 1200 });
    expect(talk.deliveries[0]?.nonces).toEqual({ own: undefined, peer: FRESH });
    expect(commands(reply).map(({ kind }) => kind)).toEqual(['Get']);
  });

  it('server: accepts a proof for the stored nonce at once, and asks for no other in the session', () => {
    const talk = new Conversation({ peer: DEVICE }, [[get('x')], []]);
    const first = talk.say([ALERT, DEV_INFO], { cred: credOf(DEVICE) });
    expect(statuses(first)[0]).toEqual(['0', 'SyncHdr', 212]);
    const second = talk.say([status(first, '0'), status(first, '4')]);
    expect(statuses(second)).toEqual([['0', 'SyncHdr', 200]]);
  });

  it('server: challenges a wrong proof once and ends at the second', () => {
    const talk = new Conversation({ peer: DEVICE });
    const first = talk.say([ALERT], { cred: credOf(GATEWAY) });
    expect(statuses(first)).toEqual([
      ['0', 'SyncHdr', 401],
      ['1', 'Alert', 401],
    ]);
    expect(talk.outcome).toBeUndefined();
    const second = talk.say([ALERT], { cred: credOf(DEVICE) });
    expect(statuses(second)[0]).toEqual(['0', 'SyncHdr', 401]);
    expect((second.body[0] as StatusCommand).chal).toBeUndefined();
    expect(talk.outcome).toBe('unauthorized');
    expect(talk.deliveries).toEqual([]);
  });

  it('server: answers a client it does not know like one it knows', () => {
    const talk = new Conversation({ peer: undefined });
    expect(statuses(talk.say([ALERT]))[0]).toEqual(['0', 'SyncHdr', 407]);
    expect(statuses(talk.say([ALERT], { cred: credOf(DEVICE) }))[0]).toEqual(['0', 'SyncHdr', 401]);
    expect(talk.outcome).toBe('unauthorized');
  });

  it('server: gives its own proof to nobody who has not proved himself', () => {
    const talk = new Conversation({ peer: DEVICE, own: GATEWAY }, [[get('x')]]);
    expect(talk.say([ALERT]).hdr.cred).toBeUndefined();
    const reply = talk.say([ALERT], { cred: credOf({ ...DEVICE, nonce: FRESH }) });
    expect(checkCred(reply.hdr.cred, GATEWAY)).toBe('valid');
    expect(reply.hdr.source).toEqual({ locUri: 'http://gateway/dm', locName: 'gw' });
  });

  it.each([
    [{ verDtd: '1.2', verProto: 'DM/2.0' }, 513],
    [{ verDtd: '1.2', verProto: 'SyncML/1.2' }, 513],
    [{ verDtd: '1.0', verProto: 'DM/1.2' }, 505],
    [{ verDtd: '2.0', verProto: 'DM/1.2' }, 505],
    [{ verDtd: '1.1', verProto: 'DM/1.0' }, 513],
  ])('server: turns %o away with %i', (versions, code) => {
    const talk = new Conversation();
    expect(statuses(talk.say([ALERT], { versions }))[0]).toEqual(['0', 'SyncHdr', code]);
    expect(talk.outcome).toBe('unsupported');
    expect(talk.deliveries).toEqual([]);
  });
});

describe('a DM server and a client of DM 1.1', () => {
  it.each([
    [
      { verDtd: '1.1', verProto: 'DM/1.1' },
      { verDtd: '1.1', verProto: 'DM/1.1' },
    ],
    [
      { verDtd: '1.1', verProto: '' },
      { verDtd: '1.1', verProto: 'DM/1.1' },
    ],
    [
      { verDtd: '', verProto: 'DM/1.1' },
      { verDtd: '1.2', verProto: 'DM/1.1' },
    ],
    [
      { verDtd: '1.2', verProto: 'DM/1.3' },
      { verDtd: '1.2', verProto: 'DM/1.2' },
    ],
    [
      { verDtd: '', verProto: '' },
      { verDtd: '1.2', verProto: 'DM/1.2' },
    ],
  ])('server: answers %o in %o', (versions, expected) => {
    const talk = new Conversation({ peer: DEVICE }, []);
    expect(talk.say([ALERT], { versions }).hdr).toMatchObject(expected);
    const proven = talk.say([ALERT], { versions, cred: credOf({ ...DEVICE, nonce: FRESH }) });
    expect(statuses(proven)[0]).toEqual(['0', 'SyncHdr', 212]);
    expect(proven.hdr).toMatchObject(expected);
  });

  it('server: leaves out of its commands what the DTD before 1.2 does not have, nested ones too', () => {
    const filter = { filterType: 'EXCLUSIVE' };
    const items = [{ target: { locUri: './A', filter }, sourceParent: './B', targetParent: './C', data: 'x' }];
    const exec: RequestCommand = { kind: 'Exec', cmdId: 'e', correlator: 'corr', items };
    const sequence: RequestCommand = {
      kind: 'Sequence',
      cmdId: 's',
      commands: [exec, { kind: 'Add', cmdId: 'a', items }],
    };
    const say = (versions: { readonly verDtd: string; readonly verProto: string }) =>
      JSON.stringify(new Conversation({}, [[exec, sequence]]).say([ALERT], { versions }).body);
    expect(say({ verDtd: '1.2', verProto: 'DM/1.2' })).toMatch(/correlator.*filter.*sourceParent.*targetParent/);
    const body = say({ verDtd: '1.1', verProto: 'DM/1.1' });
    expect(body).not.toMatch(/correlator|filter|Parent/);
    expect(body.match(/"\.\/A"/g)).toHaveLength(3);
  });
});

describe('a DM server and a client that signs its messages', () => {
  const SIGNER: Authentication = { ...DEVICE, scheme: 'mac' };
  const signed = { signer: SIGNER };
  const signedAgain = { signer: { ...SIGNER, nonce: FRESH } };

  it('server: accepts each message for itself, with a nonce for the next one', () => {
    const talk = new Conversation({ peer: SIGNER }, [[get('x')], []]);
    const first = talk.say([ALERT], signed);
    expect(statuses(first)[0]).toEqual(['0', 'SyncHdr', 200]);
    expect((first.body[0] as StatusCommand).chal).toMatchObject({ type: 'syncml:auth-MAC' });
    const second = talk.say([status(first, '0'), status(first, '3')], signedAgain);
    expect(statuses(second)).toEqual([['0', 'SyncHdr', 200]]);
    expect(talk.deliveries.map(({ nonces }) => nonces.peer)).toEqual([FRESH, FRESH]);
    expect(talk.outcome).toBe('completed');
  });

  it('server: takes nothing of a message without a MAC, not even in the middle of a session', () => {
    const talk = new Conversation({ peer: SIGNER }, [[get('x')], []]);
    const first = talk.say([ALERT], signed);
    const answers = [status(first, '0'), status(first, '3')];
    const second = talk.say(answers);
    expect(statuses(second)).toEqual([['0', 'SyncHdr', 407]]);
    expect(talk.deliveries).toHaveLength(1);
    talk.say(answers, signedAgain);
    expect(talk.deliveries[1]?.answers.map(({ cmdRef }) => cmdRef)).toEqual(['x']);
    expect(talk.outcome).toBe('completed');
  });

  it('server: ends at the second message in a row that does not prove its sender', () => {
    const talk = new Conversation({ peer: SIGNER }, [[get('x')]]);
    const first = talk.say([ALERT], signed);
    talk.say([status(first, '0')], signed);
    talk.say([status(first, '0')], { cred: credOf(DEVICE) });
    expect(talk.outcome).toBe('unauthorized');
    expect(talk.deliveries).toHaveLength(1);
  });
});

describe('a DM server and its own credentials', () => {
  it('server: sends them until the client accepts them, and keeps the nonce it is given', () => {
    const talk = new Conversation({ own: GATEWAY }, [[get('x')], [get('y')], []]);
    const first = talk.say([ALERT]);
    expect(checkCred(first.hdr.cred, GATEWAY)).toBe('valid');
    const chal = { format: 'b64', type: 'syncml:auth-md5', nextNonce: 'bmV4dA==' };
    const second = talk.say([status(first, '0', 212, chal), status(first, '3')]);
    expect(talk.deliveries[1]?.nonces.own).toEqual(Buffer.from('next'));
    expect(second.hdr.cred).toBeUndefined();
  });

  it('server: proves itself in every message to a client that wants it so', () => {
    const talk = new Conversation({ own: GATEWAY }, [[get('x')], [get('y')], []]);
    const first = talk.say([ALERT]);
    const chal = { format: 'b64', type: 'syncml:auth-md5', nextNonce: 'bmV4dA==' };
    const second = talk.say([status(first, '0', 200, chal), status(first, '3')]);
    expect(checkCred(second.hdr.cred, { ...GATEWAY, nonce: Buffer.from('next') })).toBe('valid');
  });

  it('server: sends its commands again when the client did not accept its proof, and takes no refusal for an answer', () => {
    const talk = new Conversation({ own: GATEWAY }, [[get('x'), get('y')], []]);
    const first = talk.say([ALERT]);
    const chal = { format: 'b64', type: 'syncml:auth-md5', nextNonce: 'bmV4dA==' };
    const second = talk.say([status(first, '0', 401, chal), status(first, '3', 401), status(first, '4', 401)]);
    expect(talk.deliveries[1]).toMatchObject({ final: false, answers: [], outstanding: [] });
    expect(commands(second).map(({ kind }) => kind)).toEqual(['Get', 'Get']);
    expect(checkCred(second.hdr.cred, { ...GATEWAY, nonce: Buffer.from('next') })).toBe('valid');
    const third = talk.say([status(second, '0', 212), status(second, '2'), status(second, '3', 404)]);
    expect(talk.deliveries[2]?.answers.map(({ cmdRef }) => cmdRef)).toEqual(['x', 'y']);
    expect(commands(third)).toEqual([]);
    expect(talk.outcome).toBe('completed');
  });

  it('server: ends at the second refusal', () => {
    const talk = new Conversation({ own: GATEWAY }, [[get('x')]]);
    const chal = { format: 'b64', type: 'syncml:auth-md5', nextNonce: 'bmV4dA==' };
    const first = talk.say([ALERT]);
    const second = talk.say([status(first, '0', 401, chal)]);
    const third = talk.say([status(second, '0', 401, chal)]);
    expect(commands(third)).toEqual([]);
    expect(talk.outcome).toBe('refused');
  });

  it('server: ends when the client asks for another scheme', () => {
    const talk = new Conversation({ own: GATEWAY }, [[get('x')]]);
    const first = talk.say([ALERT]);
    talk.say([status(first, '0', 407, { format: 'b64', type: 'syncml:auth-basic' })]);
    expect(talk.outcome).toBe('refused');
  });
});

describe('a DM server and its commands', () => {
  it('server: says nothing but Status when there is nothing to do, and the session is over', () => {
    const talk = new Conversation();
    const reply = talk.say([ALERT, DEV_INFO]);
    expect(reply.body.map(({ kind, cmdId }) => `${kind} ${cmdId}`)).toEqual(['Status 1', 'Status 2', 'Status 3']);
    expect(reply.final).toBe(true);
    expect(talk.outcome).toBe('completed');
    expect(talk.deliveries[0]?.devInfo.map(({ data }) => data)).toEqual(['M1']);
  });

  it('server: gives commands CmdIDs of the message, and answers to them the CmdIDs they had', () => {
    const atomic: RequestCommand = { kind: 'Atomic', cmdId: 'a', commands: [get('b'), get('c')] };
    const talk = new Conversation({}, [[atomic, get('d')], []]);
    const first = talk.say([ALERT]);
    expect(commands(first)).toMatchObject([
      { kind: 'Atomic', cmdId: '3', commands: [{ cmdId: '4' }, { cmdId: '5' }] },
      { kind: 'Get', cmdId: '6' },
    ]);
    const results: Command = { kind: 'Results', cmdId: '10', msgRef: '1', cmdRef: '6', items: [{ data: 'v' }] };
    talk.say([...['0', '3', '4', '6'].map((cmdRef) => status(first, cmdRef)), results, status(first, '99')]);
    expect(talk.deliveries[1]?.answers.map(({ kind, cmdRef }) => `${kind} ${cmdRef}`)).toEqual([
      'Status a',
      'Status b',
      'Status d',
      'Results d',
    ]);
    expect(talk.deliveries[1]).toMatchObject({ strayAnswers: 1, outstanding: ['c'] });
  });

  it('server: takes no late answer to earlier commands for one to the commands of now', () => {
    const talk = new Conversation({}, [[get('1')], [get('1')], []]);
    const first = talk.say([ALERT]);
    talk.say([status(first, '0'), status(first, '3')]);
    talk.say([status(first, '3', 500)]);
    expect(talk.deliveries[2]).toMatchObject({ answers: [], strayAnswers: 1, outstanding: ['1'] });
  });

  it('server: asks for the next message while the client has not finished', () => {
    const talk = new Conversation({}, [[get('x')], []]);
    const first = talk.say([ALERT]);
    const second = talk.say([status(first, '0'), status(first, '3')], { final: false });
    expect(second.final).toBe(false);
    expect(second.body.map(({ kind }) => kind)).toEqual(['Status', 'Alert']);
    expect(commands(second)[0]).toMatchObject({ code: 1222 });
    expect(talk.deliveries[1]?.final).toBe(false);
    const results: Command = { kind: 'Results', cmdId: '10', msgRef: '1', cmdRef: '3', items: [{ data: 'v' }] };
    talk.say([status(second, '0'), status(second, '2'), results]);
    expect(talk.deliveries[2]).toMatchObject({ final: true, strayAnswers: 0, outstanding: [] });
    expect(talk.deliveries[2]?.answers.map(({ cmdRef }) => cmdRef)).toEqual(['x']);
    expect(talk.outcome).toBe('completed');
  });

  it('server: sends in as many messages as it takes, and lets the application wait until all is said', () => {
    const list = Array.from({ length: 20 }, (_, index) => get(`c${index}`, `./Vendor/${'x'.repeat(80)}`));
    const talk = new Conversation({}, [list, []]);
    const meta = { maxMsgBytes: 1500 };
    let reply = talk.say([ALERT], { meta });
    let messages = 0;
    while (commands(reply).length > 0) {
      messages += 1;
      expect(encodeMessage(reply, XML).length).toBeLessThanOrEqual(1500);
      expect(reply.final).toBe(true);
      const answered = commands(reply).map(({ cmdId }) => status(reply, cmdId));
      reply = talk.say([status(reply, '0'), ...answered], { meta });
    }
    expect(messages).toBeGreaterThan(2);
    const answers = talk.deliveries.flatMap((delivery) => delivery.answers.map(({ cmdRef }) => cmdRef));
    expect(answers).toEqual(list.map(({ cmdId }) => cmdId));
    expect(talk.deliveries.map(({ final }) => final)).toEqual([
      true,
      ...Array<boolean>(messages - 1).fill(false),
      true,
    ]);
    expect(talk.outcome).toBe('completed');
  });

  it('server: sends a command alone that is larger than any message of the client', () => {
    const talk = new Conversation({}, [[get('a', `./${'x'.repeat(3000)}`), get('b')]]);
    const reply = talk.say([ALERT], { meta: { maxMsgBytes: 1024 } });
    expect(commands(reply)).toHaveLength(1);
  });
});

describe('a DM server and what clients send', () => {
  it('server: gives each alert the Status of the application, in order', () => {
    const talk = new Conversation();
    const event: RequestCommand = { kind: 'Alert', cmdId: '3', code: 1224, items: [] };
    const generic: RequestCommand = { kind: 'Alert', cmdId: '4', code: 1226, items: [] };
    const incomplete: RequestCommand = { kind: 'Alert', cmdId: '5', items: [] };
    const reply = talk.say([event, ALERT, incomplete, generic, DEV_INFO]);
    expect(statuses(reply)).toEqual([
      ['0', 'SyncHdr', 200],
      ['3', 'Alert', 200],
      ['1', 'Alert', 200],
      ['5', 'Alert', 412],
      ['4', 'Alert', 202],
      ['2', 'Replace', 200],
    ]);
    expect(talk.deliveries[0]?.alerts.map(({ cmdId }) => cmdId)).toEqual(['3', '4']);
  });

  it('server: answers a client that is not who it says it is with 401, and the session is over', () => {
    const talk = new Conversation();
    talk.decisions.push({ isRefused: true, alertStatuses: [], commands: [get('x')] });
    const reply = talk.say([ALERT, DEV_INFO]);
    expect(statuses(reply).map(([, , code]) => code)).toEqual([401, 401, 401]);
    expect(commands(reply)).toEqual([]);
    expect(talk.outcome).toBe('unauthorized');
  });

  it('server: executes nothing for a client', () => {
    const talk = new Conversation();
    const put: RequestCommand = { kind: 'Foreign', name: 'Put', cmdId: '8' };
    expect(statuses(talk.say([get('7'), put])).slice(1)).toEqual([
      ['7', 'Get', 406],
      ['8', 'Put', 406],
    ]);
  });

  it('server: takes in what an aborting client has done, and says no more', () => {
    const talk = new Conversation({}, [[get('x'), get('y')], [get('z')]]);
    const first = talk.say([ALERT]);
    const abort: RequestCommand = { kind: 'Alert', cmdId: '9', code: 1223, items: [] };
    const second = talk.say([status(first, '0'), status(first, '3'), abort]);
    expect(commands(second)).toEqual([]);
    expect(talk.deliveries[1]).toMatchObject({ final: false, outstanding: ['y'] });
    expect(talk.deliveries[1]?.answers.map(({ cmdRef }) => cmdRef)).toEqual(['x']);
    expect(talk.outcome).toBe('aborted');
  });

  it('server: takes nothing more when the session is over', () => {
    const talk = new Conversation();
    talk.say([ALERT]);
    expect(() => talk.say([ALERT])).toThrow('cannot come while the session is closed');
  });
});
