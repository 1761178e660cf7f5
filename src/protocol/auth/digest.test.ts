import { expect, it } from 'vitest';
import { contentHash, contentProof, digestOf, md5Proof } from './digest.ts';

const NONCE = Buffer.from('Nonce');

it('digest: proves the secret of the standard as the standard prints it', () => {
  expect(Buffer.from(md5Proof(digestOf('Bruce2', 'OhBehave'), NONCE)).toString('base64')).toBe(
    'Zz6EivR3yeaaENcRN6lpAQ==',
  );
});

it('digest: proves a message body by the chain of the MAC', () => {
  const proof = contentProof(digestOf('Robert Jordan', 'secret'), NONCE, contentHash(Buffer.from('<SyncML/>')));
  expect(Buffer.from(proof).toString('base64')).toBe('tUijKcGEgS6t+IkYImTYSQ==');
});
