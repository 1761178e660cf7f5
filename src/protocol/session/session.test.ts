import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mac } from '../auth/credentials.ts';
import { digestOf } from '../auth/digest.ts';
import { macHeaderFor, readMacHeader } from '../auth/mac-header.ts';
import type { Authentication, AuthScheme } from '../auth/principal.ts';
import { decodeMessage, encodeMessage, type WireForm } from '../codec.ts';
import type { Answer, Data, Item, Message, RequestCommand } from '../message/message.ts';
import { clientStart, stepClient } from './client.ts';
import type { ClientInput, ClientSetup } from './client-types.ts';
import { serverStart, stepServer } from './server.ts';
import type { Decision, Delivery, ServerEffect, ServerInput, ServerSetup } from './server-types.ts';

/** Both ends against each other, over real bytes. */

type Nonces = 'in step' | 'drifted';

interface Terms {
  readonly form: WireForm;
  readonly scheme: AuthScheme;
  /** Whether the two sides agree on the nonces when the session begins. */
  readonly clientNonce: Nonces;
  readonly serverNonce: Nonces;
  readonly clientMaxMsgBytes: number;
  readonly serverMaxMsgBytes: number;
  readonly commands: number;
  readonly resultsEach: number;
  /** Of every third command a Replace of a value of this size, of every Results a value of this size; 0: small ones. */
  readonly objectBytes: number;
  readonly isBinary: boolean;
}

const TERMS: Terms = {
  form: { encoding: 'xml' },
  scheme: 'md5',
  clientNonce: 'in step',
  serverNonce: 'in step',
  clientMaxMsgBytes: 16_384,
  serverMaxMsgBytes: 16_384,
  commands: 3,
  resultsEach: 1,
  objectBytes: 0,
  isBinary: false,
};

function authentication(scheme: AuthScheme, name: string, nonce: string): Authentication {
  const password = `secret of ${name}`;
  return { scheme, principal: { name, digest: digestOf(name, password), password }, nonce: Buffer.from(nonce) };
}

interface Course {
  readonly clientOutcome: string | undefined;
  readonly serverOutcome: string | undefined;
  readonly executed: readonly string[];
  readonly answers: readonly Answer[];
  /** Values that the client was told to write. */
  readonly written: readonly (Data | undefined)[];
  readonly outstandingAtEnd: readonly string[] | undefined;
  readonly largest: { readonly toClient: number; readonly toServer: number };
  readonly messages: number;
  readonly clientNonces: readonly Uint8Array[];
  readonly deliveredNonces: readonly Delivery['nonces'][];
}

