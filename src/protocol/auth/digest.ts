import { hash } from 'node:crypto';

/** B64(H(name:secret)): the form in which a secret is kept, and all that md5, MAC and notifications need of it. [SEC 5.3] */
export function digestOf(name: string, secret: string): string {
  return hash('md5', `${name}:${secret}`, 'base64');
}

/** H(digest:nonce): 16 octets that prove the secret behind `digest`. [SEC 5.3] */
export function md5Proof(digest: string, nonce: Uint8Array): Uint8Array {
  return md5(withNonce(digest, nonce));
}

/** B64(H(content)), what a proof needs of it. */
export function contentHash(content: Uint8Array): string {
  return hash('md5', content, 'base64');
}

/** H(digest:nonce:B64(H(content))): 16 octets that prove the secret and that the content is what was sent. [SEC 5.4, NOTI 6.2] */
export function contentProof(digest: string, nonce: Uint8Array, hashOfContent: string): Uint8Array {
  return md5(withNonce(digest, nonce, `:${hashOfContent}`));
}

/** Text that is read back: as octets a hash comes in a block of memory of its own, which takes twice as long. */
function md5(content: Uint8Array): Uint8Array {
  return Buffer.from(hash('md5', content, 'base64'), 'base64');
}

function withNonce(digest: string, nonce: Uint8Array, behind = ''): Uint8Array {
  const octets = Buffer.allocUnsafe(Buffer.byteLength(digest) + 1 + nonce.length + Buffer.byteLength(behind));
  const nonceAt = octets.write(`${digest}:`);
  octets.set(nonce, nonceAt);
  octets.write(behind, nonceAt + nonce.length);
  return octets;
}
