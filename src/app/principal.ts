import { digestOf } from '../protocol/auth/digest.ts';
import type { AuthScheme, Principal } from '../protocol/auth/principal.ts';

/** A principal whose plain secret is kept only where basic has to be sent. */
export function principal(
  scheme: AuthScheme,
  name: string,
  secret: string,
): { scheme: AuthScheme; principal: Principal } {
  const password = scheme === 'basic' ? secret : undefined;
  return { scheme, principal: { name, digest: digestOf(name, secret), password } };
}