/** Runs a session to its end. */
function run(terms: Terms): Course {
  const { form, scheme, commands } = terms;
  const serverSetup: ServerSetup = {
    serverUri: 'http://gateway/dm',
    own: authentication(scheme, 'gw', 'nonce-gw'),
    peer: authentication(scheme, 'm1', 'nonce-m1'),
    defaultScheme: 'md5',
    maxMsgBytes: terms.serverMaxMsgBytes,
    maxObjBytes: 65_536,
  };
  const clientSetup: ClientSetup = {
    sessionId: 'A1',
    serverUri: 'http://gateway/dm',
    clientUri: 'urn:dev:1',
    form,
    own: authentication(scheme, 'm1', terms.clientNonce === 'in step' ? 'nonce-m1' : ''),
    peer: authentication(scheme, 'gw', terms.serverNonce === 'in step' ? 'nonce-gw' : 'old'),
    maxMsgBytes: terms.clientMaxMsgBytes,
    maxObjBytes: 65_536,
    managementAlert: 1200,
    devInfo: [{ source: { locUri: './DevInfo/Mod' }, meta: { format: 'chr' }, data: 'M1' }],
    alerts: [],
  };
  const list = Array.from({ length: commands }, (_, index): RequestCommand => {
    const get: RequestCommand = { kind: 'Get', cmdId: `c${index}`, items: [{ target: { locUri: `./A/${index}` } }] };
    if (index % 3 === 1 && terms.objectBytes > 0) return { ...get, kind: 'Replace', items: [item(index, terms)] };
    return index % 3 === 2 ? { kind: 'Sequence', cmdId: `s${index}`, commands: [get] } : get;
  });

  let server = serverStart(serverSetup);
  let client = clientStart(clientSetup);
  let serverOutcome: string | undefined;
  let clientOutcome: string | undefined;
  let fresh = 0;
  const deliveries: Delivery[] = [];
  const executed: string[] = [];
  const written: (Data | undefined)[] = [];
  const clientNonces: Uint8Array[] = [];
  const largest = { toClient: 0, toServer: 0 };
  let messages = 0;
  let queue: Answer[] = [];
  const freshNonce = () => Buffer.from(`fresh-${String((fresh += 1)).padStart(10, '0')}`);

  function answer(request: Message, signer: Authentication): { message: Message; mac: Mac | undefined } {
    const body = encodeMessage(request, form);
    const mac = readMacHeader(macHeaderFor(body, signer), body);
    largest.toServer = Math.max(largest.toServer, body.length);
    const decoded = decodeMessage(body, form.encoding);
    let input: ServerInput | undefined = { kind: 'received', ...decoded, mac, freshNonce: freshNonce() };
    let reply: Extract<ServerEffect, { kind: 'reply' }> | undefined;
    while (input) {
      const step = stepServer(server, input);
      server = step.next;
      input = undefined;
      for (const effect of step.effects) {
        if (effect.kind === 'reply') reply = effect;
        if (effect.kind === 'closed') serverOutcome = effect.outcome;
        if (effect.kind === 'deliver') {
          const isFirst = effect.delivery.final && !deliveries.some(({ final }) => final);
          deliveries.push(effect.delivery);
          const decision: Decision = { alertStatuses: [], commands: isFirst ? list : [] };
          input = { kind: 'decided', decision };
        }
      }
    }
    if (!reply) throw new Error('no reply');
    const bytes = encodeMessage(reply.message, form);
    largest.toClient = Math.max(largest.toClient, bytes.length);
    const header = reply.signer && macHeaderFor(bytes, reply.signer);
    return { message: decodeMessage(bytes, form.encoding).message, mac: readMacHeader(header, bytes) };
  }

  let input: ClientInput | undefined = { kind: 'open' };
  while (input) {
    const step = stepClient(client, input);
    client = step.next;
    input = undefined;
    for (const effect of step.effects) {
      switch (effect.kind) {
        case 'post':
          messages += 1;
          if (messages > 5000) throw new Error('the session does not end');
          input = { kind: 'received', ...answer(effect.message, effect.signer), freshNonce: freshNonce() };
          break;
        case 'execute':
          executed.push(...effect.commands.map(({ cmdId }) => `${effect.msgId}/${cmdId}`));
          for (const command of effect.commands) if (command.kind === 'Replace') written.push(dataOf(command.items[0]));
          queue = effect.commands.flatMap((command) => answersTo(command, terms));
          input = produced();
          break;
        case 'produce':
          input = produced();
          break;
        case 'remember':
          if (effect.ownNonce) clientNonces.push(effect.ownNonce);
          break;
        case 'closed':
          clientOutcome = effect.outcome.kind;
          break;
        case 'alertAnswered':
          break;
      }
    }
  }
  return {
    clientOutcome,
    serverOutcome,
    executed,
    written,
    answers: deliveries.flatMap(({ answers }) => answers),
    outstandingAtEnd: deliveries.at(-1)?.outstanding,
    largest,
    messages,
    clientNonces,
    deliveredNonces: deliveries.map(({ nonces }) => nonces),
  };

  function produced(): ClientInput {
    const answers = queue.splice(0, 7);
    return { kind: 'produced', answers, done: queue.length === 0, alerts: [] };
  }
}

/** A value of the size that the terms ask for, different for each `index`. */
function valueOf(index: number, { objectBytes, isBinary }: Terms): Data {
  if (objectBytes === 0) return `value ${index}`;
  if (isBinary) return Uint8Array.from({ length: objectBytes }, (_, at) => (at * 31 + index * 7 + 0xfe) & 0xff);
  return `${index} <&> \u00e4\u20ac\ud83d\ude00\r\n`.repeat(Math.ceil(objectBytes / 20));
}

function item(index: number, terms: Terms): Item {
  const format = terms.isBinary ? 'bin' : 'chr';
  return { target: { locUri: `./A/${index}` }, meta: { format, type: 'text/plain' }, data: valueOf(index, terms) };
}

/** Data as the peer meant it: in XML octets come as base64. */
function dataOf({ data, meta }: Item = {}): Data | undefined {
  if (meta?.format === 'b64' && typeof data === 'string') return new Uint8Array(Buffer.from(data, 'base64'));
  return data instanceof Uint8Array ? new Uint8Array(data) : data;
}

function answersTo(command: RequestCommand, terms: Terms): Answer[] {
  const status = (cmdRef: string, cmd: string): Answer => ({
    kind: 'Status',
    cmdRef,
    cmd,
    targetRefs: [],
    sourceRefs: [],
    code: 200,
    items: [],
  });
  if (command.kind === 'Sequence') {
    return [status(command.cmdId, 'Sequence'), ...command.commands.flatMap((nested) => answersTo(nested, terms))];
  }
  if (command.kind === 'Replace') return [status(command.cmdId, 'Replace')];
  return [
    status(command.cmdId, 'Get'),
    ...Array.from({ length: terms.resultsEach }, (_, index): Answer => {
      const { target, ...rest } = item(index, terms);
      return { kind: 'Results', cmdRef: command.cmdId, items: [{ ...rest, source: target }] };
    }),
  ];
}

