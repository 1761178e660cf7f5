import { describe, expect, it } from 'vitest';
import { credOf, type Mac } from '../auth/credentials.ts';
import { contentHash, contentProof, digestOf } from '../auth/digest.ts';
import type { Authentication, AuthScheme } from '../auth/principal.ts';
import type { Message } from '../message/message.ts';
import { serverStart, type ServerState, stepServer, type ServerStep } from './server.ts';
import type { ServerSetup } from './server-types.ts';

const SCHEMES = ['basic', 'md5', 'mac'] as const;
const FRESH = Buffer.from('fresh');
const BODY = Buffer.from('<SyncML/>');

/** Both directions under secrets of this name. */
function sides(scheme: AuthScheme, secret: string): { own: Authentication; peer: Authentication } {
  const side = (name: string): Authentication => ({
    scheme,
    principal: { name, digest: digestOf(name, `${name}-${secret}`), password: `${name}-${secret}` },
    nonce: Buffer.from(`${name}-${secret}-nonce`),
  });
  return { own: side('gw'), peer: side('dev') };
}

function setupOf(scheme: AuthScheme): ServerSetup {
  return {
    ...sides(scheme, 'new'),
    former: sides(scheme, 'old'),
    serverUri: 'http://gw/dm',
    defaultScheme: 'md5',
    maxMsgBytes: 10_000,
    maxObjBytes: 10_000,
  };
}

/** Package 1 of a device with this proof. */
function receive(state: ServerState, msgId: number, proof: Authentication): ServerStep {
  const message: Message = {
    hdr: {
      verDtd: '1.2',
      verProto: 'DM/1.2',
      sessionId: 'A',
      msgId: String(msgId),
      target: { locUri: 'http://gw/dm' },
      source: { locUri: 'urn:dev:1', locName: 'dev' },
      cred: credOf(proof),
    },
    body: [{ kind: 'Alert', cmdId: '1', code: 1201, items: [] }],
    final: true,
  };
  const bodyHash = contentHash(BODY);
  const mac: Mac | undefined =
    proof.scheme === 'mac'
      ? { userName: 'dev', mac: contentProof(proof.principal.digest, proof.nonce, bodyHash), bodyHash }
      : undefined;
  return stepServer(state, { kind: 'received', message, mac, form: { encoding: 'xml' }, freshNonce: FRESH });
}

function deliveryOf({ effects }: ServerStep) {
  return effects.flatMap((effect) => (effect.kind === 'deliver' ? [effect.delivery] : []))[0];
}

/** What the server proves itself with in its answer with commands. */
function ownProof(step: ServerStep) {
  const decided = stepServer(step.next, {
    kind: 'decided',
    decision: {
      alertStatuses: [],
      commands: [{ kind: 'Get', cmdId: '1', items: [{ target: { locUri: './DevInfo/Mod' } }] }],
    },
  });
  const reply = decided.effects.find((effect) => effect.kind === 'reply');
  return reply?.kind === 'reply' ? { cred: reply.message.hdr.cred, signer: reply.signer?.principal } : undefined;
}

describe.each(SCHEMES)('former secrets, %s', (scheme) => {
  const setup = setupOf(scheme);

  it.each(['new', 'old'])(
    'server: proves itself with the secret that belongs to the one the client used: %s',
    (which) => {
      const { own, peer } = sides(scheme, which);
      const step = receive(serverStart(setup), 1, peer);
      expect(deliveryOf(step)).toMatchObject({ usesFormer: which === 'old' });
      const proof = ownProof(step);
      expect(proof?.cred).toEqual(credOf(own));
      if (scheme === 'mac') expect(proof?.signer).toEqual(own.principal);
    },
  );

  it('server: takes either secret after a challenge', () => {
    for (const which of ['new', 'old']) {
      const stale = { ...sides(scheme, which).peer, nonce: Buffer.from('stale') };
      const first = receive(serverStart(setup), 1, { ...stale, principal: sides(scheme, 'wrong').peer.principal });
      expect(deliveryOf(first)).toBeUndefined();
      const second = receive(first.next, 2, { ...stale, nonce: FRESH });
      expect(deliveryOf(second)).toMatchObject({ usesFormer: which === 'old' });
    }
  });

  it('server: takes no third secret, and none from before without a grace', () => {
    expect(deliveryOf(receive(serverStart(setup), 1, sides(scheme, 'wrong').peer))).toBeUndefined();
    const ended = { ...setup, former: undefined };
    expect(deliveryOf(receive(serverStart(ended), 1, sides(scheme, 'old').peer))).toBeUndefined();
  });
});