/** Every command was executed once, and answered under the CmdID it was given, in order. */
function expectWhole(course: Course, terms: Terms): void {
  const { commands, resultsEach, objectBytes } = terms;
  const isReplace = (index: number): boolean => index % 3 === 1 && objectBytes > 0;
  expect(course).toMatchObject({ clientOutcome: 'completed', serverOutcome: 'completed', outstandingAtEnd: [] });
  expect(course.executed).toHaveLength(commands);
  expect(new Set(course.executed).size).toBe(commands);
  const expected = Array.from({ length: commands }, (_, index) => [
    ...(index % 3 === 2 ? [`Status s${index}`] : []),
    `Status c${index}`,
    ...Array<string>(isReplace(index) ? 0 : resultsEach).fill(`Results c${index}`),
  ]).flat();
  expect(course.answers.map(({ kind, cmdRef }) => `${kind} ${cmdRef}`)).toEqual(expected);
  const results = course.answers.filter(({ kind }) => kind === 'Results');
  results.forEach(({ items }, at) => expect(dataOf(items[0])).toEqual(valueOf(at % resultsEach, terms)));
  const replaces = Array.from({ length: commands }, (_, index) => index).filter(isReplace);
  expect(course.written).toEqual(replaces.map((index) => valueOf(index, terms)));
}

const FORMS: readonly WireForm[] = [
  { encoding: 'xml' },
  { encoding: 'wbxml', version: 1 },
  { encoding: 'wbxml', version: 2 },
  { encoding: 'wbxml', version: 3 },
];
const SCHEMES: readonly AuthScheme[] = ['none', 'basic', 'md5', 'mac'];
const NONCES: readonly Nonces[] = ['in step', 'drifted'];
const SIZES = [
  { name: 'small', commands: 3, resultsEach: 1, clientMaxMsgBytes: 16_384, serverMaxMsgBytes: 16_384 },
  { name: 'multi-message', commands: 12, resultsEach: 5, clientMaxMsgBytes: 1500, serverMaxMsgBytes: 1500 },
  {
    name: 'large-object',
    commands: 3,
    resultsEach: 2,
    clientMaxMsgBytes: 1500,
    serverMaxMsgBytes: 1500,
    objectBytes: 9000,
  },
] as const;

describe('client and server', () => {
  const matrix = FORMS.flatMap((form) =>
    SCHEMES.flatMap((scheme) =>
      NONCES.flatMap((clientNonce) =>
        NONCES.flatMap((serverNonce) => SIZES.map((size) => ({ form, scheme, clientNonce, serverNonce, ...size }))),
      ),
    ),
  );

  it.each(matrix)(
    'client and server: run a $name session in $form, $scheme, nonces $clientNonce and $serverNonce',
    (row) => {
      const terms = { ...TERMS, ...row };
      const course = run(terms);
      expectWhole(course, terms);
      expect(course.largest.toClient).toBeLessThanOrEqual(terms.clientMaxMsgBytes);
      expect(course.largest.toServer).toBeLessThanOrEqual(terms.serverMaxMsgBytes);
    },
  );

  it('client and server: need two messages each way when both know the nonces of the other', () => {
    expect(run(TERMS).messages).toBe(2);
  });

  it('client and server: agree on the nonces of the next session', () => {
    const course = run({ ...TERMS, clientNonce: 'drifted', serverNonce: 'drifted' });
    const stored = course.deliveredNonces.findLast(({ peer }) => peer !== undefined)?.peer;
    expect(course.clientNonces.at(-1)).toEqual(stored);
    expect(course.deliveredNonces.findLast(({ own }) => own !== undefined)?.own).toBeDefined();
  });

  it('client and server: lose and repeat no command whatever their limits are', () => {
    fc.assert(
      fc.property(
        fc.record({
          form: fc.constantFrom(...FORMS),
          scheme: fc.constantFrom(...SCHEMES),
          clientNonce: fc.constantFrom(...NONCES),
          serverNonce: fc.constantFrom(...NONCES),
          clientMaxMsgBytes: fc.integer({ min: 1200, max: 4000 }),
          serverMaxMsgBytes: fc.integer({ min: 1200, max: 4000 }),
          commands: fc.integer({ min: 0, max: 15 }),
          resultsEach: fc.integer({ min: 0, max: 12 }),
          objectBytes: fc.constantFrom(0, 0, 500, 2000),
          isBinary: fc.boolean(),
        }),
        (terms) => expectWhole(run(terms), terms),
      ),
      { numRuns: 200 },
    );
  });
});
